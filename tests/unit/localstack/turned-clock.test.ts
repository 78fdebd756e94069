import { afterEach, describe, expect, it } from "vitest";
import type { Firing } from "../../../localstack/scheduler/delivery.ts";
import { type Schedule, startScheduler } from "../../../localstack/scheduler/scheduler.ts";
import { createTurning } from "../../../localstack/scheduler/turning.ts";
import { createTurnedClock } from "../../../localstack/turned-clock.ts";
import { setAhead } from "../../../localstack/turned-date.ts";

const HOUR = 3_600_000;

afterEach(() => setAhead(0));

/** A whole hour that comes, so many hours from now. */
const hourFromNow = (hours: number): Date => new Date((Math.floor(Date.now() / HOUR) + hours) * HOUR);

describe("a date that was turned", () => {
  it("is ahead wherever the time is asked for, and as it was where a time is given", () => {
    const before = Date.now();
    setAhead(HOUR);
    const [now, made, text] = [Date.now(), new Date(), Date()];

    expect(now - before).toBeGreaterThanOrEqual(HOUR);
    expect(made.getTime()).toBeGreaterThanOrEqual(now);
    expect(Math.abs(Date.parse(text) - now)).toBeLessThan(2000);
    expect(new Date("2026-01-01T00:00:00Z").toISOString()).toBe("2026-01-01T00:00:00.000Z");
    expect(new Date(2026, 0, 1).getFullYear()).toBe(2026);
    expect(Date.UTC(2026, 0)).toBe(Date.parse("2026-01-01T00:00:00Z"));
  });

  it("makes dates of the one kind, also for whoever extends it", () => {
    const earlier = new Date(0);
    setAhead(HOUR);
    class Moment extends Date {}

    expect(earlier).toBeInstanceOf(Date);
    expect(new Date().constructor).toBe(Date);
    expect(structuredClone(new Date())).toBeInstanceOf(Date);
    expect(new Moment()).toBeInstanceOf(Moment);
    setAhead(0);
    expect(new Moment(5)).toBeInstanceOf(Date);
    expect(earlier.constructor).toBe(Date);
  });
});

describe("a clock that was turned", () => {
  it("wakes whoever waits for a time that has come, and nobody else", async () => {
    const clock = createTurnedClock();
    const woken: string[] = [];
    const soon = clock.sleep(HOUR).then(() => woken.push("soon"));
    const callOff = clock.after(3 * HOUR, () => woken.push("late"));
    clock.after(HOUR, () => woken.push("called off"))();
    clock.turnTo(clock.now() + 2 * HOUR);
    await soon;
    callOff();

    expect(woken).toEqual(["soon"]);
  });

  it("ends a sleep that is aborted, and never goes back", async () => {
    const clock = createTurnedClock();
    const giveUp = new AbortController();
    const sleeping = clock.sleep(HOUR, giveUp.signal);
    giveUp.abort();
    await sleeping;
    await clock.sleep(HOUR, giveUp.signal);
    const before = clock.now();
    clock.turnTo(before - HOUR);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });
});

describe("turning", () => {
  const target = { arn: "arn:aws:sqs:us-east-1:000000000000:q", maximumRetryAttempts: 0, maximumEventAgeSeconds: 60 };
  const schedule = (expression: string): Schedule => ({
    arn: expression,
    name: expression,
    expression,
    timezone: "UTC",
    target,
  });
  /** Fire times by schedule, and the clock at each. */
  const run = async (expressions: readonly string[], turns: readonly Date[]) => {
    const clock = createTurnedClock();
    const fired: (Pick<Firing, "due" | "scheduleArn"> & { lateMilliseconds: number })[] = [];
    const scheduler = startScheduler({
      schedules: expressions.map(schedule),
      clock,
      deliver: async ({ due, scheduleArn }) => {
        fired.push({ due, scheduleArn, lateMilliseconds: Date.now() - due.getTime() });
      },
    });
    const turn = createTurning({ scheduler, clock, idle: () => Promise.resolve() });
    try {
      for (const to of turns) await turn(to);
    } finally {
      await scheduler.stop();
    }
    return (arn: string) => fired.filter(({ scheduleArn }) => scheduleArn === arn);
  };

  it("fires each time on the way at its time, and the last sixty of a schedule that fires often", async () => {
    const to = hourFromNow(30);
    const [often, hourly, rare] = ["cron(* * * * ? *)", "cron(0 * * * ? *)", `at(${to.toISOString().slice(0, 19)})`];
    const of = await run([often, hourly, rare], [to]);

    const minutes = Array.from({ length: 60 }, (_, index) => new Date(to.getTime() - (59 - index) * 60_000));
    const times = of(often).map(({ due }) => due);
    expect(times.slice(-60)).toEqual(minutes);
    // Where the other schedule fires it is there, too.
    expect(times.slice(0, -60).map((due) => due.getTime() % HOUR)).toEqual(Array.from({ length: 29 }, () => 0));
    expect(of(hourly).map(({ due }) => due.getTime() % HOUR)).toEqual(Array.from({ length: 30 }, () => 0));
    expect(of(rare).map(({ due }) => due)).toEqual([to]);
    expect(Math.max(...of(hourly).map((one) => one.lateMilliseconds))).toBeLessThan(HOUR);
  });

  it("fires nothing twice, and keeps the phase of a rate", async () => {
    const rate = "rate(25 minutes)";
    const of = await run([rate], [hourFromNow(2), hourFromNow(3), hourFromNow(4)]);
    const times = of(rate).map(({ due }) => due.getTime());

    expect(times.length).toBeGreaterThan(6);
    const steps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(new Set(steps)).toEqual(new Set([25 * 60_000]));
  });

  it("does not fire again what its own timer has fired while a step was waited for", async () => {
    const clock = createTurnedClock();
    const fired: Date[] = [];
    const deliver = async ({ due }: Firing) => void fired.push(due);
    const to = hourFromNow(2);
    const scheduler = startScheduler({ schedules: [schedule("cron(0 * * * ? *)")], clock, deliver });
    for (const _ of [1, 2]) scheduler.goOn(to, () => clock.turnTo(to.getTime()));
    await scheduler.stop();
    expect(fired).toEqual([to]);
  });

  it.each([
    ["has passed", new Date(0), "1970-01-01"],
    ["is no time", new Date(Number.NaN), "cannot be read"],
    ["is too far", hourFromNow(24 * 401), "within 400 days"],
  ])("is refused to a time that %s, and goes on after that", async (_, to, sentence) => {
    await expect(run([], [to])).rejects.toThrow(sentence);
    await expect(run([], [hourFromNow(1)])).resolves.toBeDefined();
  });
});
