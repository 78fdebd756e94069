import { describe, expect, it } from "vitest";
import { parseCronFields } from "../../../shared/schedules/cron-fields.ts";
import { nextFire, nextWallTime, parseExpression } from "../../../shared/schedules/schedule-expression.ts";

interface Asked {
  timezone?: string;
  anchor?: string;
  count?: number;
}

/** The next fire times as ISO text without seconds and zone: `2026-03-29T01:30`, in UTC. */
function fires(
  text: string,
  after: string,
  { timezone = "UTC", anchor = "2020-01-01", count = 3 }: Asked = {},
): string[] {
  const expression = parseExpression(text);
  const found: string[] = [];
  let last = new Date(after);
  while (found.length < count) {
    const next = nextFire(expression, last, timezone, new Date(anchor));
    if (next === undefined) return found;
    found.push(next.toISOString().slice(0, 16));
    last = next;
  }
  return found;
}

describe("the examples of AWS's documentation", () => {
  // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
  // https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
  // 2026-07-03 is a Friday.
  it.each([
    ["cron(0 10 * * ? *)", ["2026-07-04T10:00", "2026-07-05T10:00", "2026-07-06T10:00"]],
    ["cron(15 12 * * ? *)", ["2026-07-03T12:15", "2026-07-04T12:15", "2026-07-05T12:15"]],
    ["cron(0 18 ? * MON-FRI *)", ["2026-07-03T18:00", "2026-07-06T18:00", "2026-07-07T18:00"]],
    ["cron(0 8 1 * ? *)", ["2026-08-01T08:00", "2026-09-01T08:00", "2026-10-01T08:00"]],
    ["cron(0/15 * * * ? *)", ["2026-07-03T12:15", "2026-07-03T12:30", "2026-07-03T12:45"]],
    ["cron(0/10 * ? * MON-FRI *)", ["2026-07-03T12:10", "2026-07-03T12:20", "2026-07-03T12:30"]],
    ["cron(0/5 8-17 ? * MON-FRI *)", ["2026-07-03T12:05", "2026-07-03T12:10", "2026-07-03T12:15"]],
    ["cron(0/30 20-23 ? * MON-FRI *)", ["2026-07-03T20:00", "2026-07-03T20:30", "2026-07-03T21:00"]],
    ["cron(0/30 0-2 ? * MON-FRI *)", ["2026-07-06T00:00", "2026-07-06T00:30", "2026-07-06T01:00"]],
    ["cron(30 20-2 ? * MON-FRI *)", ["2026-07-03T20:30", "2026-07-03T21:30", "2026-07-03T22:30"]],
    ["cron(5,35 14 * * ? *)", ["2026-07-03T14:05", "2026-07-03T14:35", "2026-07-04T14:05"]],
    ["cron(1/10 13 * * ? *)", ["2026-07-03T13:01", "2026-07-03T13:11", "2026-07-03T13:21"]],
    ["cron(0 0 1-15 * ? *)", ["2026-07-04T00:00", "2026-07-05T00:00", "2026-07-06T00:00"]],
    ["cron(0 0 7 JAN,FEB,MAR ? *)", ["2027-01-07T00:00", "2027-02-07T00:00", "2027-03-07T00:00"]],
    ["cron(0 0 3W * ? *)", ["2026-08-03T00:00", "2026-09-03T00:00", "2026-10-02T00:00"]],
    ["cron(0 0 ? * 3#2 *)", ["2026-07-14T00:00", "2026-08-11T00:00", "2026-09-08T00:00"]],
    ["cron(0 0 L * ? *)", ["2026-07-31T00:00", "2026-08-31T00:00", "2026-09-30T00:00"]],
    ["cron(0 0 ? * L *)", ["2026-07-04T00:00", "2026-07-11T00:00", "2026-07-18T00:00"]],
    ["cron(15 10 ? * 6L 2022-2023)", []],
    ["rate(5 minutes)", ["2026-07-03T12:05", "2026-07-03T12:10", "2026-07-03T12:15"]],
    ["rate(1 minute)", ["2026-07-03T12:01", "2026-07-03T12:02", "2026-07-03T12:03"]],
    ["rate(1 hour)", ["2026-07-03T13:00", "2026-07-03T14:00", "2026-07-03T15:00"]],
    ["rate(5 hours)", ["2026-07-03T15:00", "2026-07-03T20:00", "2026-07-04T01:00"]],
    ["rate(1 day)", ["2026-07-04T00:00", "2026-07-05T00:00", "2026-07-06T00:00"]],
    ["rate(1 days)", ["2026-07-04T00:00", "2026-07-05T00:00", "2026-07-06T00:00"]],
  ])("%s fires when AWS says", (text, expected) => {
    expect(fires(text, "2026-07-03T12:00:00Z")).toEqual(expected);
  });

  it("the last Friday of each month of 2022 and 2023, then never again", () => {
    const found = fires("cron(15 10 ? * 6L 2022-2023)", "2020-01-01T00:00:00Z", { count: 30 });

    expect(found).toHaveLength(24);
    expect(found.slice(0, 2)).toEqual(["2022-01-28T10:15", "2022-02-25T10:15"]);
    expect(found.at(-1)).toBe("2023-12-29T10:15");
  });

  it("half past eight in New York is 13:30 UTC in winter and 12:30 in summer", () => {
    const asked = { timezone: "America/New_York", count: 1 };

    expect(fires("cron(30 8 * * ? *)", "2026-01-15T00:00:00Z", asked)).toEqual(["2026-01-15T13:30"]);
    expect(fires("cron(30 8 * * ? *)", "2026-07-15T00:00:00Z", asked)).toEqual(["2026-07-15T12:30"]);
  });

  it("13:00 in Los Angeles on 20 November 2022 comes once", () => {
    const asked = { timezone: "America/Los_Angeles" };

    expect(fires("at(2022-11-20T13:00:00)", "2022-11-01T00:00:00Z", asked)).toEqual(["2022-11-20T21:00"]);
    expect(fires("at(2022-11-20T13:00:00)", "2022-11-20T21:00:00Z", asked)).toEqual([]);
  });
});

describe("cron fields", () => {
  it.each([
    ["names of days and months", "cron(0 9 ? JAN-MAR/2 SUN,WED *)", ["2027-01-03T09:00", "2027-01-06T09:00"]],
    ["1 as Sunday and 7 as Saturday", "cron(0 9 ? * 1,7 *)", ["2026-07-04T09:00", "2026-07-05T09:00"]],
    ["2-6 as Monday to Friday", "cron(0 9 ? * 2-6 *)", ["2026-07-06T09:00", "2026-07-07T09:00"]],
    ["a range of days round the weekend", "cron(0 9 ? * SAT-MON *)", ["2026-07-04T09:00", "2026-07-05T09:00"]],
    ["a range of months round the year", "cron(0 9 1 DEC-JAN ? *)", ["2026-12-01T09:00", "2027-01-01T09:00"]],
    ["a step that goes round midnight", "cron(0 22-4/3 * * ? *)", ["2026-07-03T22:00", "2026-07-04T01:00"]],
    ["a step after a star", "cron(0 */9 * * ? *)", ["2026-07-03T18:00", "2026-07-04T00:00"]],
    ["a step of days from the first", "cron(0 9 */10 * ? *)", ["2026-07-11T09:00", "2026-07-21T09:00"]],
    ["a step beyond the field", "cron(0/60 * * * ? *)", ["2026-07-03T13:00", "2026-07-03T14:00"]],
    ["a step of years", "cron(0 9 1 1 ? 2026/4)", ["2030-01-01T09:00", "2034-01-01T09:00"]],
    ["leading zeros", "cron(00 09 05 07 ? *)", ["2026-07-05T09:00", "2027-07-05T09:00"]],
    ["no year at all", "cron(0 9 * * ?)", ["2026-07-04T09:00", "2026-07-05T09:00"]],
    ["the second day before the last", "cron(0 9 L-2 * ? *)", ["2026-07-29T09:00", "2026-08-29T09:00"]],
    ["the thirtieth day before the last", "cron(0 9 L-30 * ? *)", ["2026-08-01T09:00", "2026-10-01T09:00"]],
    ["the last weekday", "cron(0 9 LW * ? *)", ["2026-07-31T09:00", "2026-08-31T09:00"]],
    ["the weekday nearest a Saturday the 1st", "cron(0 9 1W 8 ? *)", ["2026-08-03T09:00", "2027-08-02T09:00"]],
    ["the weekday nearest a Sunday the 31st", "cron(0 9 31W 1,5 ? *)", ["2027-01-29T09:00", "2027-05-31T09:00"]],
    ["the fifth Monday", "cron(0 9 ? * MON#5 *)", ["2026-08-31T09:00", "2026-11-30T09:00"]],
    ["the last Friday by name", "cron(0 9 ? * FRIL *)", ["2026-07-31T09:00", "2026-08-28T09:00"]],
    ["29 February", "cron(0 9 29 2 ? *)", ["2028-02-29T09:00", "2032-02-29T09:00"]],
    ["a fifth Monday in February", "cron(0 9 ? 2 2#5 *)", ["2044-02-29T09:00", "2072-02-29T09:00"]],
  ])("%s: %s", (_what, text, expected) => {
    expect(fires(text, "2026-07-03T12:00:00Z", { count: 2 })).toEqual(expected);
  });

  it("a fire time is strictly after the time asked", () => {
    expect(fires("cron(0 12 * * ? *)", "2026-07-03T12:00:00.000Z", { count: 1 })).toEqual(["2026-07-04T12:00"]);
    expect(fires("cron(0 12 * * ? *)", "2026-07-03T11:59:59.999Z", { count: 1 })).toEqual(["2026-07-03T12:00"]);
  });

  it.each([
    ["a year that is over", "cron(0 0 * * ? 2025)"],
    ["31 February", "cron(0 0 31 2 ? *)"],
    ["a 31st in months of 30 days", "cron(0 0 31 4,6,9,11 ? *)"],
  ])("%s never fires", (_what, text) => {
    expect(fires(text, "2026-07-03T12:00:00Z")).toEqual([]);
  });

  it("the last minute of the last year fires, and nothing after it", () => {
    expect(fires("cron(59 23 31 12 ? *)", "2199-01-01T00:00:00Z")).toEqual(["2199-12-31T23:59"]);
    expect(fires("cron(* * * * ? *)", "+010000-01-01T00:00:00Z")).toEqual([]);
  });

  it("asked before 1970, the first fire time is in 1970", () => {
    expect(fires("cron(0 0 * * ? *)", "1900-01-01T00:00:00Z", { count: 1 })).toEqual(["1970-01-01T00:00"]);
  });
});

describe("a rate", () => {
  it("may have several blanks before its unit", () => {
    expect(parseExpression("rate(5 \t hours)")).toMatchObject({ everySeconds: 18_000 });
  });

  it("fires up to the last instant that there is", () => {
    const end = 8.64e15;
    const rate = parseExpression("rate(1 minute)");

    expect(nextFire(rate, new Date(end - 60_000), "UTC", new Date(end - 60_000))).toEqual(new Date(end));
    expect(nextFire(rate, new Date(end), "UTC", new Date(end - 60_000))).toBeUndefined();
  });
});

describe("a wall time", () => {
  const fields = parseCronFields("0 8 * * ? *", "cron(0 8 * * ? *)");
  const at = (text: string) => Date.parse(`${text}:00Z`);

  it("is the first from a time on, and before another", () => {
    expect(nextWallTime(fields, at("2026-05-13T08:00"))).toBe(at("2026-05-13T08:00"));
    expect(nextWallTime(fields, at("2026-05-13T08:01"), at("2026-05-14T08:01"))).toBe(at("2026-05-14T08:00"));
    expect(nextWallTime(fields, at("2026-05-13T08:01"), at("2026-05-14T08:00"))).toBeUndefined();
  });
});

describe("daylight saving time", () => {
  const losAngeles = { timezone: "America/Los_Angeles", count: 2 };
  const berlin = { timezone: "Europe/Berlin" };

  it("AWS's example: 02:30 in Los Angeles is skipped in spring", () => {
    expect(fires("cron(30 2 * * ? *)", "2026-03-07T12:00:00Z", losAngeles)).toEqual([
      "2026-03-09T09:30",
      "2026-03-10T09:30",
    ]);
  });

  it("AWS's example: 01:30 in Los Angeles fires once in autumn, before the shift", () => {
    expect(fires("cron(30 1 * * ? *)", "2026-10-31T12:00:00Z", losAngeles)).toEqual([
      "2026-11-01T08:30",
      "2026-11-02T09:30",
    ]);
  });

  it("every half hour leaves out the hour that does not exist", () => {
    expect(fires("cron(0/30 * * * ? *)", "2026-03-29T00:00:00Z", berlin)).toEqual([
      "2026-03-29T00:30",
      "2026-03-29T01:00",
      "2026-03-29T01:30",
    ]);
  });

  it("every half hour pauses while an hour comes again", () => {
    expect(fires("cron(0/30 * * * ? *)", "2026-10-25T00:00:00Z", berlin)).toEqual([
      "2026-10-25T00:30",
      "2026-10-25T02:00",
      "2026-10-25T02:30",
    ]);
  });

  it("asked within the second pass of an hour, nothing of that hour fires", () => {
    expect(fires("cron(* * * * ? *)", "2026-10-25T01:10:30Z", { ...berlin, count: 1 })).toEqual(["2026-10-25T02:00"]);
  });

  it("lord Howe Island shifts by half an hour", () => {
    const asked = { timezone: "Australia/Lord_Howe" };

    // 4 October 2026: 02:00 becomes 02:30. 5 April 2026: 02:00 becomes 01:30.
    expect(fires("cron(15,45 2 * * ? *)", "2026-10-03T12:00:00Z", asked)).toEqual([
      "2026-10-03T15:45",
      "2026-10-04T15:15",
      "2026-10-04T15:45",
    ]);
    expect(fires("cron(40 1 * * ? *)", "2026-04-04T00:00:00Z", asked)).toEqual([
      "2026-04-04T14:40",
      "2026-04-05T15:10",
      "2026-04-06T15:10",
    ]);
  });

  it("apia had no 30 December 2011", () => {
    const asked = { timezone: "Pacific/Apia" };

    expect(fires("cron(0 12 * * ? *)", "2011-12-28T23:00:00Z", asked)).toEqual([
      "2011-12-29T22:00",
      "2011-12-30T22:00",
      "2011-12-31T22:00",
    ]);
    expect(fires("cron(* * 30 12 ? 2011)", "2011-12-01T00:00:00Z", asked)).toEqual([]);
    expect(fires("cron(0 0 L * ? 2011)", "2011-12-01T00:00:00Z", asked)).toEqual(["2011-12-30T10:00"]);
  });

  it("cairo's clocks go forward at midnight, so that midnight is skipped", () => {
    expect(fires("cron(0 0 * * ? *)", "2026-04-22T22:00:00Z", { timezone: "Africa/Cairo" })).toEqual([
      "2026-04-24T21:00",
      "2026-04-25T21:00",
      "2026-04-26T21:00",
    ]);
  });

  it("a one-time schedule within the gap never fires, within the overlap it takes the first time", () => {
    expect(fires("at(2026-03-29T02:30:00)", "2026-01-01T00:00:00Z", berlin)).toEqual([]);
    expect(fires("at(2026-10-25T02:30:00)", "2026-01-01T00:00:00Z", berlin)).toEqual(["2026-10-25T00:30"]);
  });

  it("a day of a rate has 24 hours whatever the local clock does", () => {
    const asked = { ...berlin, anchor: "2026-03-27T08:00:00Z" };

    expect(fires("rate(1 day)", "2026-03-27T08:00:00Z", asked)).toEqual([
      "2026-03-28T08:00",
      "2026-03-29T08:00",
      "2026-03-30T08:00",
    ]);
  });
});

describe("rate", () => {
  it("counts from its anchor and not from the hour", () => {
    const asked = { anchor: "2026-07-03T12:07:00Z" };

    expect(fires("rate(90 minutes)", "2026-07-03T15:00:00Z", asked)).toEqual([
      "2026-07-03T15:07",
      "2026-07-03T16:37",
      "2026-07-03T18:07",
    ]);
  });

  it("fires at its anchor first", () => {
    expect(fires("rate(2 hours)", "2026-01-01T00:00:00Z", { anchor: "2026-07-03T12:07:00Z", count: 2 })).toEqual([
      "2026-07-03T12:07",
      "2026-07-03T14:07",
    ]);
  });

  it("keeps the seconds of its anchor", () => {
    const next = nextFire(parseExpression("rate(1 minute)"), new Date(61_500), "UTC", new Date(1250));

    expect(next?.getTime()).toBe(121_250);
  });

  it("longer than time itself never fires again", () => {
    expect(fires(`rate(${"9".repeat(200)} days)`, "2026-07-03T12:00:00Z")).toEqual([]);
  });
});

describe("a time that is rare, or never comes", () => {
  it.each([
    ["31 February", "cron(* * 31 2 ? *)", undefined],
    ["a fifth Monday in February", "cron(* * ? 2 2#5 *)", "2044-02-28T23:00:00.000Z"],
    ["a whole missing month", "cron(* * 31 4,6,9,11 ? *)", undefined],
    ["always in the gap of spring, until 2199", "cron(30 2 ? 3 1L *)", undefined],
    ["an hour of minutes always in the gap", "cron(* 2 ? 3 1L *)", undefined],
  ])("is not looked for without an end: %s", (_, text, expected) => {
    const from = new Date("2026-07-03T12:00:00Z");

    expect(nextFire(parseExpression(text), from, "Europe/Berlin", new Date(0))?.toISOString()).toBe(expected);
  });
});
