import { describe, expect, it } from "vitest";
import {
  fireTimes,
  isOnMinutes,
  lastFireTimes,
  nextFireTime,
  parseSchedule,
  type Timing,
} from "../../../shared/schedules/timing.ts";

const ANCHOR = new Date("2026-01-01T00:00:00Z");

const timing = (schedule: string, more: Partial<Timing> = {}): Timing => ({
  schedule,
  timezone: "UTC",
  anchor: ANCHOR,
  ...more,
});

const next = (what: Timing, after: string): string | undefined =>
  nextFireTime(what, new Date(after))
    ?.toISOString()
    .replace(/:00\.000Z$/, "Z");

describe("a name of unix's crontab", () => {
  it.each([
    ["@hourly", "2026-05-13T13:00Z"],
    ["@daily", "2026-05-14T00:00Z"],
    ["@midnight", "2026-05-14T00:00Z"],
    ["@weekly", "2026-05-17T00:00Z"],
    ["@monthly", "2026-06-01T00:00Z"],
    ["@yearly", "2027-01-01T00:00Z"],
    ["@annually", "2027-01-01T00:00Z"],
  ])("%s fires next at %s", (name, expected) => {
    expect(next(timing(name), "2026-05-13T12:30:00Z")).toBe(expected);
  });
});

describe("a schedule's text", () => {
  it.each([
    ...["", "x", "@never", "1 2 3 4", "1 2 3 4 5 6", "x crontab(* * * * *)", "crontab(* * * * *) x"],
    ...["x cron(0 8 * * ? *)", "solar(sunset 1 2) x", "* * * * (*)", "a(b c d e f"],
  ])("%j is refused, with the forms that are accepted", (text) => {
    expect(() => parseSchedule(text)).toThrow(
      "expected cron(minutes hours day-of-month month day-of-week year), crontab(minute hour",
    );
  });

  it.each(["rate(1  seconds)", "rate(1\tsecond)"])("%j may have more blanks", (text) => {
    expect(parseSchedule(text)).toEqual({ kind: "rate", text, everySeconds: 1 });
  });

  it.each(["rate(x1 seconds)", "rate(1 seconds x)", "rate(0 seconds)", "rate(5)"])("%j is refused", (text) => {
    expect(() => parseSchedule(text)).toThrow(/expected/);
  });

  it.each([" 0  8 * * * ", "0\t8 \t* * *", "00 08 * * *"])("%j is a unix string", (text) => {
    expect(next(timing(text), "2026-05-13T12:30:00Z")).toBe("2026-05-14T08:00Z");
  });

  it.each([
    ["crontab()", "with 0 fields: expected minute, hour, day of the month, month and day of the week"],
    ["crontab( * * )", "with 2 fields: expected minute, hour, day of the month, month and day of the week"],
    ["crontab( * * * * * * )", "with 6 fields"],
    ["5-4 * * * *", "minute '5-4' in schedule '5-4 * * * *': expected a range that goes up, in a unix cron string"],
  ])("%s is refused %s", (text, sentence) => {
    expect(() => parseSchedule(text)).toThrow(sentence);
  });

  it("has 256 characters at most, and a range of one value", () => {
    expect(parseSchedule(`5-5 * * * ${"1,".repeat(122)}1`).kind).toBe("cron");
    expect(() => parseSchedule(`55-55 * * * ${"1,".repeat(122)}1`)).toThrow("at most 256 characters");
    expect(next(timing("crontab(50-10 * * * *)"), "2026-05-13T12:30:00Z")).toBe("2026-05-13T12:50Z");
  });

  it("is read once for many that use it, and anew for those that come after a thousand others", () => {
    const first = parseSchedule("rate(77 seconds)");
    expect(parseSchedule("rate(77 seconds)")).toBe(first);
    for (let seconds = 1000; seconds < 2000; seconds++) parseSchedule(`rate(${seconds} seconds)`);

    expect(parseSchedule("rate(77 seconds)")).not.toBe(first);
  });
});

describe("every fire time is a whole minute", () => {
  it.each<[string, Partial<Timing>, boolean]>([
    ["rate(60 seconds)", {}, true],
    ["rate(120 seconds)", {}, true],
    ["rate(90 seconds)", {}, false],
    ["rate(60 seconds)", { start: new Date("2026-01-01T00:00:10Z") }, false],
    ["rate(60 seconds)", { anchor: new Date("2026-01-01T00:00:10Z") }, false],
    ["rate(60 seconds)", { anchor: new Date("2026-01-01T00:00:10Z"), start: new Date("2026-01-01T00:01:00Z") }, true],
    ["at(2026-05-13T12:30:00)", {}, true],
    ["at(2026-05-13T12:30:01)", {}, false],
    ["cron(0 8 * * ? *)", {}, true],
    ["* * * * *", {}, true],
    ["solar(sunset 52.5 13.4)", {}, false],
  ])("of %s with %j: %j", (schedule, more, expected) => {
    expect(isOnMinutes(timing(schedule, more))).toBe(expected);
  });
});

describe("fire times", () => {
  it("are no more than asked for, and end with `until`", () => {
    const hourly = timing("@hourly");
    const from = new Date("2026-05-13T12:00:00Z");

    expect(fireTimes(hourly, from, new Date("2026-05-13T14:00:00Z"), 9)).toHaveLength(2);
    expect(fireTimes(hourly, from, new Date("2026-05-14T12:00:00Z"), 3)).toHaveLength(3);
    expect(fireTimes(hourly, from, new Date("2026-05-14T12:00:00Z"), 0)).toEqual([]);
  });

  it("begin at the start itself, and include the end", () => {
    const start = new Date("2026-05-13T13:00:00Z");
    const end = new Date("2026-05-13T14:00:00Z");
    const hourly = timing("@hourly", { start, end });

    expect(fireTimes(hourly, ANCHOR, new Date("2026-06-01T00:00:00Z"), 9)).toEqual([start, end]);
    expect(nextFireTime(hourly, end)).toBeUndefined();
    expect(nextFireTime(hourly, start)).toEqual(end);
  });

  it.each(["@hourly", "rate(3600 seconds)"])("of %s that were last are the newest, without `before` itself", (text) => {
    const before = new Date("2026-05-13T12:00:00Z");
    const last = (since: string, limit: number): string[] =>
      lastFireTimes(timing(text), new Date(since), before, limit).map((time) => time.toISOString().slice(5, 16));

    expect(last("2026-01-01T00:00:00Z", 3)).toEqual(["05-13T11:00", "05-13T10:00", "05-13T09:00"]);
    expect(last("2026-05-13T10:00:00Z", 3)).toEqual(["05-13T11:00"]);
    expect(last("2026-05-13T09:59:00Z", 1)).toEqual(["05-13T11:00"]);
  });
});

describe("a changed clock", () => {
  /** Berlin: 2026-03-29 01:00Z on by an hour, 2026-10-25 01:00Z back. */
  const berlin = (schedule: string, more: Partial<Timing> = {}): Timing =>
    timing(schedule, { timezone: "Europe/Berlin", ...more });

  it("moves a one-off in the gap to its end, wherever in the gap it lies", () => {
    const at = (wallTime: string) => berlin(`at(2026-03-29T${wallTime})`, { skippedTime: "runAfter" });

    expect(next(at("02:00:00"), "2026-03-01T00:00:00Z")).toBe("2026-03-29T01:00Z");
    expect(next(at("02:59:59"), "2026-03-01T00:00:00Z")).toBe("2026-03-29T01:00Z");
    expect(next(at("03:00:00"), "2026-03-01T00:00:00Z")).toBe("2026-03-29T01:00Z");
    expect(next(at("01:59:00"), "2026-03-01T00:00:00Z")).toBe("2026-03-29T00:59Z");
    expect(next(at("02:30:00"), "2026-03-29T01:00:00Z")).toBeUndefined();
    expect(next(at("03:30:00"), "2026-03-29T02:00:00Z")).toBeUndefined();
    expect(next(at("01:00:00"), "2026-03-29T00:30:00Z")).toBeUndefined();
    expect(next(berlin("at(2026-03-29T02:30:00)"), "2026-03-01T00:00:00Z")).toBeUndefined();
  });

  it("gives the times of the gap, and of no other hour, a run at its end", () => {
    const gap = { skippedTime: "runAfter" } as const;

    expect(next(berlin("30 2 * * *", gap), "2026-03-28T12:00:00Z")).toBe("2026-03-29T01:00Z");
    expect(next(berlin("30 2 * * *", gap), "2026-03-29T01:00:00Z")).toBe("2026-03-30T00:30Z");
    expect(next(berlin("30 4 * * *", gap), "2026-03-28T12:00:00Z")).toBe("2026-03-29T02:30Z");
    expect(next(berlin("30 2 * * *", gap), "2026-10-24T12:00:00Z")).toBe("2026-10-25T00:30Z");
    expect(next(berlin("30 2 * * *", gap), "2026-10-25T00:30:00Z")).toBe("2026-10-26T01:30Z");
    expect(next(berlin("30 2 29 3 *", { ...gap, end: new Date("2026-03-28T12:00:00Z") }), "2026-03-01T00:00:00Z")).toBe(
      undefined,
    );
  });

  it("repeats the times of the hour that comes twice, and of no other", () => {
    const twice = { repeatedTime: "twice" } as const;

    expect(next(berlin("30 2 * * *", twice), "2026-10-25T00:30:00Z")).toBe("2026-10-25T01:30Z");
    expect(next(berlin("30 2 * * *", twice), "2026-10-25T01:30:00Z")).toBe("2026-10-26T01:30Z");
    expect(next(berlin("30 2 * * *"), "2026-10-25T00:30:00Z")).toBe("2026-10-26T01:30Z");
    expect(next(berlin("30 3 * * *", twice), "2026-10-25T00:30:00Z")).toBe("2026-10-25T02:30Z");
    expect(next(berlin("0 2 * * *", twice), "2026-10-25T00:00:00Z")).toBe("2026-10-25T01:00Z");
    expect(next(berlin("30 2 * * *", twice), "2026-03-28T12:00:00Z")).toBe("2026-03-30T00:30Z");
  });
});
