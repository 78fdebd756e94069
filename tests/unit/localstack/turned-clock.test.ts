import { afterEach, describe, expect, it, vi } from "vitest";
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
  /** A cloud in which nothing runs and no message waits. */
  const still = {
    idle: () => Promise.resolve(),
    isQuiet: () => true,
    nextMessage: () => Number.POSITIVE_INFINITY,
    ask: () => Promise.reject(new Error("Nobody was to be asked.")),
    log: () => {},
  };
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
    const turn = createTurning({ ...still, scheduler, clock });
    try {
      for (const to of turns) await turn(to);
    } finally {
      await scheduler.stop();
    }
    return (arn: string) => fired.filter(({ scheduleArn }) => scheduleArn === arn);
  };

  it("fires each time on the way at its time", async () => {
    const to = hourFromNow(4);
    const [often, hourly, rare] = ["cron(0/5 * * * ? *)", "cron(0 * * * ? *)", `at(${to.toISOString().slice(0, 19)})`];
    const of = await run([often, hourly, rare], [to]);

    const times = of(often).map(({ due }) => due.getTime());
    expect(times).toEqual(times.map((_, index) => to.getTime() - (times.length - 1 - index) * 300_000));
    expect(times.length).toBeGreaterThanOrEqual(37);
    expect(of(hourly).map(({ due }) => due.getTime() % HOUR)).toEqual([0, 0, 0, 0]);
    expect(of(rare).map(({ due }) => due)).toEqual([to]);
    expect(Math.max(...of(often).map((one) => one.lateMilliseconds))).toBeLessThan(60_000);
  });

  describe("past a function that says when it has something to do next", () => {
    const teller = {
      ...schedule("cron(* * * * ? *)"),
      target: { ...target, arn: "arn:aws:lambda:us-east-1:000000000000:function:tick" },
      tellsNext: true as const,
    };
    const turned = async (to: Date, options: Partial<Parameters<typeof createTurning>[0]>) => {
      const clock = createTurnedClock();
      const fired: { due: Date; lateMilliseconds: number }[] = [];
      const scheduler = startScheduler({
        schedules: [teller],
        clock,
        deliver: async ({ due }) => void fired.push({ due, lateMilliseconds: Date.now() - due.getTime() }),
      });
      try {
        await createTurning({ ...still, scheduler, clock, ...options })(to);
      } finally {
        await scheduler.stop();
      }
      return fired.filter(({ lateMilliseconds }) => lateMilliseconds < 5000).map(({ due }) => due);
    };
    it("calls it at the first minute from then on, and at the last", async () => {
      const wanted = [hourFromNow(3), hourFromNow(30), hourFromNow(24 * 200)];
      const asked: string[] = [];
      const to = new Date(hourFromNow(24 * 300).getTime() + 90_000);
      const fired = await turned(to, {
        ask: async (name, until) => {
          asked.push(name);
          expect(until.getTime()).toBeLessThanOrEqual(to.getTime());
          const next = wanted.find((time) => time.getTime() > Date.now());
          return next && new Date(next.getTime() - 20_000);
        },
      });
      expect(fired).toEqual([...wanted, new Date(Math.floor(to.getTime() / 60_000) * 60_000)]);
      expect(new Set(asked)).toEqual(new Set(["tick"]));
    });

    it("calls it with the next minute for what was due before", async () => {
      const to = hourFromNow(2);
      let left = 3;
      const fired = await turned(to, { ask: async () => (left-- > 0 ? new Date(0) : undefined) });
      expect(fired).toHaveLength(4);
      expect(fired.at(-1)).toEqual(to);
      expect(Number(fired[2]) - Number(fired[0])).toBe(120_000);
    });

    it("stops with a sentence where it cannot say it", async () => {
      const ask = () => Promise.reject(new Error("Error: No table"));
      await expect(turned(hourFromNow(2), { ask })).rejects.toThrow(
        /^The clock stopped at \S+Z, for function 'tick' could not say what it has to do next: Error: No table\.$/,
      );
    });
  });

  it("stops where a delay ends and where a sleeper wakes, and says where it is if it takes long", async () => {
    const [clock, stops, lines]: [ReturnType<typeof createTurnedClock>, number[], string[]] = [
      createTurnedClock(),
      [],
      [],
    ];
    const scheduler = startScheduler({ schedules: [], clock, deliver: async () => {} });
    const from = Date.now();
    const [message, sleeper] = [from + 3 * HOUR, from + 5 * HOUR];
    void clock.sleep(5 * HOUR);
    const now = vi.spyOn(performance, "now");
    now.mockReturnValueOnce(0).mockReturnValue(20_000);
    await createTurning({
      ...still,
      scheduler: {
        ...scheduler,
        goOn(time, turn) {
          stops.push(time.getTime());
          scheduler.goOn(time, turn);
        },
      },
      clock,
      nextMessage: () => message,
      log: (line) => lines.push(line),
    })(new Date(from + 9 * HOUR));
    now.mockRestore();
    expect(stops[0]).toBe(message);
    expect(Math.abs((stops[1] ?? 0) - sleeper)).toBeLessThan(1000);
    expect(stops).toHaveLength(3);
    expect(lines[0]).toMatch(/^The clock is at \S+Z, on its way to \S+Z\.$/);
  });

  it("waits for messages that are on their way to a function", async () => {
    const clock = createTurnedClock();
    const scheduler = startScheduler({ schedules: [], clock, deliver: async () => {} });
    let looks = 0;
    const to = hourFromNow(2);
    const isQuiet = (): boolean => {
      looks += 1;
      if (looks < 5) expect(Date.now()).toBeLessThan(to.getTime() - HOUR / 2);
      return looks > 3;
    };
    await createTurning({ ...still, scheduler, clock, isQuiet })(new Date(to.getTime() + HOUR));
    expect(looks).toBeGreaterThan(5);
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
