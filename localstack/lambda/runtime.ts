/**
 * The program of one sandbox process: imports a function's module once, then answers one invocation at a time over IPC.
 *
 * ```text
 * importing --ready--> waiting --invoke--> running --done | failed--> waiting
 *     |                   |                   |
 *     +-----failed (fatal), exit code 1-------+
 * ```
 *
 * It follows Lambda's own runtime for nodejs24.x (github.com/aws/aws-lambda-nodejs-runtime-interface-client, 4.x).
 * Started by `sandbox.ts` as `runtime.ts <module> <export name> <function ARN>`; never imported.
 */

import { existsSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { basename, extname } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Context } from "aws-lambda";
import { setAhead } from "../turned-date.ts";

/** An error as Lambda reports it: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
export interface ErrorReport {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: string[];
}

/** Parent to child: run this. `event` is JSON text, as it is on Lambda's runtime API. */
export interface InvokeMessage {
  readonly type: "invoke";
  readonly requestId: string;
  readonly event: string;
  readonly timeoutMilliseconds: number;
  /** How far the cloud's clock is ahead of the machine's. */
  readonly aheadMilliseconds: number;
}

/** Child to parent. `fatal` means that the process ends and no invocation may follow. */
export type SandboxMessage =
  | { readonly type: "ready" }
  | { readonly type: "done"; readonly requestId: string; readonly payload: string }
  | { readonly type: "failed"; readonly requestId?: string; readonly fatal: boolean; readonly error: ErrorReport };

/** nodejs24.x has no callback handlers, so its context has no `done`, `fail` and `succeed`. */
type LambdaContext = Omit<Context, "done" | "fail" | "succeed">;
type Handler = (event: unknown, context: LambdaContext) => unknown;

const CALLBACK_REMOVED =
  "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
  "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
  "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";

const [, , modulePath = "", exportName = "", functionArn = ""] = process.argv;
let ending = false;

function send(message: SandboxMessage, sent?: () => void): void {
  process.send?.(message, () => sent?.());
}

function report(error: unknown): ErrorReport {
  try {
    if (error instanceof Error) {
      const { name, message, stack = "" } = error;
      return { errorType: String(name), errorMessage: String(message), trace: stack === "" ? [] : stack.split("\n") };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    return { errorType: "handled", errorMessage: "The error thrown has no readable name and message.", trace: [] };
  }
}

/** An error of the runtime's own, whose trace shows nothing of the runtime. */
function runtimeError(name: string, message: string, stack = `${name}: ${message}`): Error {
  return Object.assign(new Error(message), { name, stack });
}

/** Reports, then ends with code 1; what the handler still answers after this is too late and is not sent. */
function die(error: ErrorReport): void {
  if (ending) return;
  ending = true;
  send({ type: "failed", fatal: true, error }, () => process.exit(1));
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

function property(owner: unknown, name: string): unknown {
  return typeof owner === "object" && owner !== null ? Reflect.get(owner, name) : undefined;
}

async function importHandler(): Promise<Handler> {
  const fullName = `${basename(modulePath, extname(modulePath))}.${exportName}`;
  if (!existsSync(modulePath)) {
    throw runtimeError("Runtime.ImportModuleError", `Error: Cannot find module '${modulePath}'`);
  }
  let namespace: unknown;
  try {
    namespace = await import(pathToFileURL(modulePath).href);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Node leaves the place of a syntax error out of its stack.
    const trace = `${error.stack}\n    while importing ${modulePath}`;
    throw runtimeError("Runtime.UserCodeSyntaxError", String(error), trace);
  }
  const found = property(namespace, exportName) ?? property(property(namespace, "default"), exportName);
  if (found === undefined) throw runtimeError("Runtime.HandlerNotFound", `${fullName} is undefined or not exported`);
  if (!isHandler(found)) throw runtimeError("Runtime.HandlerNotFound", `${fullName} is not a function`);
  if (found.length > 2) throw runtimeError("Runtime.CallbackHandlerDeprecated", CALLBACK_REMOVED);
  return found;
}

function contextOf({ requestId, timeoutMilliseconds }: InvokeMessage): LambdaContext {
  const deadline = performance.now() + timeoutMilliseconds;
  const variable = (name: string) => process.env[name] ?? "";
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: variable("AWS_LAMBDA_FUNCTION_NAME"),
    functionVersion: variable("AWS_LAMBDA_FUNCTION_VERSION"),
    invokedFunctionArn: functionArn,
    memoryLimitInMB: variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    awsRequestId: requestId,
    logGroupName: variable("AWS_LAMBDA_LOG_GROUP_NAME"),
    logStreamName: variable("AWS_LAMBDA_LOG_STREAM_NAME"),
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(deadline - performance.now())),
  };
}

function serialise(result: unknown): string {
  try {
    return JSON.stringify(result) ?? "null";
  } catch {
    throw runtimeError("Runtime.MarshalError", "Unable to stringify response body");
  }
}

async function run(handler: Handler, message: InvokeMessage): Promise<void> {
  setAhead(message.aheadMilliseconds);
  let answer: SandboxMessage;
  try {
    const payload = serialise(await handler(JSON.parse(message.event), contextOf(message)));
    answer = { type: "done", requestId: message.requestId, payload };
  } catch (error) {
    answer = { type: "failed", requestId: message.requestId, fatal: false, error: report(error) };
  }
  // One turn of the loop, as Lambda's runtime takes it: a rejection nobody handles still belongs to this invocation.
  setImmediate(() => {
    if (!ending) send(answer);
  });
}

function isInvoke(value: unknown): value is InvokeMessage {
  return property(value, "type") === "invoke";
}

// A terminal's Ctrl-C or hang-up may reach every process of the session; the parent decides when a sandbox ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
// The parent is gone, however it went: take what the handler started along, for nobody else will.
process.on("disconnect", () => {
  try {
    process.kill(-process.pid, "SIGKILL");
  } finally {
    process.exit(1);
  }
});
process.on("uncaughtException", (error) => die(report(error)));
process.on("unhandledRejection", (reason) => {
  const stack = reason instanceof Error ? reason.stack : undefined;
  die(report(runtimeError("Runtime.UnhandledPromiseRejection", String(reason), stack)));
});

Reflect.deleteProperty(process.env, "NODE_COMPILE_CACHE");
try {
  const handler = await importHandler();
  process.on("message", (message: unknown) => {
    if (isInvoke(message)) void run(handler, message);
  });
  send({ type: "ready" });
  // Node writes the cache at a normal exit only, and a sandbox is killed.
  flushCompileCache();
} catch (error) {
  die(report(error));
}
