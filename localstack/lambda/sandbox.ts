/**
 * One Lambda execution environment: a child process that runs one invocation at a time, with AWS's failure semantics.
 *
 * ```text
 * starting --imported--> idle <--invoke / answer--> busy
 *     |                    |                         |
 *     +--------------------+-- exit, crash, timeout, kill() --> dead
 * ```
 *
 * An error inside fails at most the running invocation, never this process.
 * The life cycle is https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */

import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import { ownModule } from "../../build/paths.ts";
import { isObject } from "../json.ts";
import { aheadMilliseconds } from "../turned-date.ts";
import { exitReason, type FunctionDefinition, functionArn, sandboxEnvironment } from "./environment.ts";
import type { SandboxReaper } from "./reaper.ts";
import type { ErrorReport, InvokeMessage, SandboxMessage } from "./runtime.ts";

/** The outcome of an invocation: the JSON text of the answer, or the error as Lambda words it. */
export type InvocationResult =
  | { ok: true; payload: string }
  | { ok: false; errorType: string; errorMessage: string; trace?: string[]; throttled?: true };

type SandboxState = "starting" | "idle" | "busy" | "dead";

export interface Sandbox {
  state(): SandboxState;
  /** Settles when the module is imported (true) or the process has ended (false). */
  readonly ready: Promise<boolean>;
  /** Settles when the process has ended. */
  readonly exited: Promise<void>;
  /** Runs one invocation with an event in JSON; never rejects for what the function does. @throws when the sandbox is busy or dead. */
  invoke(eventJson: string, requestId: string): Promise<InvocationResult>;
  /** Ends the process and everything it started, at once. */
  kill(): Promise<void>;
}

export interface SandboxOptions {
  readonly definition: FunctionDefinition;
  readonly reaper: SandboxReaper;
  /** Receives each line of the function's output and each failure, prefixed with the function's name. */
  readonly log: (line: string) => void;
}

interface Invocation {
  readonly requestId: string;
  readonly event: string;
  readonly settle: (result: InvocationResult) => void;
  timer?: NodeJS.Timeout;
}

const RUNTIME = ownModule("localstack/lambda/runtime");
/** Lambda's limit for the import: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib */
const INIT_LIMIT_MILLISECONDS = 10_000;
/** Lambda's limit for an answer, and its sentence: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_RESPONSE_BYTES = 6_291_556;

/** The handler's own code can send too, so the channel is not to be trusted. */
function isSandboxMessage(value: unknown): value is SandboxMessage {
  if (!isObject(value)) return false;
  const { type, payload, error } = value;
  if (type === "done") return typeof payload === "string";
  if (type === "failed") return isObject(error) && typeof error.errorType === "string" && Array.isArray(error.trace);
  return type === "ready";
}

/** Starts the process; the module is imported at once, as Lambda's init phase does. */
export function startSandbox({ definition, reaper, log }: SandboxOptions): Sandbox {
  const { name, timeoutSeconds } = definition;
  const print = (line: string) => log(`[${name}] ${line}`);
  const child = fork(RUNTIME, [definition.module, definition.handler, functionArn(definition)], {
    env: sandboxEnvironment(definition),
    execArgv: [`--max-old-space-size=${definition.memorySizeMb}`, "--enable-source-maps"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // Leader of its own process group, so that killing it also ends what the handler has spawned.
    detached: true,
  });
  const groupId = child.pid;
  if (groupId !== undefined) reaper.guard(groupId);

  const imported = Promise.withResolvers<boolean>();
  const exited = Promise.withResolvers<void>();
  let state: SandboxState = "starting";
  let hasImported = false;
  let wasKilled = false;
  let invocation: Invocation | undefined;
  /** Why the process is ending, when we know better than its exit status. */
  let cause: ErrorReport | undefined;

  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", print);
  }

  function printError(errorType: string, errorMessage: string, trace: readonly string[] = []): void {
    const [first = `${errorType}: ${errorMessage}`, ...rest] = trace;
    for (const line of [`ERROR ${first}`, ...rest]) print(line);
  }

  function killGroup(): void {
    if (groupId === undefined) return;
    try {
      process.kill(-groupId, "SIGKILL");
    } catch {
      // ESRCH: nothing of the group is left.
    }
  }

  function answer(result: InvocationResult): void {
    const answered = invocation;
    if (answered === undefined) return;
    clearTimeout(answered.timer);
    invocation = undefined;
    if (!result.ok) printError(result.errorType, result.errorMessage, result.trace);
    answered.settle(result);
  }

  function expire(): void {
    const requestId = invocation?.requestId ?? "";
    const errorMessage = `${new Date().toISOString()} ${requestId} Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
    cause ??= { errorType: "Sandbox.Timedout", errorMessage, trace: [] };
    killGroup();
  }

  function dispatch(next: Invocation): void {
    const timeoutMilliseconds = timeoutSeconds * 1000;
    next.timer = setTimeout(expire, timeoutMilliseconds);
    const message: InvokeMessage = {
      type: "invoke",
      requestId: next.requestId,
      event: next.event,
      timeoutMilliseconds,
      aheadMilliseconds: aheadMilliseconds(),
    };
    // A channel that is closing means that the process is ending, and its exit answers the invocation.
    child.send(message, () => {});
  }

  function gone(code: number | null, signal: NodeJS.Signals | null): void {
    state = "dead";
    // A process that the handler spawned shares the group; Lambda drops it with the environment.
    killGroup();
    if (groupId !== undefined) reaper.release(groupId);
    const requestId = invocation?.requestId ?? "";
    const exit = `RequestId: ${requestId} Error: ${exitReason(code, signal)}`;
    const ended: ErrorReport = { errorType: "Runtime.ExitError", errorMessage: exit, trace: [] };
    const { errorType, errorMessage, trace } = cause ?? ended;
    if (invocation !== undefined) answer({ ok: false, errorType, errorMessage, ...(trace.length > 0 && { trace }) });
    else if (!wasKilled) printError(errorType, errorMessage, trace);
    imported.resolve(false);
    exited.resolve();
  }

  function receive(message: unknown): void {
    if (!isSandboxMessage(message) || state === "dead") return;
    if (message.type === "ready") {
      hasImported = true;
      clearTimeout(initTimer);
      if (invocation === undefined) state = "idle";
      else dispatch(invocation);
      imported.resolve(true);
    } else if (message.type === "failed" && message.fatal) {
      // The answer waits for the exit: after it, the invocation can have no effect any more.
      cause ??= message.error;
    } else if (cause === undefined && message.requestId === invocation?.requestId) {
      state = "idle";
      if (message.type === "failed") answer({ ok: false, ...message.error });
      else if (Buffer.byteLength(message.payload) <= MAX_RESPONSE_BYTES) answer({ ok: true, payload: message.payload });
      else answer(tooLarge());
    }
  }

  // Lambda repeats an init that exceeds its limit inside the invocation, under the function's own timeout.
  const initTimer = setTimeout(expire, INIT_LIMIT_MILLISECONDS + timeoutSeconds * 1000);
  void whenGone(child).then(([code, signal]) => {
    clearTimeout(initTimer);
    gone(code, signal);
  });
  child.on("message", receive);

  return {
    state: () => state,
    ready: imported.promise,
    exited: exited.promise,
    async invoke(eventJson, requestId) {
      if (state === "dead" || state === "busy") throw new Error(`Sandbox of '${name}' is ${state}: expected idle.`);
      const { promise, resolve } = Promise.withResolvers<InvocationResult>();
      invocation = { requestId, event: eventJson, settle: resolve };
      state = "busy";
      if (hasImported) dispatch(invocation);
      return promise;
    },
    async kill() {
      wasKilled = true;
      killGroup();
      await exited.promise;
    },
  };
}

function tooLarge(): InvocationResult {
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
  return { ok: false, errorType: "Function.ResponseSizeTooLarge", errorMessage };
}

/** Waits for the exit and for the end of the channel, because a last message may be read after the exit is seen. */
function whenGone(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.on("error", () => {
      // Without a process no exit follows.
      if (child.pid === undefined) resolve([1, null]);
    });
    child.once("exit", (code, signal) => {
      if (child.connected) child.once("disconnect", () => resolve([code, signal]));
      else resolve([code, signal]);
    });
  });
}
