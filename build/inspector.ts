/**
 * Runs in a process of its own, in a function's environment: imports every task module and tells what they declare. All that it
 * learns it writes into the file that its first argument names, line by line, so that nothing is lost if a module ends the process.
 */

import { appendFileSync } from "node:fs";
import { beatInput } from "../shared/beat/beat.ts";
import { checkEntry, collectSchedule, isOnScheduler, staticEntry } from "../shared/beat/schedule-entries.ts";
import { loadConfig } from "../shared/config.ts";
import { describeError, InvalidOptionError, TaskError } from "../shared/errors.ts";
import { preview } from "../shared/schedules/preview.ts";
import { createRegistry, type TaskModule } from "../shared/task/registry.ts";
import { isTask } from "../shared/task/task.ts";
import type { Failure, Found, Report } from "./inspect-tasks.ts";

/** The function that modules call as they begin: see `markModules` in inspect-tasks.ts. */
const IMPORTING = Symbol.for("lovage.importing");

const [, , reportFile = ""] = process.argv;
const report = (line: Report): void => appendFileSync(reportFile, `${JSON.stringify(line)}\n`);

/** Variables that the module which is being imported has asked for, and that are not there. */
let missing: string[] = [];
process.env = new Proxy(process.env, {
  get(variables, name) {
    const value: unknown = Reflect.get(variables, name);
    if (value === undefined && typeof name === "string") missing.push(name);
    return value;
  },
});
Object.assign(globalThis, {
  [IMPORTING](file: string) {
    missing = [];
    report({ importing: file });
  },
});

let file: string | undefined;
const fail = (error: unknown): never => {
  const { name, message, stack } = describeError(error);
  const failure: Failure = {
    name,
    message,
    missing,
    ...(stack !== undefined && { stack }),
    ...(file !== undefined && { file }),
    isOwn: error instanceof TaskError,
  };
  report({ error: failure });
  process.exit(1);
};
process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

async function inspect(modules: readonly TaskModule[]): Promise<Found> {
  const registry = createRegistry(modules);
  const entries = collectSchedule(modules);
  const config = loadConfig(process.env);
  const { queues, timezone } = config;
  for (const one of modules) {
    file = one.file;
    for (const task of Object.values(one.exports).filter(isTask)) {
      if (queues.includes(task.queue)) continue;
      throw new InvalidOptionError(
        "queue",
        task.queue,
        `one of the service's queues (${queues.join(", ")}) for task '${task.name}'; an entry under 'custom.lovage.queues' in serverless.yml declares one`,
      );
    }
  }
  for (const entry of entries) {
    file = entry.file;
    const isFifo = (queue: string): boolean => config.queueUrl(queue).endsWith(".fifo");
    await checkEntry(entry, { now: new Date(), timezone, queues, isFifo });
  }
  file = undefined;
  // One that is written down; the default belongs to a service that has uploads.
  if (process.env.UPLOAD_TASK) registry.get(config.uploadTask);
  const now = new Date();
  return {
    tasks: registry.names,
    modules: modules.map((one) => ({
      file: one.file,
      names: Object.values(one.exports)
        .filter(isTask)
        .flatMap(({ name, aliases }) => [name, ...aliases]),
      entries: entries.filter(({ file: from }) => from === one.file).map(({ name }) => name),
    })),
    notes: entries.flatMap((entry) =>
      preview(staticEntry(entry, timezone).timing, now, 1).notes.map(
        (note) => `${entry.file}: schedule entry '${entry.name}', ${entry.schedule}: ${note}`,
      ),
    ),
    // The tick fires the others.
    schedules: entries.filter(isOnScheduler).map((entry) => ({
      name: entry.name,
      schedule: entry.schedule,
      timezone: entry.timezone ?? timezone,
      input: beatInput(entry),
    })),
  };
}

try {
  const { modules } = await import("lovage:tasks");
  report({ importing: undefined });
  missing = [];
  report({ found: await inspect(modules) });
} catch (error) {
  fail(error);
}
// A module may have opened what keeps a process alive.
process.exit(0);
