/**
 * The local Lambda service: a pool of sandboxes for each function, with AWS's concurrency rules.
 *
 * A function scales by one sandbox per running invocation and reuses the one that ran last:
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */

import { randomUUID } from "node:crypto";
import type { FunctionDefinition } from "./environment.ts";
import { startSandboxReaper } from "./reaper.ts";
import { type InvocationResult, type Sandbox, startSandbox } from "./sandbox.ts";

export type { FunctionDefinition } from "./environment.ts";
export type { InvocationResult } from "./sandbox.ts";

export interface FunctionsOptions {
  readonly definitions: readonly FunctionDefinition[];
  /** Receives each line of each function's output, prefixed with the function's name. */
  readonly log: (line: string) => void;
  /** @defaultValue 10 */
  readonly maxSandboxesPerFunction?: number;
  /** @defaultValue 300 000, what AWS is usually seen to do */
  readonly terminateIdleAfterMilliseconds?: number;
}

/** The functions of one service, ready to be invoked. */
export interface Functions {
  /** Runs the function once; never rejects: what goes wrong is in the result. */
  invoke(name: string, event: unknown): Promise<InvocationResult>;
  /** Starts idle sandboxes ahead of need, up to `count` and the function's cap; settles when they have imported the module. */
  warm(name: string, count: number): Promise<void>;
  /** New invocations use the new definitions in fresh sandboxes; running ones finish on the old code. */
  replace(definitions: readonly FunctionDefinition[]): void;
  has(name: string): boolean;
  /** How many invocations run now. */
  running(): number;
  /** Settles when no invocation runs. */
  idle(): Promise<void>;
  /** Takes no more invocations, waits up to `drainMilliseconds` for the running ones, then kills; leaves no process. May be called again with less. */
  close(options: { drainMilliseconds: number }): Promise<void>;
}

interface Member {
  readonly sandbox: Sandbox;
  /** The definition that it was started from; differs from the pool's when the code was edited since. */
  readonly definition: FunctionDefinition;
  idleTimer?: NodeJS.Timeout;
  /** Being killed, so it uses no concurrency any more. */
  isEnding?: true;
}

interface Pool {
  definition: FunctionDefinition | undefined;
  /** Every living sandbox: also starting, busy, outdated and ending ones. */
  readonly members: Set<Member>;
  /** Free ones, also while they start. Last in, first out: the rarely needed ones grow old and end. */
  readonly idle: Member[];
}

/** Lambda's limit of a synchronous event: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_EVENT_BYTES = 6_291_456;
const TOO_LARGE = `Request must be smaller than ${MAX_EVENT_BYTES} bytes for the InvokeFunction operation`;
const NOT_JSON = "The event cannot be written as JSON.";
const STOPPING = "The local cloud is stopping and takes no more invocations.";
const refuse = (errorType: string, errorMessage: string): InvocationResult => ({ ok: false, errorType, errorMessage });

function serialise(event: unknown): string | undefined {
  try {
    return JSON.stringify(event) ?? "null";
  } catch {
    return undefined;
  }
}

/** Starts the service; sandboxes start on the first invocation or by `warm`. */
export function createFunctions(options: FunctionsOptions): Functions {
  const { log, maxSandboxesPerFunction = 10, terminateIdleAfterMilliseconds = 300_000 } = options;
  const reaper = startSandboxReaper();
  const pools = new Map<string, Pool>();
  const invocations = new Set<Promise<InvocationResult>>();
  let closing = false;

  function start(pool: Pool, definition: FunctionDefinition): Member | undefined {
    const cap = Math.min(maxSandboxesPerFunction, definition.reservedConcurrency ?? Number.POSITIVE_INFINITY);
    if ([...pool.members].filter(({ isEnding }) => !isEnding).length >= cap) return undefined;
    const member: Member = { definition, sandbox: startSandbox({ definition, reaper, log }) };
    pool.members.add(member);
    void member.sandbox.exited.then(() => {
      leaveIdle(pool, member);
      pool.members.delete(member);
    });
    return member;
  }

  function leaveIdle(pool: Pool, member: Member): void {
    clearTimeout(member.idleTimer);
    const index = pool.idle.indexOf(member);
    if (index >= 0) pool.idle.splice(index, 1);
  }

  function takeIdle(pool: Pool): Member | undefined {
    const member = pool.idle.findLast(({ sandbox }) => sandbox.state() !== "dead");
    if (member !== undefined) leaveIdle(pool, member);
    return member;
  }

  function release(pool: Pool, member: Member): void {
    if (member.sandbox.state() !== "idle") return;
    if (closing || member.definition !== pool.definition) {
      end(pool, member);
      return;
    }
    pool.idle.push(member);
    endWhenIdle(pool, member);
  }

  function endWhenIdle(pool: Pool, member: Member): void {
    member.idleTimer = setTimeout(() => end(pool, member), terminateIdleAfterMilliseconds).unref();
  }

  function end(pool: Pool, member: Member): void {
    // First out of the list: what is being killed must not be given an invocation.
    leaveIdle(pool, member);
    member.isEnding = true;
    void member.sandbox.kill();
  }

  async function run(name: string, event: unknown): Promise<InvocationResult> {
    if (closing) return refuse("ServiceUnavailableException", STOPPING);
    const pool = pools.get(name);
    if (pool?.definition === undefined) return refuse("ResourceNotFoundException", `Function not found: ${name}`);
    const eventJson = serialise(event);
    if (eventJson === undefined) return refuse("InvalidRequestContentException", NOT_JSON);
    if (Buffer.byteLength(eventJson) > MAX_EVENT_BYTES) return refuse("RequestEntityTooLargeException", TOO_LARGE);
    const member = takeIdle(pool) ?? start(pool, pool.definition);
    if (member === undefined) {
      return { ok: false, errorType: "TooManyRequestsException", errorMessage: "Rate Exceeded.", throttled: true };
    }
    const result = await member.sandbox.invoke(eventJson, randomUUID());
    release(pool, member);
    return result;
  }

  function replace(definitions: readonly FunctionDefinition[]): void {
    for (const pool of pools.values()) {
      pool.definition = undefined;
      for (const member of [...pool.idle]) end(pool, member);
    }
    for (const definition of definitions) {
      const pool = pools.get(definition.name) ?? { definition, members: new Set(), idle: [] };
      pool.definition = definition;
      pools.set(definition.name, pool);
    }
  }

  replace(options.definitions);
  return {
    replace,
    has: (name) => pools.get(name)?.definition !== undefined,
    running: () => invocations.size,
    async idle() {
      while (invocations.size > 0) await Promise.allSettled(invocations);
    },
    async invoke(name, event) {
      const invocation = run(name, event);
      invocations.add(invocation);
      return invocation.finally(() => invocations.delete(invocation));
    },
    async warm(name, count) {
      const pool = pools.get(name);
      while (!closing && pool?.definition !== undefined && pool.idle.length < count) {
        const member = start(pool, pool.definition);
        if (member === undefined) break;
        // Below the ready ones; an invocation that finds nothing better waits for its import instead of starting another.
        pool.idle.unshift(member);
        endWhenIdle(pool, member);
      }
      await Promise.all((pool?.idle ?? []).map((member) => member.sandbox.ready));
    },
    async close({ drainMilliseconds }) {
      closing = true;
      for (const pool of pools.values()) for (const member of [...pool.idle]) end(pool, member);
      const drain = Promise.withResolvers<void>();
      const timer = setTimeout(drain.resolve, drainMilliseconds);
      await Promise.race([Promise.allSettled(invocations), drain.promise]);
      clearTimeout(timer);
      const members = [...pools.values()].flatMap((pool) => [...pool.members]);
      await Promise.all(members.map((member) => member.sandbox.kill()));
      await reaper.close();
    },
  };
}
