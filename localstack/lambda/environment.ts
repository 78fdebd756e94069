/**
 * A sandbox's beginning and end: the environment variables of a Lambda function, and an exit status in AWS's words.
 */

import { randomBytes } from "node:crypto";
import { basename, extname, join } from "node:path";
import process from "node:process";
import { WORK_FOLDER } from "../../build/paths.ts";
import { ACCOUNT_ID } from "../account.ts";

/** A function as the local cloud runs it. */
export interface FunctionDefinition {
  readonly name: string;
  /** Absolute path of an ES module (`.mjs`) or of a TypeScript file that plain `node` can run. */
  readonly module: string;
  /** Name of the export to call. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memorySizeMb: number;
  /** The function's own variables; `AWS_ENDPOINT_URL`, `AWS_REGION` and the dummy credentials belong here too. */
  readonly environment: Readonly<Record<string, string>>;
  /** At most so many invocations at once; 0 refuses all. */
  readonly reservedConcurrency?: number;
}

/** Compiled code of earlier sandboxes: halves a cold start. Inside the service's folder, so that no other user of the machine can write it. */
const COMPILE_CACHE = join(WORK_FOLDER, "compile-cache");

function regionOf({ environment }: FunctionDefinition): string {
  const { AWS_REGION, AWS_DEFAULT_REGION = "us-east-1" } = environment;
  return AWS_REGION ?? AWS_DEFAULT_REGION;
}

/** The ARN that a function sees as `context.invokedFunctionArn`. */
export function functionArn(definition: FunctionDefinition): string {
  return `arn:aws:lambda:${regionOf(definition)}:${ACCOUNT_ID}:function:${definition.name}`;
}

/**
 * The whole environment of a sandbox: nothing of this process but PATH goes in, so that a handler which works here works on AWS.
 * Names and values: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export function sandboxEnvironment(definition: FunctionDefinition): Record<string, string> {
  const { name, module, handler, memorySizeMb, environment } = definition;
  const region = regionOf(definition);
  const { PATH = "" } = process.env;
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "/");
  return {
    PATH,
    // Read by node at its start and taken out by the runtime before the handler's module is imported.
    NODE_COMPILE_CACHE: COMPILE_CACHE,
    TZ: ":UTC",
    LANG: "en_US.UTF-8",
    ...environment,
    _HANDLER: `${basename(module, extname(module))}.${handler}`,
    // On Lambda both the root of the package; here the service's directory, where files beside serverless.yml are.
    LAMBDA_TASK_ROOT: process.cwd(),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split(".")[0]}.x`,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySizeMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[$LATEST]${randomBytes(16).toString("hex")}`,
  };
}

/** Go's names of the signals, which are the ones in Lambda's messages. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGILL: "illegal instruction",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
  SIGTRAP: "trace/breakpoint trap",
};

/** How Lambda words the end of a runtime process. */
export function exitReason(code: number | null, signal: string | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNAL_WORDS[signal] ?? signal}`;
  return code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: exit status ${code}`;
}
