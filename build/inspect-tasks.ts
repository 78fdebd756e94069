import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { ROOT, WORK_FOLDER } from "./bundle.ts";
import { taskModules } from "./task-modules.ts";

/** What the tasks of a service declare. */
export interface Inspection {
  tasks: string[];
  schedules: { name: string; schedule: string; timezone: string | undefined; input: string }[];
}

/**
 * Loads every task module once, in a process of its own, and checks what only running them can tell: two tasks of one name,
 * a module without a task, a schedule that AWS would refuse, a payload that does not fit its task.
 * @throws Error with the one sentence that says what is wrong
 */
export async function inspectTasks(taskFolders: readonly string[]): Promise<Inspection> {
  await mkdir(WORK_FOLDER, { recursive: true });
  // A name of its own: packaging and the local cloud may inspect at the same time.
  const outfile = join(WORK_FOLDER, `inspect-${randomUUID()}.mjs`);
  await build({
    stdin: { contents: INSPECTOR, resolveDir: ROOT, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    packages: "external",
    plugins: [taskModules(taskFolders)],
    logLevel: "silent",
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile], {
    cwd: ROOT,
    env: { PATH: process.env.PATH },
  }).finally(() => rm(outfile, { force: true }));
  const outcome: { inspection: Inspection } | { error: string } = JSON.parse(
    stdout.slice(stdout.lastIndexOf("\n{") + 1),
  );
  if ("error" in outcome) throw new Error(outcome.error);
  return outcome.inspection;
}

const INSPECTOR = `
  import { beatInput, checkSchedulePayloads, collectSchedule, createRegistry } from "./shared/index.ts";
  try {
    const { modules } = await import("lovage:tasks");
    const registry = createRegistry(modules);
    const entries = collectSchedule(modules);
    await checkSchedulePayloads(entries);
    const inspection = {
      tasks: registry.tasks.map(({ name }) => name),
      schedules: entries.map((entry) => ({ name: entry.name, schedule: entry.schedule, timezone: entry.timezone, input: beatInput(entry) })),
    };
    console.log("\\n" + JSON.stringify({ inspection }));
  } catch (error) {
    console.log("\\n" + JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
  }
`;
