import { describe, expect, it } from "vitest";
import { InvalidScheduleError } from "../../../shared/errors.ts";
import { type CrontabOptions, crontab, every } from "../../../shared/schedules/crontab.ts";
import { nextFire, parseExpression } from "../../../shared/schedules/schedule-expression.ts";
import { parseSchedule } from "../../../shared/schedules/timing.ts";

describe("crontab writes Celery's schedules as AWS cron", () => {
  // The table of https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html#crontab-schedules
  it.each<[CrontabOptions, string]>([
    [{}, "cron(* * * * ? *)"],
    [{ minute: 0, hour: 0 }, "cron(0 0 * * ? *)"],
    [{ minute: 0, hour: "*/3" }, "cron(0 0,3,6,9,12,15,18,21 * * ? *)"],
    [{ minute: 0, hour: "0,3,6,9,12,15,18,21" }, "cron(0 0,3,6,9,12,15,18,21 * * ? *)"],
    [{ minute: "*/15" }, "cron(0,15,30,45 * * * ? *)"],
    [{ dayOfWeek: "sunday" }, "cron(* * ? * 1 *)"],
    [{ minute: "*", hour: "*", dayOfWeek: "sun" }, "cron(* * ? * 1 *)"],
    [{ minute: "*/10", hour: "3,17,22", dayOfWeek: "thu,fri" }, "cron(0,10,20,30,40,50 3,17,22 ? * 5,6 *)"],
    [{ minute: 0, hour: "*/2,*/3" }, "cron(0 0,2-4,6,8-10,12,14-16,18,20-22 * * ? *)"],
    [{ minute: 0, hour: "*/5" }, "cron(0 0,5,10,15,20 * * ? *)"],
    [{ minute: 0, hour: "*/3,8-17" }, "cron(0 0,3,6,8-18,21 * * ? *)"],
    [{ minute: 0, hour: 0, dayOfMonth: "2" }, "cron(0 0 2 * ? *)"],
    [{ minute: 0, hour: 0, dayOfMonth: "2-30/2" }, "cron(0 0 2,4,6,8,10,12,14,16,18,20,22,24,26,28,30 * ? *)"],
    [{ minute: 0, hour: 0, dayOfMonth: "1-7,15-21" }, "cron(0 0 1-7,15-21 * ? *)"],
    [{ minute: 0, hour: 0, dayOfMonth: "11", monthOfYear: "5" }, "cron(0 0 11 5 ? *)"],
    [{ minute: 0, hour: 0, monthOfYear: "*/3" }, "cron(0 0 * 1,4,7,10 ? *)"],
  ])("%j is %s", (options, expected) => {
    expect(crontab(options)).toBe(expected);
  });

  it.each<[string, CrontabOptions, string]>([
    ["the daily e-mail", { hour: 8, minute: 0 }, "cron(0 8 * * ? *)"],
    ["an hour alone means each of its minutes", { hour: 8 }, "cron(* 8 * * ? *)"],
    ["Sunday as 0", { minute: 0, hour: 8, dayOfWeek: 0 }, "cron(0 8 ? * 1 *)"],
    ["Sunday as 7", { minute: 0, hour: 8, dayOfWeek: 7 }, "cron(0 8 ? * 1 *)"],
    ["Saturday", { minute: 0, hour: 8, dayOfWeek: 6 }, "cron(0 8 ? * 7 *)"],
    ["Monday to Friday", { minute: 0, hour: 8, dayOfWeek: "1-5" }, "cron(0 8 ? * 2-6 *)"],
    ["Friday to Sunday as 7", { minute: 0, hour: 8, dayOfWeek: "5-7" }, "cron(0 8 ? * 1,6,7 *)"],
    ["Friday round to Monday", { minute: 0, hour: 8, dayOfWeek: "5-1" }, "cron(0 8 ? * 1,2,6,7 *)"],
    ["Sunday as 7 to Tuesday", { minute: 0, hour: 8, dayOfWeek: "7-2" }, "cron(0 8 ? * 1-3 *)"],
    ["names in any case, in full", { minute: 0, hour: 8, dayOfWeek: "Saturday-SUN" }, "cron(0 8 ? * 1,7 *)"],
    ["even weekdays, as Celery counts them", { minute: 0, hour: 8, dayOfWeek: "*/2" }, "cron(0 8 ? * 1,3,5,7 *)"],
    ["a step round the weekend", { minute: 0, hour: 8, dayOfWeek: "5-1/2" }, "cron(0 8 ? * 1,6 *)"],
    ["every third day from the first", { minute: 0, hour: 8, dayOfMonth: "*/10" }, "cron(0 8 1,11,21,31 * ? *)"],
    ["hours round midnight", { minute: 0, hour: "22-2" }, "cron(0 0-2,22,23 * * ? *)"],
    ["days round the month", { minute: 0, hour: 8, dayOfMonth: "30-2" }, "cron(0 8 1,2,30,31 * ? *)"],
    ["names of months", { minute: 0, hour: 8, monthOfYear: "jan,October-december" }, "cron(0 8 * 1,10-12 ? *)"],
    ["a list of numbers", { minute: [45, 0, 15, 0], hour: [8] }, "cron(0,15,45 8 * * ? *)"],
    ["blanks after commas", { minute: "0, 30", hour: 8 }, "cron(0,30 8 * * ? *)"],
    ["a step beyond the field", { minute: "*/90", hour: 8 }, "cron(0 8 * * ? *)"],
    [
      "all weekdays written out do not count as one",
      { minute: 0, hour: 8, dayOfMonth: 1, dayOfWeek: "0-6" },
      "cron(0 8 1 * ? *)",
    ],
    [
      "all dates written out do not count as one",
      { minute: 0, hour: 8, dayOfMonth: "1-31", dayOfWeek: 1 },
      "cron(0 8 ? * 2 *)",
    ],
  ])("%s", (_what, options, expected) => {
    expect(crontab(options)).toBe(expected);
  });

  it("08:00 in Berlin comes at 06:00 UTC in summer", () => {
    const expression = parseExpression(crontab({ hour: 8, minute: 0 }));

    const next = nextFire(expression, new Date("2026-07-03T12:00:00Z"), "Europe/Berlin", new Date(0));

    expect(next?.toISOString()).toBe("2026-07-04T06:00:00.000Z");
  });
});

describe("crontab refuses", () => {
  it.each<[CrontabOptions, string]>([
    [{ hour: 24 }, `hour '24' in crontab({"hour":24}): expected 0-23`],
    [{ minute: "0,60" }, `minute '60' in crontab({"minute":"0,60"}): expected 0-59`],
    [{ minute: -1 }, `minute '-1' in crontab({"minute":-1}): expected 0-59`],
    [{ minute: 1.5 }, `minute '1.5' in crontab({"minute":1.5}): expected 0-59`],
    [{ minute: 1e21 }, `minute '1e+21' in crontab({"minute":1e+21}): expected 0-59`],
    [{ minute: Number.NaN }, `minute 'NaN' in crontab({"minute":null}): expected 0-59`],
    [{ minute: "" }, `minute '' in crontab({"minute":""}): expected 0-59`],
    [{ minute: [] }, `minute '[]' in crontab({"minute":[]}): expected 0-59`],
    [{ minute: "*/0" }, `minute '*/0' in crontab({"minute":"*/0"}): expected 1 or more after '/'`],
    [
      { minute: "5/10" },
      `minute '5/10' in crontab({"minute":"5/10"}): expected a step only after '*' or a range, such as '5-59/10'`,
    ],
    [{ dayOfMonth: 0 }, `dayOfMonth '0' in crontab({"dayOfMonth":0}): expected 1-31`],
    [{ dayOfMonth: "L" }, `dayOfMonth 'L' in crontab({"dayOfMonth":"L"}): expected 1-31`],
    [{ monthOfYear: 13 }, `monthOfYear '13' in crontab({"monthOfYear":13}): expected 1-12 or jan-dec`],
    [
      { dayOfWeek: [1, 8] },
      `dayOfWeek '8' in crontab({"dayOfWeek":[1,8]}): expected 0-7 (0 and 7 are Sunday) or sun-sat`,
    ],
    [{ hour: "mon" }, `hour 'mon' in crontab({"hour":"mon"}): expected 0-23`],
  ])("%j", (options, sentence) => {
    expect(() => crontab(options)).toThrow(new InvalidScheduleError(...split(sentence)));
  });

  it("a field that does not exist, which would otherwise mean 'every'", () => {
    const misspelt = { minute: 0, hour: 8, day_of_week: 1 };

    expect(() => crontab(misspelt)).toThrow(
      `Invalid field 'day_of_week' in crontab({"minute":0,"hour":8,"day_of_week":1}): ` +
        "expected one of minute, hour, dayOfMonth, monthOfYear, dayOfWeek.",
    );
  });
});

describe("every", () => {
  it.each([
    [{ seconds: 1 }, "rate(1 second)"],
    [{ seconds: 20 }, "rate(20 seconds)"],
    [{ minutes: 1 }, "rate(1 minute)"],
    [{ minutes: 90 }, "rate(90 minutes)"],
    [{ hours: 1 }, "rate(1 hour)"],
    [{ hours: 36 }, "rate(36 hours)"],
    [{ days: 1 }, "rate(1 day)"],
    [{ days: 40 }, "rate(40 days)"],
  ])("%j is %s, in the number that EventBridge rules insist on too", (interval, expected) => {
    expect(every(interval)).toBe(expected);
    expect(parseSchedule(expected)).toMatchObject({ kind: "rate" });
  });

  it.each([{ minutes: 0 }, { minutes: 0.5 }, { hours: -1 }, { days: Number.NaN }, { minutes: 2 ** 60 }])(
    "%j is refused",
    (interval) => {
      expect(() => every(interval)).toThrow(
        `Invalid interval in every(${JSON.stringify(interval)}): expected one of seconds, minutes, hours and days as a whole number of 1 or more.`,
      );
    },
  );

  it("what the types forbid is refused at run time too", () => {
    // @ts-expect-error one unit only
    expect(() => every({ hours: 1, minutes: 30 })).toThrow(InvalidScheduleError);
    // @ts-expect-error no unit
    expect(() => every({})).toThrow(InvalidScheduleError);
  });
});

/** Subject and expectation of a sentence, as the error takes them. */
function split(sentence: string): [string, string] {
  const [subject = "", expected = ""] = sentence.split(": expected ");
  return [subject, expected];
}
