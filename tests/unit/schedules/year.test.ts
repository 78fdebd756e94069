import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { readEntry } from "../../../shared/entries/edit.ts";
import { createScheduleApi } from "../../../shared/entries/schedules.ts";
import { type App, createApp, createTick, crontab, every, task } from "../../../shared/index.ts";
import { createLog } from "../../../shared/log.ts";
import { fireTimes } from "../../../shared/schedules/timing.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const report = task({ name: "report", payload: z.object({}), run: () => 1 });
const modules = [{ file: "report.ts", exports: { report } }];

const START = Date.parse("2026-01-01T00:00:00Z");
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** Beat in memory: entries, ticks at times that the test says, and the fire times that were sent. */
function createBeat() {
  const clock = { now: new Date(START) };
  const sent = new Map<string, Set<string>>();
  let messages = 0;
  const table = createMemoryTable();
  const made = createApp(
    { BROKER_URL: "http://127.0.0.1/000000000000/default", RESULT_BACKEND: "dynamodb://memory" },
    { clock: () => clock.now, table, log: createLog({}, () => {}) },
  );
  const app: App = {
    ...made,
    broker: {
      ...made.broker,
      send: async ({ schedule }) => {
        if (schedule === undefined) return;
        messages += 1;
        sent.set(schedule.name, (sent.get(schedule.name) ?? new Set()).add(schedule.at));
      },
    },
    results: { ...made.results, pending: async () => {} },
  };
  const tick = createTick(modules, app);
  return {
    app,
    clock,
    table,
    schedules: createScheduleApi(() => app),
    timesOf: (name: string): string[] => [...(sent.get(name) ?? [])].sort(),
    messages: () => messages,
    tick: async (time: number) => {
      clock.now = new Date(time);
      await tick({ scheduledTime: clock.now.toISOString() }, { getRemainingTimeInMillis: () => 50_000 });
    },
  };
}

const ENTRIES = {
  morning: { schedule: crontab({ hour: 8, minute: 0 }), timezone: "Europe/Berlin" },
  gap: { schedule: "30 2 * * *", timezone: "Europe/Berlin", skippedTime: "runAfter", repeatedTime: "twice" },
  midnight: { schedule: "0 0 * * *", timezone: "America/Santiago", skippedTime: "runAfter" },
  kathmandu: { schedule: "*/15 9-17 * * 1-5", timezone: "Asia/Kathmandu" },
  quarter: { schedule: every({ hours: 20 }) },
  monthly: { schedule: crontab({ dayOfMonth: 31, hour: 0, minute: 0 }), timezone: "Pacific/Apia" },
  sun: { schedule: "solar(sunrise 69.65 18.96)", timezone: "Europe/Oslo" },
  ended: { schedule: "0 12 * * *", start: "2026-03-01T00:00:00Z", end: "2026-03-15T12:00:00Z" },
} as const;

async function expected(beat: ReturnType<typeof createBeat>, name: string, until: number): Promise<string[]> {
  const { timing, since } = await readEntry(beat.app, name);
  return fireTimes(timing, since, new Date(until), 100_000).map((time) => time.toISOString());
}

describe("a year of beat", () => {
  it("with ticks that are late, doubled and missing for minutes has each fire time once", {
    timeout: 120_000,
  }, async () => {
    const beat = createBeat();
    for (const [name, entry] of Object.entries(ENTRIES)) await beat.schedules.create(name, { task: report, ...entry });
    const end = START + 365 * DAY;
    // A tick each minute for the two days of a change of the clock, else one in four, now and then two at once.
    for (let time = START; time <= end; time += 4 * MINUTE) {
      await beat.tick(time + (time % 7) * 3000);
      if (time % (11 * MINUTE) === 0) await Promise.all([beat.tick(time + 25_000), beat.tick(time + 25_000)]);
    }
    await beat.tick(end);
    for (const name of Object.keys(ENTRIES)) {
      expect([name, beat.timesOf(name)]).toEqual([name, await expected(beat, name, end)]);
    }
    expect(beat.timesOf("morning")).toHaveLength(365);
    expect(beat.timesOf("gap")).toHaveLength(366);
    expect(beat.timesOf("ended")).toHaveLength(15);
  });

  it("of random entries and ticks fires what the preview says, within the tolerance", {
    timeout: 120_000,
  }, async () => {
    const field = (most: number) => fc.oneof(fc.constant("*"), fc.integer({ min: 0, max: most }).map(String));
    const schedule = fc.oneof(
      fc.tuple(field(59), field(23)).map(([minute, hour]) => `${minute} ${hour} * * *`),
      fc.integer({ min: 1, max: 5000 }).map((seconds) => `rate(${seconds * 7} seconds)`),
      fc.integer({ min: 1, max: 300 }).map((minutes) => `rate(${minutes} minutes)`),
    );
    const zone = fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC");
    const waits = fc.array(fc.integer({ min: 1, max: 235 }), { minLength: 20, maxLength: 120 });
    await fc.assert(
      fc.asyncProperty(schedule, zone, waits, fc.integer({ min: 0, max: 364 }), async (text, timezone, gaps, day) => {
        const beat = createBeat();
        let time = START + day * DAY + 20_000;
        await beat.tick(time);
        await beat.schedules.create("random", { task: report, schedule: text, timezone });
        for (const gap of gaps) {
          time += gap * 1000;
          await beat.tick(time);
        }
        const all = await expected(beat, "random", time + 60_000);
        const due = all.filter((at) => Date.parse(at) <= time);
        const fired = beat.timesOf("random");
        expect(fired.filter((at) => Date.parse(at) <= time)).toEqual(due);
        expect(all).toEqual(expect.arrayContaining(fired));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the cost", () => {
  it("of an entry of each minute is three writes an hour besides its tasks", async () => {
    const beat = createBeat();
    await beat.schedules.create("often", { task: report, schedule: "* * * * *" });
    await beat.tick(START + MINUTE);
    const before = { ...beat.table.calls };
    for (let minute = 2; minute <= 601; minute += 1) await beat.tick(START + minute * MINUTE);
    // One write of the position with each tick, and the sums of counts, two with each hour.
    expect(beat.table.calls.writes - before.writes - 600 - 20).toBeLessThanOrEqual(3 * 10 + 3);
    expect(beat.messages()).toBe(601);
  });

  it("of a minute in which a thousand are due of many is theirs alone", { timeout: 120_000 }, async () => {
    const beat = createBeat();
    const many = 20_000;
    for (let number = 0; number < many; number += 1) {
      const schedule = number % 20 === 0 ? "30 12 * * *" : `${number % 60} ${(number % 11) + 13} * * *`;
      await beat.schedules.create(`user-${number}`, { task: report, schedule });
    }
    await beat.tick(START + DAY / 2);
    const before = { ...beat.table.calls };
    await beat.tick(START + DAY / 2 + 30 * MINUTE + 2000);
    const { reads, queries, itemsQueried, writes } = beat.table.calls;
    expect(beat.messages()).toBe(1000);
    expect(itemsQueried - before.itemsQueried).toBe(1000);
    expect(reads - before.reads).toBe(1000 + 1);
    expect(writes - before.writes).toBe(2000 + 1);
    expect(queries - before.queries).toBeLessThan(60);
  });
});
