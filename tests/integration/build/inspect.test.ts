import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Inspection, inspectTasks } from "../../../build/inspect-tasks.ts";
import { ROOT, WORK_FOLDER } from "../../../build/paths.ts";

const QUEUES = {
  BROKER_URL: "https://sqs.us-east-1.amazonaws.com/1/default",
  BROKER_URL_FIFO: "https://sqs.us-east-1.amazonaws.com/1/fifo.fifo",
};
let folder: string;
beforeEach(async () => {
  await mkdir(WORK_FOLDER, { recursive: true });
  folder = await mkdtemp(join(WORK_FOLDER, "inspected-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Inspects a folder with these modules; `TASK` makes one of the given options. */
async function inspect(
  files: Record<string, string>,
  variables: Record<string, string> = {},
  timeoutMilliseconds = 30_000,
): Promise<Inspection> {
  for (const [name, body] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), `${HEAD}\n${body}`);
  }
  const environments = [{ functions: ["worker", "beat"], variables: { ...QUEUES, ...variables } }];
  return inspectTasks({ taskFolders: [relative(ROOT, folder)], environments, timeoutMilliseconds });
}
const HEAD = `import * as z from "zod"; import { beatSchedule, crontab, task } from "../../shared/index.ts"; const TASK = (name, more = {}) => task({ name, payload: z.object({ x: z.number() }), run: () => 1, ...more });`;
const ENTRY = `export const t = TASK("t"); export const s = beatSchedule({ daily: { task: t, payload: { x: 1 }, schedule: "rate(1 day)",`;

async function refusal(...args: Parameters<typeof inspect>): Promise<string> {
  const message = await inspect(...args).then(
    () => "nothing was refused",
    (error: Error) => error.message,
  );
  return message.replaceAll(relative(ROOT, folder), "tasks");
}

describe("an inspection", () => {
  it("tells tasks and schedules, with the zone of the service", async () => {
    const inspection = await inspect({ "a.ts": `${ENTRY} } });` }, { TIMEZONE: "Europe/Berlin" });

    expect(inspection.tasks).toEqual(["t"]);
    expect(inspection.schedules).toMatchObject([{ name: "daily", schedule: "rate(1 day)", timezone: "Europe/Berlin" }]);
  });

  it("tells which module declares which tasks and entries, in any of the environments", async () => {
    const files = {
      "a.ts": `${ENTRY} } }); export const u = TASK("u", { aliases: ["was-u"] });`,
      "b.ts": `export const x = TASK(process.env.LOVAGE_TEST_NAME ?? "x");`,
    };
    for (const [name, body] of Object.entries(files)) await writeFile(join(folder, name), `${HEAD}\n${body}`);
    const { declared } = await inspectTasks({
      taskFolders: [relative(ROOT, folder)],
      environments: [
        { functions: ["worker"], variables: QUEUES },
        { functions: ["beat"], variables: { ...QUEUES, LOVAGE_TEST_NAME: "y" } },
      ],
    });

    expect(declared).toEqual(
      new Map([
        [join(relative(ROOT, folder), "a.ts"), { names: ["t", "u", "was-u"], entries: ["daily"] }],
        [join(relative(ROOT, folder), "b.ts"), { names: ["x", "y"], entries: [] }],
      ]),
    );
  });

  it("compiles what EventBridge can say, leaves the rest to the tick, and says what may surprise", async () => {
    const { schedules, notes } = await inspect({
      "a.ts": `export const t = TASK("t"); const entry = { task: t, payload: { x: 1 } }; export const s = beatSchedule({
        plain: { ...entry, schedule: crontab({ hour: 8 }) },
        both: { ...entry, schedule: crontab({ minute: 0, hour: 8, dayOfMonth: 13, dayOfWeek: "fri" }) },
        policy: { ...entry, schedule: crontab({ minute: 0, hour: 8 }), overlap: "skip" } });`,
    });

    expect(schedules.map(({ name }) => name)).toEqual(["plain"]);
    expect(notes).toEqual([
      expect.stringContaining(
        "schedule entry 'plain', cron(* 8 * * ? *): It fires 60 times an hour, each minute from 08:00.",
      ),
      expect.stringContaining("schedule entry 'both', crontab(0 8 13 * 5): Both day fields must hold"),
    ]);
  });

  it("sees the variables that the function will see, and none of this process", async () => {
    const files = {
      "a.ts": `if (!process.env.LOVAGE_TEST_KEY) throw new Error("no key"); export const t = TASK("t");`,
    };

    expect((await inspect(files, { LOVAGE_TEST_KEY: "set" })).tasks).toEqual(["t"]);
    process.env.LOVAGE_TEST_KEY = "of the shell";
    const sentence = await refusal(files);
    delete process.env.LOVAGE_TEST_KEY;
    expect(sentence).toBe(
      "tasks/a.ts:2 throws when it is imported: Error: no key. It reads LOVAGE_TEST_KEY, which is not set for 'worker', 'beat': set it under provider.environment in serverless.yml (LOVAGE_TEST_KEY: ${env:LOVAGE_TEST_KEY}), for your shell's variables are not a function's, or read it in a task's run.",
    );
  });

  it("ends, whatever a module leaves open", async () => {
    const files = { "a.ts": `setInterval(() => {}, 1_000); export const t = TASK("t");` };

    expect((await inspect(files)).tasks).toEqual(["t"]);
  });

  it("takes a date that comes once in four years", async () => {
    const files = {
      "a.ts": `${ENTRY} schedule: crontab({ dayOfMonth: 29, monthOfYear: 2, hour: 0, minute: 0 }) } });`,
    };

    expect((await inspect(files)).schedules).toMatchObject([{ schedule: "cron(0 0 29 2 ? *)" }]);
  });
});

describe("an inspection names the file, in one sentence, of", () => {
  it.each<[string, Record<string, string>, string]>([
    [
      "a missing package",
      { "a.ts": `import pad from "left-pad"; export const t = TASK(pad("t"));` },
      "tasks/a.ts:2 imports 'left-pad', which was not found: expected a package in node_modules. Install it with npm install left-pad.",
    ],
    [
      "a missing part of a package",
      { "a.ts": `import x from "@nobody/pad/deep"; export const t = TASK(x);` },
      "Install it with npm install @nobody/pad.",
    ],
    [
      "a missing file",
      { "a.ts": `import x from "./b"; export const t = TASK(x);` },
      "tasks/a.ts:2 imports './b', which was not found: expected a file that exists.",
    ],
    ["a syntax error", { "a.ts": "export const t = TASK({;" }, "tasks/a.ts:2 cannot be built: "],
    [
      "a throw in a helper",
      {
        "a.ts": `import { x } from "./help/b.ts"; export const t = TASK(x);`,
        "help/b.ts": 'throw new RangeError("of a helper");',
      },
      "tasks/help/b.ts:",
    ],
    ["a throw of what is no error", { "a.ts": `throw { odd: 1 };` }, "tasks/a.ts throws when it is imported: "],
    [
      "process.exit",
      { "a.ts": `export const t = TASK("t");`, "b.ts": "process.exit(3);" },
      "tasks/b.ts ends the process (exit code 3) when it is imported: expected a module that only declares.",
    ],
    [
      "an exit that looks like success",
      { "a.ts": "process.exit(0);" },
      "tasks/a.ts ends the process (exit code 0) when it is imported",
    ],
    [
      "an await that nothing ends",
      { "a.ts": `await new Promise(() => {}); export const t = TASK("t");` },
      "tasks/a.ts is never imported to its end, for its top-level 'await' waits for what does not come",
    ],
    [
      "a rejection that nobody catches",
      {
        "a.ts": `Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 500)); export const t = TASK("t");`,
      },
      "tasks/a.ts:2 throws when it is imported: Error: lost.",
    ],
    ["a module without a task", { "a.ts": "export const x = 1;" }, "Module tasks/a.ts exports no task"],
    [
      "two tasks of one name",
      { "a.ts": `export const t = TASK("t");`, "b.ts": `export const t = TASK("t");` },
      "Task 't' is exported by both tasks/a.ts and tasks/b.ts",
    ],
    [
      "a queue that does not exist",
      { "a.ts": `export const t = TASK("t", { queue: "nope" });` },
      "tasks/a.ts: Option 'queue' has the value 'nope': expected one of the service's queues (default, fifo) for task 't'; an entry under 'custom.lovage.queues' in serverless.yml declares one.",
    ],
    [
      "a bad rate limit",
      { "a.ts": `export const t = TASK("t", { rateLimit: "often" });` },
      "tasks/a.ts:1: Option 'rateLimit'",
    ],
    ["a bad name", { "a.ts": `export const t = TASK("1");` }, "tasks/a.ts:1: Option 'name' has the value '1'"],
    [
      "a payload that its task refuses",
      { "a.ts": `${ENTRY} payload: { x: "1" } } });` },
      "tasks/a.ts: Invalid schedule entry 'daily': expected what task 't' accepts (Payload of task 't' was refused at 'x'",
    ],
    [
      "an entry's queue that does not exist",
      { "a.ts": `${ENTRY} options: { queue: "nope" } } });` },
      "tasks/a.ts: Invalid queue 'nope' of schedule entry 'daily': expected one of the service's queues (default, fifo).",
    ],
    [
      "an entry without a group for a FIFO queue",
      { "a.ts": `${ENTRY} options: { queue: "fifo" } } });` },
      "tasks/a.ts: Invalid queue 'fifo' of schedule entry 'daily': expected a messageGroupId",
    ],
    [
      "an entry's option that is no option",
      { "a.ts": `${ENTRY} options: { countdown: -1 } } });` },
      "tasks/a.ts: Invalid schedule entry 'daily': expected what task 't' accepts (Option 'countdown'",
    ],
    [
      "a date that no month has",
      { "a.ts": `${ENTRY} schedule: crontab({ dayOfMonth: 31, monthOfYear: 2 }) } });` },
      "Invalid schedule 'cron(* * 31 2 ? *)' of entry 'daily': expected a date that comes",
    ],
    [
      "a year that has passed",
      { "a.ts": `${ENTRY} schedule: "cron(0 8 1 1 ? 2020)" } });` },
      "Invalid schedule 'cron(0 8 1 1 ? 2020)' of entry 'daily': expected a time after now",
    ],
    [
      "a time that has passed",
      { "a.ts": `${ENTRY} schedule: "at(2020-01-01T00:00:00)" } });` },
      "Invalid schedule 'at(2020-01-01T00:00:00)' of entry 'daily': expected a time after now",
    ],
    [
      "a time that the clock skips",
      { "a.ts": `${ENTRY} schedule: "at(2027-03-28T02:30:00)", timezone: "Europe/Berlin" } });` },
      "of entry 'daily': expected a date that comes",
    ],
    [
      "two entries of one name",
      { "a.ts": `${ENTRY} } });`, "b.ts": `${ENTRY.replaceAll('"t"', '"u"')} } });` },
      "expected one entry per name, which both tasks/a.ts and tasks/b.ts use",
    ],
  ])("%s", async (_, files, sentence) => {
    const said = await refusal(files);

    expect(said).toContain(sentence);
    expect(said).not.toContain("\n");
  });

  it("a module that does not end in time", async () => {
    const files = { "a.ts": `await new Promise((r) => setInterval(() => {}, 1_000)); export const t = TASK("t");` };

    expect(await refusal(files, {}, 2000)).toBe(
      "tasks/a.ts was not imported within 2 s: expected a module that only declares. Move what waits into a task's run.",
    );
  });
});
