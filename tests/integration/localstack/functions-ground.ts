import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { createFunctions, type FunctionDefinition, type Functions } from "../../../localstack/lambda/functions.ts";

export const FIXTURES = new URL("../../fixtures/functions/", import.meta.url).pathname;

const ANSWERS = join(FIXTURES, "answers.mjs");

export const FAILURES = join(FIXTURES, "failures.mjs");

export const SOON = { timeout: 5000, interval: 20 };

export let functions: Functions | undefined;

export let lines: string[];

export let directory: string;

export function define(handler: string, options: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return { name: handler, module: ANSWERS, handler, timeoutSeconds: 5, memorySizeMb: 128, environment: {}, ...options };
}

export function start(
  definitions: FunctionDefinition[],
  options: { max?: number; idleMilliseconds?: number } = {},
): Functions {
  functions = createFunctions({
    definitions,
    log: (line) => lines.push(line),
    ...(options.max !== undefined && { maxSandboxesPerFunction: options.max }),
    ...(options.idleMilliseconds !== undefined && { terminateIdleAfterMilliseconds: options.idleMilliseconds }),
  });
  return functions;
}

/** Processes that live, without those that have ended and wait for their parent to notice. */
function processes(): { pid: number; parent: number; command: string }[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state = "Z", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return state.startsWith("Z") ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

export const lives = (pid: number) => processes().some((one) => one.pid === pid);

export const children = () =>
  processes().filter(({ parent, command }) => parent === process.pid && !command.startsWith("ps "));

/** The process ids that a fixture wrote: "hangs in 123". */
export const writtenPids = () => lines.flatMap((line) => /\w+ in (\d+)$/.exec(line)?.[1] ?? []).map(Number);

export async function payloadOf(name: string, event: unknown = {}): Promise<unknown> {
  const result = await functions?.invoke(name, event);
  if (result?.ok !== true) throw new Error(`'${name}' failed: ${JSON.stringify(result)}`);
  return JSON.parse(result.payload);
}

beforeEach(async () => {
  lines = [];
  directory = await mkdtemp(join(tmpdir(), "lovage-functions-"));
});

afterEach(async () => {
  await functions?.close({ drainMilliseconds: 0 });
  functions = undefined;
  await rm(directory, { recursive: true });
  expect(children()).toEqual([]);
});
