import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type SchedulerClock, startScheduler } from "../../../localstack/scheduler.ts";
import { beatInput } from "../../../shared/beat/beat.ts";
import { beatSchedule, createBeat, createWorker, crontab, task } from "../../../shared/index.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";

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

/** Time that passes only when the test says so. */
function virtualClock(start: string): SchedulerClock & { runTo(time: string): Promise<void> } {
  let now = new Date(start).getTime();
  const timers = new Set<{ at: number; then: () => void }>();
  return {
    now: () => new Date(now),
    after(milliseconds, then) {
      const timer = { at: now + milliseconds, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async runTo(time) {
      const end = new Date(time).getTime();
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        timers.delete(next);
        now = next.at;
        next.then();
        await new Promise((resolve) => setImmediate(resolve));
      }
      now = end;
    },
  };
}

describe("the local scheduler", () => {
  const entry = {
    name: "daily-mail",
    expression: "cron(0 8 * * ? *)",
    timezone: "Europe/Berlin",
    functionName: "beat",
    input: JSON.stringify(beatInput("daily-mail")),
  };

  it("fires a year of mornings at 08:00 in Berlin, summer and winter, with the time in its input", async () => {
    const fired: unknown[] = [];
    const clock = virtualClock("2026-01-01T00:00:00Z");
    const scheduler = startScheduler({
      schedules: [entry],
      clock,
      log: () => {},
      invoke: async (name, event) => {
        fired.push([name, event]);
        return { ok: true, payload: "null" };
      },
    });
    await clock.runTo("2026-12-31T23:59:00Z");
    await scheduler.stop();

    expect(fired).toHaveLength(365);
    expect(fired[0]).toEqual(["beat", { schedule: "daily-mail", scheduledTime: "2026-01-01T07:00:00Z" }]);
    expect(fired[180]).toEqual(["beat", { schedule: "daily-mail", scheduledTime: "2026-06-30T06:00:00Z" }]);
  });

  it("retries a firing that fails as Lambda does: twice, for the same time", async () => {
    const times: unknown[] = [];
    const logged: string[] = [];
    const clock = virtualClock("2026-01-01T06:59:00Z");
    const scheduler = startScheduler({
      schedules: [entry],
      clock,
      log: (line) => logged.push(line),
      invoke: async (_, event) => {
        times.push(event);
        return { ok: false, errorType: "Error", errorMessage: "no" };
      },
    });
    await clock.runTo("2026-01-01T08:00:00Z");
    await scheduler.stop();

    expect(times).toHaveLength(3);
    expect(new Set(times.map((event) => JSON.stringify(event))).size).toBe(1);
    expect(logged).toHaveLength(3);
  });

  it("lets one firing stand for all that a sleeping machine has missed", async () => {
    let count = 0;
    let now = new Date("2026-01-01T00:00:00Z").getTime();
    const timers: (() => void)[] = [];
    const scheduler = startScheduler({
      schedules: [{ ...entry, expression: "rate(1 minute)" }],
      log: () => {},
      clock: {
        now: () => new Date(now),
        after: (_, then) => {
          timers.push(then);
          return () => {};
        },
      },
      invoke: async () => {
        count += 1;
        return { ok: true, payload: "null" };
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
      log: () => {},
      invoke: async () => {
        count += 1;
        return { ok: true, payload: "null" };
      },
    });
    await clock.runTo("2026-01-01T06:00:30Z");
    await scheduler.stop();
    await clock.runTo("2026-01-02T00:00:00Z");

    expect(count).toBe(5);
  });
});
