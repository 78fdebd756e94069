import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { systemClock } from "../../../localstack/clock.ts";
import type { Firing } from "../../../localstack/scheduler/delivery.ts";
import { describeChanges } from "../../../localstack/scheduler/from-template.ts";
import { type Schedule, startScheduler } from "../../../localstack/scheduler/scheduler.ts";
import { beatInput } from "../../../shared/beat/beat.ts";
import { beatSchedule, createBeat, createWorker, crontab, task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";
import { virtualClock } from "../../helpers/virtual-clock.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const mail = task({ name: "mail", payload: z.object({ to: z.string() }), run: ({ to }) => to });
const schedule = beatSchedule({
  "daily-mail": {
    task: mail,
    payload: { to: "ada" },
    schedule: crontab({ hour: 8, minute: 0 }),
    timezone: "Europe/Berlin",
  },
});
const modules = [{ file: "mail.ts", exports: { mail, schedule } }];

describe("the beat function", () => {
  it("sends the entry's task once per fire time, however often it is called", async () => {
    const beat = createBeat(modules, engine.app);
    const event = { schedule: "daily-mail", scheduledTime: "2026-11-23T07:00:00Z" };

    const first = await beat(event);
    const again = await beat({ ...event, scheduledTime: "2026-11-23T07:00:00.000Z" });
    const nextDay = await beat({ ...event, scheduledTime: "2026-11-24T07:00:00Z" });

    expect(again.id).toBe(first.id);
    expect(nextDay.id).not.toBe(first.id);
    await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
    expect(await engine.app.results.read(first.id)).toMatchObject({ task: "mail", state: "SUCCESS", result: "ada" });
  });

  it.each([
    [
      { schedule: "weekly-mail", scheduledTime: "2026-11-23T07:00:00Z" },
      "Invalid schedule entry 'weekly-mail': expected one of beatSchedule ('daily-mail').",
    ],
    [{ schedule: "daily-mail", scheduledTime: "soon" }, "Invalid beat event"],
    [{}, "Invalid beat event"],
    [null, "Invalid beat event null"],
  ])("refuses %j", async (event, sentence) => {
    await expect(createBeat(modules, engine.app)(event)).rejects.toThrow(sentence);
  });
});

describe("the Input of a schedule", () => {
  const [entry] = schedule.entries;

  it("says what would be sent, and leaves a payload that looks like Scheduler's own words as it is", () => {
    const payload = { to: "<aws.scheduler.scheduled-time>" };
    const input = beatInput({
      name: "odd",
      target: { task: mail, payload },
      schedule: "",
      timezone: undefined,
      options: {},
      rules: {},
    });
    const fired = input.replaceAll("<aws.scheduler.scheduled-time>", "2026-11-23T07:00:00Z");

    expect(JSON.parse(fired)).toEqual({
      schedule: "odd",
      scheduledTime: "2026-11-23T07:00:00Z",
      task: "mail",
      queue: "default",
      payload,
    });
  });

  it("is refused when it is larger than Scheduler takes", () => {
    if (entry === undefined) throw new Error("There is no entry.");
    const large = { ...entry, target: { task: mail, payload: { to: "x".repeat(262_144) } } };

    expect(() => beatInput(large)).toThrow(
      "Invalid payload of schedule entry 'daily-mail', whose Input is 262270 bytes: expected an Input of at most 262144 bytes.",
    );
  });
});

describe("the local scheduler", () => {
  const entry = {
    name: "daily-mail",
    expression: "cron(0 8 * * ? *)",
    timezone: "Europe/Berlin",
    arn: "arn:aws:scheduler:us-east-1:000000000000:schedule/default/daily-mail",
    target: {
      arn: "arn:aws:lambda:us-east-1:000000000000:function:beat",
      input: "{}",
      maximumRetryAttempts: 0,
      maximumEventAgeSeconds: 60,
    },
  };

  it("fires a year of mornings at 08:00 in Berlin, summer and winter, and says when", async () => {
    const fired: Firing[] = [];
    const clock = virtualClock("2026-01-01T00:00:00Z");
    const scheduler = startScheduler({
      schedules: [entry],
      clock,
      deliver: async (firing) => void fired.push(firing),
    });
    await clock.runTo("2026-12-31T23:59:00Z");
    await scheduler.stop();

    expect(fired).toHaveLength(365);
    const { arn: scheduleArn, target } = entry;
    expect(fired[0]).toEqual({ scheduleArn, target, due: new Date("2026-01-01T07:00:00Z") });
    expect(fired[180]?.due).toEqual(new Date("2026-06-30T06:00:00Z"));
  });

  it("lets one firing stand for all that a sleeping machine has missed", async () => {
    let count = 0;
    let now = new Date("2026-01-01T00:00:00Z").getTime();
    const timers: (() => void)[] = [];
    const scheduler = startScheduler({
      schedules: [{ ...entry, expression: "rate(1 minute)" }],
      clock: {
        ...systemClock,
        now: () => now,
        after: (_, then) => {
          timers.push(then);
          return () => {};
        },
      },
      deliver: async () => {
        count += 1;
      },
    });
    expect(count).toBe(1);
    now += 30 * 86_400_000 + 15_000;
    timers.shift()?.();
    await scheduler.stop();

    expect(count).toBe(2);
  });

  it("fires a rate at its start and then at every whole interval", async () => {
    let count = 0;
    const clock = virtualClock("2026-01-01T00:00:30Z");
    const scheduler = startScheduler({
      schedules: [{ ...entry, expression: "rate(90 minutes)" }],
      clock,
      deliver: async () => {
        count += 1;
      },
    });
    await clock.runTo("2026-01-01T06:00:30Z");
    await scheduler.stop();
    await clock.runTo("2026-01-02T00:00:00Z");

    expect(count).toBe(5);
  });

  it("takes what an edit adds, changes and removes; what stays keeps its phase", async () => {
    const fired: string[] = [];
    const clock = virtualClock("2026-01-01T00:00:00Z");
    const rate = (name: string, minutes: number, input = "{}"): Schedule => ({
      arn: name,
      name,
      timezone: "UTC",
      target: { ...entry.target, input },
      expression: `rate(${minutes} minutes)`,
    });
    const scheduler = startScheduler({
      schedules: [rate("stays", 10), rate("goes", 10), rate("changes", 10), rate("speaks", 10)],
      clock,
      deliver: async ({ target, due }) => void fired.push(`${due.toISOString().slice(11, 16)} ${target.input}`),
    });
    await clock.runTo("2026-01-01T00:13:00Z");
    expect(fired).toHaveLength(8);

    fired.length = 0;
    const changes = scheduler.replace([
      rate("stays", 10),
      rate("changes", 5),
      rate("speaks", 10, '{"word":"now"}'),
      rate("comes", 30),
    ]);
    expect(describeChanges(changes)).toBe("Schedules: added 'comes'; changed 'changes', 'speaks'; removed 'goes'.");
    expect(
      describeChanges(
        scheduler.replace([
          rate("stays", 10),
          rate("changes", 5),
          rate("speaks", 10, '{"word":"now"}'),
          rate("comes", 30),
        ]),
      ),
    ).toBe(undefined);

    await clock.runTo("2026-01-01T00:20:00Z");
    await scheduler.stop();
    // A new rate fires at once, as it does when AWS creates it; one that stays, ten minutes after it last did.
    expect(fired).toEqual(["00:13 {}", "00:13 {}", "00:18 {}", "00:20 {}", '00:20 {"word":"now"}']);
  });

  it("keeps all as they were when one of a new set cannot be read", async () => {
    let count = 0;
    const clock = virtualClock("2026-01-01T00:00:00Z");
    const scheduler = startScheduler({
      schedules: [{ ...entry, expression: "rate(1 hour)" }],
      clock,
      deliver: async () => {
        count += 1;
      },
    });
    expect(() => scheduler.replace([{ ...entry, expression: "cron(61 * * * ? *)" }])).toThrow("Invalid minute '61'");
    await clock.runTo("2026-01-01T01:00:00Z");
    await scheduler.stop();

    expect(count).toBe(2);
  });

  it("keeps to a start and an end", async () => {
    const times: string[] = [];
    const clock = virtualClock("2026-01-01T00:00:00Z");
    const [startDate, endDate] = [new Date("2026-01-01T02:30:00Z"), new Date("2026-01-01T04:00:00Z")];
    const scheduler = startScheduler({
      schedules: [{ ...entry, expression: "rate(1 hour)", startDate, endDate }],
      clock,
      deliver: async ({ due }) => void times.push(due.toISOString()),
    });
    await clock.runTo("2026-01-02T00:00:00Z");
    await scheduler.stop();

    expect(times).toEqual(["2026-01-01T02:30:00.000Z", "2026-01-01T03:30:00.000Z"]);
  });
});
