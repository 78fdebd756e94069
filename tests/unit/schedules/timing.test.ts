import { describe, expect, it } from "vitest";
import { crontab } from "../../../shared/schedules/crontab.ts";
import { solar } from "../../../shared/schedules/solar.ts";
import {
  fireTimes,
  lastFireTimes,
  nextFireTime,
  parseSchedule,
  type Timing,
} from "../../../shared/schedules/timing.ts";

const timing = (schedule: string, timezone = "UTC", more: Partial<Timing> = {}): Timing => ({
  schedule,
  timezone,
  anchor: new Date("2026-01-01T00:00:00Z"),
  ...more,
});

const between = (what: Timing, from: string, to: string, limit = 2000): string[] =>
  fireTimes(what, new Date(from), new Date(to), limit).map((time) => time.toISOString().replace(/:00\.000Z$/, "Z"));

describe("a time that the clock leaves out", () => {
  const at = (skippedTime: "skip" | "runAfter"): Timing =>
    timing("cron(30 2 * * ? *)", "America/Los_Angeles", { skippedTime });

  it("is skipped, and moves no later day", () => {
    expect(between(at("skip"), "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z")).toEqual([
      "2026-03-07T10:30Z",
      "2026-03-09T09:30Z",
      "2026-03-10T09:30Z",
    ]);
  });

  it("runs at the first moment after the gap, on that day alone", () => {
    expect(between(at("runAfter"), "2026-03-07T00:00:00Z", "2026-03-11T00:00:00Z")).toEqual([
      "2026-03-07T10:30Z",
      "2026-03-08T10:00Z",
      "2026-03-09T09:30Z",
      "2026-03-10T09:30Z",
    ]);
  });

  it("of many runs once", () => {
    const each = timing("cron(0/10 2 * * ? *)", "Europe/Berlin", { skippedTime: "runAfter" });
    expect(between(each, "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z")).toEqual(["2026-03-29T01:00Z"]);
  });

  it("at midnight comes an hour later in Santiago", () => {
    const midnight = timing("cron(0 0 * * ? *)", "America/Santiago", { skippedTime: "runAfter" });
    expect(between(midnight, "2026-09-05T12:00:00Z", "2026-09-07T12:00:00Z")).toEqual([
      "2026-09-06T04:00Z",
      "2026-09-07T03:00Z",
    ]);
  });

  it("of a one-off is told apart", () => {
    const once = (skippedTime: "skip" | "runAfter"): Timing =>
      timing("at(2026-03-29T02:30:00)", "Europe/Berlin", { skippedTime });
    expect(nextFireTime(once("skip"), new Date(0))).toBeUndefined();
    expect(nextFireTime(once("runAfter"), new Date(0))?.toISOString()).toBe("2026-03-29T01:00:00.000Z");
  });
});

describe("a time that comes twice", () => {
  const count = (schedule: string, repeatedTime: "once" | "twice"): number =>
    between(timing(schedule, "Europe/Berlin", { repeatedTime }), "2026-10-24T23:59:59Z", "2026-10-25T02:59:59Z").length;

  it("fires once, or twice, and an interval does not notice", () => {
    expect(count("cron(0/10 * * * ? *)", "once")).toBe(12);
    expect(count("cron(0/10 * * * ? *)", "twice")).toBe(18);
    expect(count("cron(30 2 * * ? *)", "once")).toBe(1);
    expect(count("cron(30 2 * * ? *)", "twice")).toBe(2);
    expect(count("rate(1 minute)", "once")).toBe(180);
    expect(count("rate(20 seconds)", "once")).toBe(540);
  });
});

describe("both day fields", () => {
  it("must both hold in crontab, and either in a unix string", () => {
    const both = crontab({ minute: 0, hour: 0, dayOfMonth: 13, dayOfWeek: "fri" });
    expect(both).toBe("crontab(0 0 13 * 5)");
    const [from, to] = ["2025-12-31T23:59:00Z", "2026-12-31T23:59:00Z"];
    expect(between(timing(both), from, to)).toEqual(["2026-02-13T00:00Z", "2026-03-13T00:00Z", "2026-11-13T00:00Z"]);
    expect(between(timing("0 0 13 * 5"), from, to)).toHaveLength(61);
  });

  it("a step after a star is a star in unix, as in its cron", () => {
    const [from, to] = ["2025-12-31T23:59:00Z", "2026-02-01T00:00:00Z"];
    expect(between(timing("0 0 */2 * 1"), from, to)).toEqual(between(timing("crontab(0 0 */2 * 1)"), from, to).slice());
  });

  it("a string has Celery's order, and its grammar", () => {
    expect(crontab("0 8 * * mon-fri")).toBe("cron(0 8 ? * 2-6 *)");
    expect(() => crontab("0 8 * *")).toThrow("Invalid crontab('0 8 * *') with 4 fields");
    expect(() => parseSchedule("0 22-2 * * *")).toThrow("Invalid hour '22-2' in schedule '0 22-2 * * *'");
    expect(between(timing("@daily"), "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z")).toHaveLength(2);
  });
});

describe("bounds", () => {
  it("are inclusive, and a start is what a rate counts from", () => {
    const [start, end] = [new Date("2026-01-01T02:30:00Z"), new Date("2026-01-01T04:30:00Z")];
    expect(
      between(timing("rate(1 hour)", "UTC", { start, end }), "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ).toEqual(["2026-01-01T02:30Z", "2026-01-01T03:30Z", "2026-01-01T04:30Z"]);
  });

  it("look back finds what look forward does", () => {
    const daily = timing("cron(0 9 * * ? *)", "Europe/Dublin");
    const [since, before] = [new Date("2026-02-01T00:00:00Z"), new Date("2026-03-31T00:00:00Z")];
    expect(lastFireTimes(daily, since, before, 3).map((time) => time.toISOString())).toEqual([
      "2026-03-30T08:00:00.000Z",
      "2026-03-29T08:00:00.000Z",
      "2026-03-28T09:00:00.000Z",
    ]);
    expect(lastFireTimes(daily, since, before, 100)).toHaveLength(58);
    expect(lastFireTimes(timing("rate(1 second)"), since, before, 5)).toHaveLength(5);
  });
});

describe("the sun", () => {
  it("rises in Berlin, once a date", () => {
    const sunrise = timing(solar("sunrise", { latitude: 52.52, longitude: 13.4 }), "Europe/Berlin");
    const year = between(sunrise, "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z");
    expect(year).toHaveLength(365);
    expect(year.find((time) => time.startsWith("2026-06-21"))).toMatch(/T02:4[2-4]/);
  });

  it("does not rise in Tromsø in December, and is found in January", () => {
    const sunrise = timing(solar("sunrise", { latitude: 69.65, longitude: 18.96 }), "Europe/Oslo");
    expect(nextFireTime(sunrise, new Date("2026-12-01T00:00:00Z"))?.toISOString().slice(0, 7)).toBe("2027-01");
  });

  it.each([
    [-17.5, 178],
    [21.3, -157.8],
    [-13.8, -171.7],
  ])("sets once a date at %d %d", (latitude, longitude) => {
    const sunset = timing(solar("sunset", { latitude, longitude }), "UTC");
    expect(between(sunset, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")).toHaveLength(365);
  });

  it("is refused where it never comes, and at no place", () => {
    const dawn = timing(solar("dusk_astronomical", { latitude: 90, longitude: 0 }));
    expect(between(dawn, "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z").length).toBeLessThan(4);
    expect(() => parseSchedule("solar(sunrise 91 0)")).toThrow("Invalid schedule 'solar(sunrise 91 0)'");
    expect(() => parseSchedule("solar(toString 1 0)")).toThrow("Invalid schedule");
  });
});
