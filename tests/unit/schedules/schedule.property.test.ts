import { Cron } from "croner";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidScheduleError } from "../../../shared/errors.ts";
import { type CrontabOptions, crontab } from "../../../shared/schedules/crontab.ts";
import { nextFire, parseExpression, type ScheduleExpression } from "../../../shared/schedules/schedule-expression.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];

/** Zones with a day just before their clocks change, or do not: gaps, overlaps, half hours, two hours, a whole day. */
const CHANGES: readonly (readonly [timezone: string, date: string])[] = [
  ["Europe/Berlin", "2026-03-28"],
  ["Europe/Berlin", "2026-10-24"],
  ["America/New_York", "2026-03-07"],
  ["America/New_York", "2026-10-31"],
  ["Australia/Lord_Howe", "2026-04-04"],
  ["Australia/Lord_Howe", "2026-10-03"],
  ["Africa/Cairo", "2026-04-23"],
  ["Africa/Cairo", "2026-10-29"],
  ["America/Santiago", "2026-04-04"],
  ["Atlantic/Azores", "2026-10-24"],
  ["Antarctica/Troll", "2026-03-28"],
  ["Antarctica/Troll", "2026-10-24"],
  ["Pacific/Apia", "2011-12-29"],
  ["Asia/Kolkata", "2026-03-28"],
  ["Africa/Monrovia", "1972-01-06"],
];

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const EPOCH = new Date(0);

/** The wall clock of a zone, `2026-03-29 02:30:00`: by another way than the code under test. */
const clocks = new Map(
  [...ZONES, ...CHANGES.map(([timezone]) => timezone)].map((timezone) => {
    const options = { timeZone: timezone, dateStyle: "short", timeStyle: "medium" } as const;
    return [timezone, new Intl.DateTimeFormat("sv-SE", options)];
  }),
);

function wallClock(timezone: string, instant: number): string {
  return clocks.get(timezone)?.format(instant) ?? "";
}

function upTo(expression: ScheduleExpression, after: number, end: number, timezone: string): number[] {
  const found: number[] = [];
  for (let last = after; ; ) {
    const next = nextFire(expression, new Date(last), timezone, EPOCH)?.getTime();
    if (next === undefined || next >= end) return found;
    if (next <= last) throw new Error(`${expression.text} stands still at ${new Date(last).toISOString()}`);
    found.push(next);
    last = next;
  }
}

const value = (min: number, max: number) => fc.integer({ min, max });
const range = (min: number, max: number) =>
  fc.tuple(value(min, max), value(min, max)).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);

/** A list, range or step in the part of the grammar that croner has as well: no range that wraps round. */
function field(min: number, max: number): fc.Arbitrary<string> {
  const step = value(1, Math.min(max - min, 30));
  const single = value(min, max).map(String);
  return fc.oneof(
    { arbitrary: fc.constant("*"), weight: 3 },
    { arbitrary: single, weight: 3 },
    { arbitrary: fc.array(fc.oneof(single, range(min, max)), { minLength: 1, maxLength: 4 }).map(String), weight: 2 },
    { arbitrary: fc.tuple(fc.oneof(fc.constant("*"), single), step).map(([a, n]) => `${a}/${n}`), weight: 2 },
  );
}

const dates = fc.oneof(
  { arbitrary: field(1, 31), weight: 3 },
  {
    arbitrary: fc.oneof(
      fc.constantFrom("L", "LW"),
      value(1, 31).map((day) => `${day}W`),
    ),
    weight: 1,
  },
);
const weekdays = fc.oneof(
  fc.array(fc.oneof(value(1, 7).map(String), range(1, 7)), { minLength: 1, maxLength: 3 }).map(String),
  fc.uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1, maxLength: 4 }).map(String),
  fc.tuple(value(1, 7), value(1, 5)).map(([day, nth]) => `${day}#${nth}`),
  fc.oneof(value(1, 7).map(String), fc.constantFrom(...WEEKDAYS)).map((day) => `${day}L`),
);
const days = fc.oneof(
  dates.map((date) => ({ date, weekday: "?" })),
  weekdays.map((weekday) => ({ date: "?", weekday })),
);
const months = fc.oneof(field(1, 12), fc.uniqueArray(fc.constantFrom(...MONTHS), { minLength: 1 }).map(String));
const years = fc.oneof({ arbitrary: fc.constant("*"), weight: 3 }, { arbitrary: range(2018, 2040), weight: 1 });
const cron = fc
  .record({ minute: field(0, 59), hour: field(0, 23), day: days, month: months, year: years })
  .map(({ minute, hour, day, month, year }) => `${minute} ${hour} ${day.date} ${month} ${day.weekday} ${year}`);
const after = fc.date({ min: new Date("2020-01-01"), max: new Date("2035-12-31"), noInvalidDate: true });

describe("against croner", () => {
  // croner fires at 03:00 for a time in the gap, and repeats wildcard hours: compared only where the clock stands still.
  it("the next three fire times are the same, away from changes of the clock", () => {
    fc.assert(
      fc.property(cron, fc.constantFrom(...ZONES), after, (fields, timezone, start) => {
        const oracle = new Cron(`0 ${fields}`, {
          paused: true,
          timezone,
          alternativeWeekdays: true,
          sloppyRanges: true,
          mode: "7-part",
        });
        const expression = parseExpression(`cron(${fields})`);
        let from: Date | undefined = start;
        for (let count = 0; count < 3 && from !== undefined; count += 1) {
          const ours = nextFire(expression, from, timezone, EPOCH);
          const theirs: Date | undefined = oracle.nextRun(from) ?? undefined;
          fc.pre(isCalm(from, timezone) && isCalm(ours, timezone) && isCalm(theirs, timezone));
          // croner's years end at 10000, AWS's at 2199.
          if (theirs === undefined || theirs.getUTCFullYear() < 2199) {
            expect(ours?.toISOString()).toBe(theirs?.toISOString());
          }
          from = ours;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("against a walk through every minute", () => {
  interface WallMinute {
    instant: number;
    day: number;
    hour: number;
    minute: number;
    /** Whether the wall clock shows it for the first time. */
    first: boolean;
  }

  /** All that a wall clock shows in three days. Half minutes are for Monrovia, which was 44:30 behind until 1972. */
  function walk(timezone: string, start: number): readonly WallMinute[] {
    const seen = new Set<string>();
    const minutes: WallMinute[] = [];
    for (let instant = start - DAY; instant < start + 3 * DAY; instant += MINUTE / 2) {
      const label = wallClock(timezone, instant);
      if (!label.endsWith(":00")) continue;
      const [day = 0, hour = 0, minute = 0] = label.slice(8).split(/[ :]/).map(Number);
      if (instant >= start) minutes.push({ instant, day, hour, minute, first: !seen.has(label) });
      seen.add(label);
    }
    return minutes;
  }

  const walks = CHANGES.map(([timezone, date]) => walk(timezone, Date.parse(date)));

  it("the walks hold the overlaps that they are there for", () => {
    const repeated = CHANGES.filter((_, index) => walks[index]?.some(({ first }) => !first));

    expect(repeated.map(([timezone]) => timezone)).toEqual([
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Africa/Cairo",
      "America/Santiago",
      "Atlantic/Azores",
      "Antarctica/Troll",
    ]);
  });

  it("each wall clock minute that exists fires once, the first time", () => {
    const some = (min: number, max: number) => fc.uniqueArray(value(min, max), { minLength: 1, maxLength: 8 });
    const every = fc.constant("*" as const);
    const means = (field: "*" | number[], at: number) => field === "*" || field.includes(at);
    fc.assert(
      fc.property(
        fc.nat(CHANGES.length - 1),
        fc.record({
          minutes: fc.oneof(every, some(0, 59)),
          hours: fc.oneof(every, some(0, 4), some(0, 23)),
          days: fc.oneof(every, some(1, 31)),
        }),
        value(0, 3 * DAY),
        (index, { minutes, hours, days }, offset) => {
          const [timezone, date] = CHANGES[index] ?? ["", ""];
          const start = Date.parse(date);
          const expected = (walks[index] ?? [])
            .filter((at) => at.first && at.instant > start + offset)
            .filter((at) => means(minutes, at.minute) && means(hours, at.hour) && means(days, at.day))
            .map(({ instant }) => instant);
          const expression = parseExpression(`cron(${minutes} ${hours} ${days} * ? *)`);

          expect(upTo(expression, start + offset, start + 3 * DAY, timezone)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("against Celery's own crontab_parser", () => {
  /** celery/schedules.py, line by line: lists and slices, where our code counts round a ring. */
  function celery(spec: string, size: number, min: number): Set<number> {
    const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    const number = (token: string) => (names.includes(token) ? names.indexOf(token) : Number(token));
    const from = (first: number, end: number) => Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
    return new Set(
      spec.split(",").flatMap((part) => {
        const [base = "", step = "1"] = part.split("/");
        const [low = "", high = low] = base.split("-");
        const [a, b] = [number(low), number(high)];
        const wrapped = b < a ? [...from(a, min + size), ...from(min, b + 1)] : from(a, b + 1);
        return (base === "*" ? from(min, min + size) : wrapped).filter((_, index) => index % Number(step) === 0);
      }),
    );
  }

  function spec(min: number, max: number, names: readonly string[] = []): fc.Arbitrary<string> {
    const token =
      names.length === 0
        ? value(min, max).map(String)
        : fc.oneof(value(min, max).map(String), fc.constantFrom(...names));
    const ring = fc.tuple(token, token).map(([a, b]) => `${a}-${b}`);
    const stepped = fc.tuple(fc.oneof(fc.constant("*"), ring), value(1, max + 5)).map(([a, n]) => `${a}/${n}`);
    return fc.array(fc.oneof(token, ring, stepped, fc.constant("*")), { minLength: 1, maxLength: 4 }).map(String);
  }

  it("the compiled expression has the same values in every field", () => {
    const names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    const options: fc.Arbitrary<CrontabOptions> = fc
      .record({ minute: spec(0, 59), hour: spec(0, 23), monthOfYear: spec(1, 12) })
      .chain((base) =>
        fc.oneof(
          spec(1, 31).map((dayOfMonth) => ({ ...base, dayOfMonth })),
          spec(0, 6, names).map((dayOfWeek) => ({ ...base, dayOfWeek })),
        ),
      );
    fc.assert(
      fc.property(options, (given) => {
        const text = crontab(given);
        const expression = parseExpression(text);

        const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
        const weekdays = celery(String(given.dayOfWeek ?? "*"), 7, 0);
        const expectedDays =
          weekdays.size < 7
            ? { kind: "weekdays", weekdays: sorted(weekdays).map((day) => day + 1) }
            : { kind: "dates", dates: sorted(celery(String(given.dayOfMonth ?? "*"), 31, 1)) };
        expect(expression).toEqual({
          kind: "cron",
          text,
          fields: {
            minutes: sorted(celery(String(given.minute), 60, 0)),
            hours: sorted(celery(String(given.hour), 24, 0)),
            months: sorted(celery(String(given.monthOfYear), 12, 1)),
            years: Array.from({ length: 230 }, (_, index) => 1970 + index),
            days: expectedDays,
          },
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("the longest list of every field still fits AWS's 256 characters", () => {
    // Two of every three values is the worst for runs: too many to be short, too few in a row to be ranges.
    const worst = (min: number, max: number) =>
      Array.from({ length: max - min + 1 }, (_, index) => max - index).filter((_, index) => index % 3 !== 2);

    const text = crontab({
      minute: worst(0, 59),
      hour: worst(0, 23),
      dayOfMonth: worst(1, 31),
      monthOfYear: worst(1, 12),
    });

    expect(text.length).toBeLessThanOrEqual(256);
    expect(parseExpression(text)).toMatchObject({ kind: "cron" });
  });
});

describe("20,000 random texts", () => {
  const token = fc.oneof(
    fc.constantFrom(
      "*",
      "?",
      "L",
      "W",
      "LW",
      "#",
      "/",
      "-",
      ",",
      "(",
      ")",
      " ",
      "L-2",
      "15W",
      "2#1",
      "6L",
      "0/15",
      "20-2",
    ),
    fc.constantFrom("cron(", "rate(", "at(", ")", "MON", "FRI-MON", "JAN", "minutes", "days", "2026-02-29T08:00:00"),
    fc.integer({ min: -2, max: 2300 }).map(String),
  );
  const inBrackets = fc
    .tuple(fc.constantFrom("cron", "rate", "at"), fc.array(token, { maxLength: 8 }), fc.constantFrom(" ", ""))
    .map(([form, tokens, glue]) => `${form}(${tokens.join(glue)})`);
  const nearlyCron = fc
    .tuple(
      fc.array(token, { minLength: 6, maxLength: 6 }),
      value(0, 5),
      fc.constantFrom("0 8 * * ? *", "* * ? * 2-6 2026"),
    )
    .map(([tokens, index, valid]) => {
      const fields = valid.split(" ");
      fields[index] = tokens[index] ?? "*";
      return `cron(${fields.join(" ")})`;
    });
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: fc.constantFrom(..."0123456789*,-/?LW# ()cronateMO"), maxLength: 60 }),
    inBrackets,
    nearlyCron,
    cron.map((fields) => `cron(${fields})`),
  );

  it("each is a schedule or an InvalidScheduleError, and none is looked for without an end", () => {
    let schedules = 0;
    fc.assert(
      fc.property(text, fc.constantFrom(...ZONES), after, (candidate, timezone, start) => {
        try {
          const next = nextFire(parseExpression(candidate), start, timezone, EPOCH);
          schedules += 1;
          if (next !== undefined) expect(next.getTime()).toBeGreaterThan(start.getTime());
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidScheduleError);
        }
      }),
      { numRuns: 20_000 },
    );

    expect(schedules).toBeGreaterThan(3000);
  });
});

/** Whether the zone's clock does not change within a day and a half. */
function isCalm(date: Date | undefined, timezone: string): boolean {
  if (date === undefined) return true;
  const near = date.getTime() - 1.5 * DAY;
  return wallClock(timezone, near).slice(11) === wallClock(timezone, near + 3 * DAY).slice(11);
}
