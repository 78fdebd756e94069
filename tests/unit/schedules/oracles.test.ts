import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Cron } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidScheduleError, TaskError } from "../../../shared/errors.ts";
import { parseJson } from "../../../shared/message/json.ts";
import { type CrontabOptions, crontab } from "../../../shared/schedules/crontab.ts";
import { checkFires, timingOf, toDefinition } from "../../../shared/schedules/definition.ts";
import { preview } from "../../../shared/schedules/preview.ts";
import { fireTimes, nextFireTime, parseSchedule, type Timing } from "../../../shared/schedules/timing.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
/** Gaps and overlaps at two, at midnight, of half an hour; none; a month without one. */
const ZONES = [
  ...["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"],
  ...["Pacific/Apia", "Africa/Casablanca", "America/Santiago"],
];
const [FIRST, LAST] = [Date.UTC(2020, 0), Date.UTC(2036, 0)];

const value = (min: number, max: number) => fc.integer({ min, max });
const some = (min: number, max: number) =>
  fc.oneof(
    { arbitrary: fc.constant<number[] | "*">("*"), weight: 1 },
    { arbitrary: fc.uniqueArray(value(min, max), { minLength: 1, maxLength: 5 }), weight: 1 },
  );
const fields = fc.record({ minute: some(0, 59), hour: some(0, 23), date: some(1, 31), weekday: some(0, 6) });
const instant = value(FIRST / MINUTE, LAST / MINUTE).map((minute) => minute * MINUTE);

const clocks = new Map(
  ZONES.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" }),
  ]),
);
/** The wall clock of a zone, as the milliseconds of the same time in UTC: by another way than the code under test. */
const wall = (timezone: string, at: number): number =>
  Date.parse(`${clocks.get(timezone)?.format(at).replace(" ", "T")}:00Z`);

/** Instants in four days around one at which a zone's clock changes; undefined if it does not. */
function changeNear(timezone: string, at: number): number | undefined {
  for (let day = at; day < at + 400 * DAY; day += DAY) {
    if (wall(timezone, day + DAY) - wall(timezone, day) !== DAY) return day - 2 * DAY;
  }
  return undefined;
}

describe("croner", () => {
  it("has the same next times of unix strings, away from changes of the clock", () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...ZONES), instant, ({ minute, hour, date, weekday }, timezone, start) => {
        const text = `${minute} ${hour} ${date} * ${weekday}`;
        const timing: Timing = { schedule: text, timezone, anchor: new Date(0) };
        const oracle = new Cron(text, { paused: true, timezone });
        let from: Date | undefined = new Date(start);
        for (let count = 0; count < 3 && from !== undefined; count += 1) {
          const ours = nextFireTime(timing, from);
          const theirs: Date | undefined = oracle.nextRun(from) ?? undefined;
          const isCalm = (time: Date | undefined): boolean =>
            time === undefined ||
            wall(timezone, time.getTime() + 1.5 * DAY) - wall(timezone, time.getTime() - 1.5 * DAY) === 3 * DAY;
          fc.pre(isCalm(from) && isCalm(ours) && isCalm(theirs));
          expect(ours?.toISOString()).toBe(theirs?.toISOString());
          from = ours;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a walk through every minute of a change of the clock", () => {
  const rules = fc.record({
    skippedTime: fc.constantFrom<"skip" | "runAfter">("skip", "runAfter"),
    repeatedTime: fc.constantFrom<"once" | "twice">("once", "twice"),
  });

  it("finds the times that the entry's rules say, for both day fields and either", () => {
    let walked = 0;
    const property = fc.property(
      ...[fields, rules, fc.constantFrom(...ZONES), instant, fc.boolean()],
      ({ minute, hour, date, weekday }, { skippedTime, repeatedTime }, timezone, at, isUnix) => {
        const start = changeNear(timezone, at);
        if (start === undefined) return;
        walked += 1;
        const means = (field: number[] | "*", one: number): boolean => field === "*" || field.includes(one);
        const matches = (time: number): boolean => {
          const shown = new Date(time);
          const [isDate, isWeekday] = [means(date, shown.getUTCDate()), means(weekday, shown.getUTCDay())];
          const isDay = isUnix && date !== "*" && weekday !== "*" ? isDate || isWeekday : isDate && isWeekday;
          return isDay && means(minute, shown.getUTCMinutes()) && means(hour, shown.getUTCHours());
        };
        const expected: string[] = [];
        let highest = Number.NEGATIVE_INFINITY;
        for (let time = start - DAY; time < start + 4 * DAY; time += MINUTE) {
          const shown = wall(timezone, time);
          const isGap = highest > 0 && shown > highest + MINUTE;
          const lost =
            isGap &&
            Array.from({ length: (shown - highest) / MINUTE - 1 }, (_, index) => highest + (index + 1) * MINUTE);
          const isFirst = shown > highest;
          const fires =
            (matches(shown) && (isFirst || repeatedTime === "twice")) ||
            (lost && skippedTime === "runAfter" && lost.some(matches));
          highest = Math.max(highest, shown);
          if (fires && time > start) expected.push(new Date(time).toISOString());
        }
        const text = `${minute} ${hour} ${date} * ${weekday}`;
        const schedule = isUnix ? text : `crontab(${text})`;
        const timing: Timing = { schedule, timezone, anchor: new Date(0), skippedTime, repeatedTime };
        const found = fireTimes(timing, new Date(start), new Date(start + 4 * DAY - 1), 10_000);
        expect(found.map((time) => time.toISOString())).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 300 });
    expect(walked).toBeGreaterThan(100);
  }, 60_000);
});

/** A Python that has Celery: `python3 -m venv .lovage/peers/celery/venv`, and `pip install celery` in it. */
const PYTHON =
  process.env.CELERY_PYTHON ?? join(resolve(import.meta.dirname, "../../.."), ".lovage/peers/celery/venv/bin/python");
const SCRIPT = `
import json, sys
from celery.schedules import crontab
out = []
for f in json.load(sys.stdin):
    try: c = crontab(minute=f["minute"], hour=f["hour"], day_of_month=f["dayOfMonth"], month_of_year=f["monthOfYear"], day_of_week=f["dayOfWeek"])
    except Exception as e:
        out.append(str(e))
        continue
    out.append([sorted(s) for s in (c.minute, c.hour, c.day_of_month, c.month_of_year, c.day_of_week)])
print(json.dumps(out))
`;

describe.skipIf(!existsSync(PYTHON))(`Celery's own crontab (skipped where ${PYTHON} is missing)`, () => {
  const spec = (min: number, max: number): fc.Arbitrary<string> => {
    const one = value(min, max).map(String);
    const range = fc.tuple(one, one).map(([a, b]) => `${a}-${b}`);
    const stepped = fc.tuple(fc.oneof(fc.constant("*"), range), value(1, max)).map(([a, n]) => `${a}/${n}`);
    return fc.array(fc.oneof(one, range, stepped, fc.constant("*")), { minLength: 1, maxLength: 3 }).map(String);
  };

  it("means the same values in all five fields", () => {
    const options: fc.Arbitrary<Record<keyof CrontabOptions, string>> = fc.record({
      minute: spec(0, 59),
      hour: spec(0, 23),
      dayOfMonth: spec(1, 31),
      monthOfYear: spec(1, 12),
      dayOfWeek: spec(0, 6),
    });
    const given = fc.sample(options, 3000);
    const theirs: (number[][] | string)[] = JSON.parse(
      execFileSync(PYTHON, ["-c", SCRIPT], { input: JSON.stringify(given) }).toString(),
    );
    for (const [index, one] of given.entries()) {
      const schedule = parseSchedule(crontab({ ...one }));
      if (schedule.kind !== "cron") throw new Error("It is no cron.");
      const meant = theirs[index];
      if (typeof meant === "string") {
        // Celery refuses a date that no month has, as we do where an entry is written.
        const timing: Timing = { schedule: schedule.text, timezone: "UTC", anchor: new Date(0) };
        expect([one, nextFireTime(timing, new Date(FIRST))]).toEqual([one, undefined]);
        continue;
      }
      const { minutes, hours, months, days } = schedule.fields;
      const every = (min: number, max: number): number[] => Array.from({ length: max - min + 1 }, (_, at) => min + at);
      const dates = "dates" in days ? days.dates : every(1, 31);
      const weekdays = "weekdays" in days ? days.weekdays.map((day) => day - 1) : every(0, 6);
      expect([one, [minutes, hours, dates, months, weekdays]]).toEqual([one, meant]);
    }
  });
});

describe("100,000 random entries", () => {
  const token = fc.constantFrom(
    ...[
      "*",
      "?",
      "L",
      "1-5",
      "*/2",
      "31",
      "2",
      "0",
      "59",
      "fri-mon",
      "JAN",
      "sunrise",
      "91",
      "-0.5",
      "(",
      ")",
      ",",
      "@daily",
    ],
    ...[
      "cron(",
      "crontab(",
      "rate(",
      "at(",
      "solar(",
      "5 seconds",
      "2026-02-30T00:00:00",
      "2026-03-29T02:30:00",
      "#",
      "//",
    ],
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.array(token, { maxLength: 9 }).map((tokens) => tokens.join(" ")),
    fc.array(token, { maxLength: 7 }).map((tokens) => `crontab(${tokens.join(" ")})`),
    fields.map(({ minute, hour, date, weekday }) => `${minute} ${hour} ${date} 2 ${weekday}`),
    value(-1, 1e9).map((seconds) => `rate(${seconds} seconds)`),
    fc.tuple(value(-95, 95), value(-190, 190)).map(([north, east]) => `solar(sunset ${north} ${east})`),
  );
  const entry = fc.record(
    {
      task: fc.oneof({ arbitrary: fc.constant("t"), weight: 9 }, { arbitrary: fc.jsonValue(), weight: 1 }),
      schedule: fc.oneof({ arbitrary: text, weight: 9 }, { arbitrary: fc.jsonValue(), weight: 1 }),
      timezone: fc.oneof({ arbitrary: fc.constantFrom(...ZONES), weight: 9 }, { arbitrary: fc.string(), weight: 1 }),
      skippedTime: fc.constantFrom("skip", "runAfter", "maybe"),
      repeatedTime: fc.constantFrom("once", "twice"),
      start: fc.constantFrom("2026-01-01T00:00:00Z", "tomorrow", null),
      end: fc.constantFrom("2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z", null),
      options: fc.constantFrom({}, { expires: 60 }, { eta: "2026-01-01" }, []),
      jitter: value(-1, 10),
    },
    { requiredKeys: ["task", "schedule"] },
  );

  it("are each an entry or a clear error, and none takes long", { timeout: 120_000 }, () => {
    const now = new Date("2026-03-01T00:00:00Z");
    let made = 0;
    let longest = 0;
    fc.assert(
      fc.property(entry, (given) => {
        const value = parseJson(JSON.stringify(given));
        if (typeof value !== "object" || value === null || Array.isArray(value)) return;
        const began = performance.now();
        try {
          const timing = timingOf(toDefinition(value, "UTC"), now);
          checkFires(timing, now);
          expect(preview(timing, now, 3).next.length).toBeGreaterThan(0);
          made += 1;
        } catch (error) {
          if (!(error instanceof TaskError)) throw error;
          expect(error.message.length).toBeLessThan(2500);
        }
        longest = Math.max(longest, performance.now() - began);
      }),
      { numRuns: 100_000 },
    );
    expect(made).toBeGreaterThan(3000);
    console.log(`The slowest of 100,000 random entries took ${longest.toFixed(1)} ms.`);
  });

  it("a schedule that never fires is refused without a long search", () => {
    for (const schedule of ["0 0 31 2 *", "0 0 30 2 *", "* * 31 2,4,6,9,11 *", "crontab(* * 31 2 *)"]) {
      const timing: Timing = {
        schedule,
        timezone: "Europe/Berlin",
        anchor: new Date(0),
        skippedTime: "runAfter",
        repeatedTime: "twice",
      };
      expect(() => checkFires(timing, new Date("2026-01-01T00:00:00Z"))).toThrow(InvalidScheduleError);
    }
  });
});
