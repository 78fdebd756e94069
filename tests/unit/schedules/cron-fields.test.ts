import { describe, expect, it } from "vitest";
import { type DayRule, matchingDays, parseCronFields, YEARS } from "../../../shared/schedules/cron-fields.ts";

const read = (text: string) => parseCronFields(text, `cron(${text})`);

describe("the fields of a cron expression", () => {
  it("have names for each month and each weekday", () => {
    const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    expect(months.map((name) => read(`0 8 1 ${name} ? *`).months)).toEqual(months.map((_, index) => [index + 1]));

    const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    expect(weekdays.map((name) => read(`0 8 ? * ${name} *`).days)).toEqual(
      weekdays.map((_, index) => ({ kind: "weekdays", weekdays: [index + 1] })),
    );
  });

  it("may have several blanks between them", () => {
    expect(read("5  8\t \t* * ? *")).toMatchObject({ minutes: [5], hours: [8] });
  });

  it("are of every year from 1970 to 2199", () => {
    expect(YEARS).toEqual(read("0 8 * * ? *").years);
    expect([YEARS[0], YEARS.at(-1), YEARS.length]).toEqual([1970, 2199, 230]);
  });

  it("go round the end of the year without a thirteenth month", () => {
    expect(read("0 8 1 NOV-FEB ? *").months).toEqual([1, 2, 11, 12]);
    expect(read("0 8 ? * FRI-MON *").days).toEqual({ kind: "weekdays", weekdays: [1, 2, 6, 7] });
  });

  it.each([
    ["L-1", { kind: "beforeLast", days: 1 }],
    ["L-30", { kind: "beforeLast", days: 30 }],
    ["LW", { kind: "nearestWeekday", date: "last" }],
    ["15W", { kind: "nearestWeekday", date: 15 }],
  ])("say the day of the month as %s", (date, days) => {
    expect(read(`0 8 ${date} * ? *`).days).toEqual(days);
  });

  it.each([
    ["", 0],
    ["0", 1],
    ["0 8 * *", 4],
    ["0 8 * * ? * *", 7],
  ])("are five or six: '%s' has %d", (text, count) => {
    expect(() => read(text)).toThrow(
      `Invalid schedule 'cron(${text})' with ${count} fields: expected cron(minutes hours day-of-month month day-of-week year).`,
    );
  });

  it.each(["xL-3", "L-3x", "L-100", "x3W", "3Wx", "1,3W"])("refuse '%s' as a day of the month", (date) => {
    expect(() => read(`0 8 ${date} * ? *`)).toThrow("Invalid day-of-month");
  });

  it.each(["xMONL", "MONLx", "2,6L", "3#2x", "x3#2"])("refuse '%s' as a weekday", (weekday) => {
    expect(() => read(`0 8 ? * ${weekday} *`)).toThrow("Invalid day-of-week");
  });
});

describe("the days of a month", () => {
  it.each<[string, DayRule, number[]]>([
    ["a date that it does not have", { kind: "dates", dates: [28, 29, 30] }, [28]],
    ["the weekday nearest a date that it does not have", { kind: "nearestWeekday", date: 29 }, []],
    ["the weekday nearest its last day", { kind: "nearestWeekday", date: "last" }, [27]],
    ["as long before its end as it is", { kind: "beforeLast", days: 28 }, []],
    ["its first, counted from the end", { kind: "beforeLast", days: 27 }, [1]],
    ["a fifth Sunday that it does not have", { kind: "nthWeekday", weekday: 1, nth: 5 }, []],
    ["a Friday the 13th", { kind: "both", dates: [13, 14], weekdays: [6] }, [13]],
    ["a Friday or the 14th", { kind: "either", dates: [14], weekdays: [6] }, [6, 13, 14, 20, 27]],
  ])("of February 2026: %s", (_what, rule, days) => {
    expect(matchingDays(rule, 2026, 2)).toEqual(days);
  });
});
