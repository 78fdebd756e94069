import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../build/paths.ts";

const EXAMPLES = ["handlers/examples", "tests/examples", "demo"];
const NOT_COPIED = ["node_modules", ".git", ".lovage", ".serverless", ".esbuild", ...EXAMPLES];

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "lovage-without-examples-"));
  await cp(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(ROOT, path)) });
  await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** @throws Error with what the command printed, if it fails */
async function run(command: string, ...args: string[]): Promise<string> {
  const file = command === "node" ? process.execPath : join(copy, "node_modules", ".bin", command);
  const outcome = promisify(execFile)(file, args, { cwd: copy });
  return outcome.then(
    ({ stdout, stderr }) => stdout + stderr,
    ({ stdout, stderr }) => Promise.reject(new Error(`${command} failed:\n${stdout}${stderr}`)),
  );
}

describe("the repository without its examples", () => {
  it("compiles, and is formatted", async () => {
    await run("tsc", "--noEmit");
    await run("biome", "check", ".");
  });

  it("is packaged without a task, a schedule of the examples or a native package", async () => {
    const output = await run("serverless", "package", "--stage", "dev");
    const template = await run("serverless", "template", "--stage", "dev");
    const script = `
      import { readFileSync } from "node:fs";
      import { unzipSync } from "fflate";
      import { inspectTasks } from "./build/inspect-tasks.ts";
      const files = Object.keys(unzipSync(readFileSync(".lovage/package/worker.zip")));
      const taskFolders = ["handlers/tasks", "handlers/examples"];
      const inspection = await inspectTasks({ taskFolders, environments: [{ functions: ["worker"], variables: {} }] });
      console.log(JSON.stringify({ ...inspection, native: files.filter((file) => file.startsWith("node_modules/")) }));
    `;
    await writeFile(join(copy, "look.ts"), script);

    expect(output).toContain("Task folder 'handlers/examples' is absent");
    expect(template).not.toContain("SendDailyEmail");
    expect(JSON.parse(await run("node", "look.ts"))).toEqual({
      tasks: [],
      declared: {},
      notes: [],
      schedules: [],
      native: [],
    });
  });

  it("passes the check of its layers", async () => {
    await run("vitest", "run", "--project", "unit", "tests/unit/layers.test.ts");
  });
});
