import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT } from "../../../build/paths.ts";

const TASKS = 300;
const CALLS = 30;
/** Types that the compiler makes for the calls, beside those for the tasks: 178,000 when this was written. */
const MAX_INSTANTIATIONS = 300_000;

const FOLDER = ".lovage/many-tasks";

/** The types that the compiler has made for one file. */
function instantiations(file: string): number {
  const tsconfig = { extends: "../../tsconfig.json", include: [file] };
  writeFileSync(join(ROOT, FOLDER, "tsconfig.json"), JSON.stringify(tsconfig));
  const words = ["--project", FOLDER, "--extendedDiagnostics"];
  const { stdout } = spawnSync("node_modules/.bin/tsc", words, { cwd: ROOT, encoding: "utf8" });
  expect(stdout).not.toContain("error TS");
  return Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1]);
}

it("300 tasks and 30 calls of them cost the compiler no more than they did", () => {
  rmSync(join(ROOT, FOLDER), { recursive: true, force: true });
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const numbers = Array.from({ length: TASKS }, (_, index) => index);
  const tasks = numbers.map(
    (n) =>
      `export const t${n} = task({ name: "task_${n}", payload: z.object({ x: z.number(), a${n}: z.string() }), run: ({ x }) => ({ sum: x, at: new Date() }) });`,
  );
  const calls = numbers
    .slice(0, CALLS)
    .map(
      (n) =>
        `export const r${n} = client.tasks.task_${n}.delay({ x: 1, a${n}: "" }).then((one) => one.get()).then(({ at }) => at.length);`,
    );
  const write = (file: string, lines: readonly string[]): void =>
    writeFileSync(join(ROOT, FOLDER, file), lines.join("\n"));
  write("tasks.ts", ['import { task } from "lovage";', 'import * as z from "zod";', ...tasks]);
  write("calls.ts", [
    'import { createClient } from "lovage/client";',
    'import type * as tasks from "./tasks.ts";',
    'const client = createClient<typeof tasks>({ url: "/" });',
    ...calls,
  ]);
  const cost = instantiations("calls.ts") - instantiations("tasks.ts");

  expect(cost).toBeGreaterThan(1000);
  expect(cost).toBeLessThan(MAX_INSTANTIATIONS);
});
