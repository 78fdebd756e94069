import { describe, expect, it } from "vitest";
import * as z from "zod";
import { collectSchedule } from "../../../shared/beat/schedule-entries.ts";
import { beatSchedule, crontab, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";

const add = task({ name: "add", payload: z.object({ x: z.number() }), run: ({ x }) => x });
const sameName = task({ name: "add", payload: z.object({}), run: () => 1 });

describe("the registry", () => {
  it("finds a task by its name, however often it is exported", () => {
    const registry = createRegistry([
      { file: "math.ts", exports: { add, again: add, other: 5 } },
      { file: "reexport.ts", exports: { add } },
    ]);

    expect(registry.get("add")).toBe(add);
    expect(registry.tasks).toHaveLength(1);
  });

  it("names the known tasks when one is unknown", () => {
    const registry = createRegistry([{ file: "math.ts", exports: { add } }]);

    expect(() => registry.get("ad")).toThrow(
      "Task 'ad' is not registered. Known tasks: 'add'. Is it exported from a module in handlers/tasks/?",
    );
    expect(() => registry.get("constructor")).toThrow("is not registered");
  });

  it("refuses two tasks of one name, and a module without any", () => {
    expect(() =>
      createRegistry([
        { file: "a.ts", exports: { add } },
        { file: "b.ts", exports: { sameName } },
      ]),
    ).toThrow("Task 'add' is exported by both a.ts and b.ts: expected one task per name. Rename one of them.");
    expect(() => createRegistry([{ file: "c.ts", exports: { helper: () => 1 } }])).toThrow(
      "Module c.ts exports no task",
    );
  });

  it.each(["", "1st", "with space", "a/b", "x".repeat(129)])("refuses the task name %j", (name) => {
    expect(() => task({ name, payload: z.object({}), run: () => 1 })).toThrow("Option 'name'");
  });
});

describe("the beat schedule", () => {
  const entry = { task: add, payload: { x: 1 }, schedule: crontab({ hour: 8, minute: 0 }) };

  it("collects the entries of all modules", () => {
    const schedule = beatSchedule({ "every-morning": { ...entry, timezone: "Europe/Berlin" } });

    expect(collectSchedule([{ file: "a.ts", exports: { add, schedule } }])).toMatchObject([
      { name: "every-morning", schedule: "cron(0 8 * * ? *)", timezone: "Europe/Berlin" },
    ]);
  });

  it("refuses what AWS would refuse, before anything is deployed", () => {
    expect(() => beatSchedule({ bad: { ...entry, schedule: "cron(0 24 * * ? *)" } })).toThrow("hour '24'");
    expect(() => beatSchedule({ bad: { ...entry, timezone: "Mars/Olympus" } })).toThrow("Mars/Olympus");
    expect(() => beatSchedule({ "Bad Name": entry })).toThrow("schedule entry 'Bad Name'");
  });

  it("refuses two entries of one name, and a task that is not exported", () => {
    const first = beatSchedule({ one: entry });
    const second = beatSchedule({ one: entry });

    expect(() => collectSchedule([{ file: "a.ts", exports: { add, first, second } }])).toThrow("one entry per name");
    expect(() => collectSchedule([{ file: "a.ts", exports: { first } }])).toThrow("its task 'add' to be exported");
  });
});
