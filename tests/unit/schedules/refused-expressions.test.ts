import { describe, expect, it } from "vitest";
import { InvalidScheduleError } from "../../../shared/errors.ts";
import { nextFire, parseExpression } from "../../../shared/schedules/schedule-expression.ts";

function messageOf(refused: () => unknown): string {
  try {
    refused();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidScheduleError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("nothing was refused");
}

describe("what is refused", () => {
  it("the sentence names field, value, expression and range", () => {
    expect(messageOf(() => parseExpression("cron(0 24 * * ? *)"))).toBe(
      "Invalid hour '24' in schedule 'cron(0 24 * * ? *)': expected 0-23.",
    );
  });

  it.each([
    ["cron(60 8 * * ? *)", "minute '60'", "0-59"],
    ["cron(0,61 8 * * ? *)", "minute '61'", "0-59"],
    ["cron(? 8 * * ? *)", "minute '?'", "0-59"],
    ["cron(0/0 8 * * ? *)", "minute '0/0'", "1 or more after '/'"],
    ["cron(/5 8 * * ? *)", "minute '/5'", "0-59"],
    ["cron(0,,5 8 * * ? *)", "minute ''", "0-59"],
    ["cron(0 8-24 * * ? *)", "hour '8-24'", "0-23"],
    ["cron(0 8 0 * ? *)", "day-of-month '0'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 32W * ? *)", "day-of-month '32W'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 L-31 * ? *)", "day-of-month 'L-31'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 L-0 * ? *)", "day-of-month 'L-0'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 1,L * ? *)", "day-of-month 'L'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 MON * ? *)", "day-of-month 'MON'", "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone"],
    ["cron(0 8 * 13 ? *)", "month '13'", "1-12 or JAN-DEC"],
    ["cron(0 8 * SOM ? *)", "month 'SOM'", "1-12 or JAN-DEC"],
    ["cron(0 8 ? * 0 *)", "day-of-week '0'", "1-7 (1 is SUN) or SUN-SAT without '/', or one of L, 6L, 3#2 and ? alone"],
    [
      "cron(0 8 ? * MON/2 *)",
      "day-of-week 'MON/2'",
      "1-7 (1 is SUN) or SUN-SAT without '/', or one of L, 6L, 3#2 and ? alone",
    ],
    [
      "cron(0 8 ? * 3#1,6#3 *)",
      "day-of-week '3#1'",
      "1-7 (1 is SUN) or SUN-SAT without '/', or one of L, 6L, 3#2 and ? alone",
    ],
    [
      "cron(0 8 ? * 3#6 *)",
      "day-of-week '3#6'",
      "1-7 (1 is SUN) or SUN-SAT without '/', or one of L, 6L, 3#2 and ? alone",
    ],
    ["cron(0 8 * * ? 1969)", "year '1969'", "1970-2199"],
    ["cron(0 8 * * ? 2200)", "year '2200'", "1970-2199"],
    ["cron(0 8 * * ? 2030-2026)", "year '2030-2026'", "1970-2199"],
    ["rate(0 minutes)", "rate value '0'", "a whole number of 1 or more"],
    ["rate(1.5 hours)", "rate value '1.5'", "a whole number of 1 or more"],
    ["rate(10 seconds)", "rate unit 'seconds'", "minute, minutes, hour, hours, day or days"],
    [
      "at(2026-02-30T08:00:00)",
      "time '2026-02-30T08:00:00'",
      "a date that exists, as yyyy-mm-ddThh:mm:ss with neither zone nor fraction",
    ],
  ])("%s: %s", (text, subject, expected) => {
    expect(messageOf(() => parseExpression(text))).toBe(
      `Invalid ${subject} in schedule '${text}': expected ${expected}.`,
    );
  });

  // Recorded from AWS: localstack/localstack tests/aws/services/scheduler/test_scheduler.py, marked aws.validated.
  it.each([
    "cron(0 1 * * * *)",
    "cron(7 20 * * NOT *)",
    "cron(INVALID)",
    "cron(0 dummy ? * MON-FRI *)",
    "cron(71 8 1 * ? *)",
    "cron()",
    "rate(10 seconds)",
    "rate(10 years)",
    "rate()",
    "rate(10)",
    "rate(10 minutess)",
    "rate(foo minutes)",
    "rate(-10 minutes)",
    "rate( 10 minutes )",
    " rate(10 minutes)",
    "at(2021-12-31T23:59:59Z)",
    "at(2021-12-31)",
  ])("AWS itself refuses '%s'", (text) => {
    expect(() => parseExpression(text)).toThrow(InvalidScheduleError);
  });

  it.each([
    "",
    "every(5 minutes)",
    "cron",
    "cron(0 8 * * ? *",
    "CRON(0 8 * * ? *)",
    "cron(0 8 * * ? *) ",
    "cron(0 8 * * ? * *)",
    "cron(0 8 * *)",
    "cron(0 8 * mon ? *)",
    "cron(0 8 ? * ? *)",
    "cron(0 8 1 * 2 *)",
    "at(2026-07-03T24:00:00)",
    "at(2026-07-03T08:00:00.000)",
    "at(2026-07-03 08:00:00)",
  ])("'%s' is no schedule", (text) => {
    expect(() => parseExpression(text)).toThrow(InvalidScheduleError);
  });

  it.each(["", "every(5 minutes)", "xrate(5 minutes)"])("'%s' is told the three forms", (text) => {
    expect(messageOf(() => parseExpression(text))).toBe(
      `Invalid schedule '${text}': expected cron(minutes hours day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss).`,
    );
  });

  it.each(["rate()", "rate(5)", "rate(5 minutes more)"])("'%s' is told a rate's two parts", (text) => {
    expect(messageOf(() => parseExpression(text))).toBe(
      `Invalid schedule '${text}': expected a value and a unit, such as rate(5 minutes).`,
    );
  });

  it.each(["rate(5 dsay)", "rate(5 sday)"])("'%s' has no unit with an s in it", (text) => {
    expect(messageOf(() => parseExpression(text))).toContain("Invalid rate unit");
  });

  it("both day fields at once is explained", () => {
    expect(messageOf(() => parseExpression("cron(0 8 1 * MON *)"))).toBe(
      "Invalid day-of-month '1' with day-of-week 'MON' in schedule 'cron(0 8 1 * MON *)': " +
        "expected '?' in exactly one of the two, because AWS cron cannot combine them.",
    );
  });

  it("a text longer than AWS takes is refused without being read", () => {
    expect(messageOf(() => parseExpression(`cron(${"0,".repeat(1_000_000)}0 8 * * ? *)`))).toMatch(
      /^Invalid schedule 'cron\(0,0,.*…' \(2000017 characters\): expected at most 256 characters\.$/,
    );
  });

  it("a text as long as AWS takes is read", () => {
    const years = (length: number): string => `cron(0 8 * * ? ${"2026,".repeat(47)}${"2026".padStart(length, "0")})`;
    expect(years(6)).toHaveLength(257);
    expect(messageOf(() => parseExpression(years(6)))).toContain("at most 256 characters");
    expect(messageOf(() => parseExpression(years(5)))).toContain("Invalid year '02026'");
  });

  it.each(["Europe/Atlantis", "", "+05:30", "Berlin", "europe berlin"])("time zone '%s' is unknown", (timezone) => {
    const cron = parseExpression("cron(0 8 * * ? *)");

    expect(messageOf(() => nextFire(cron, new Date(0), timezone, new Date(0)))).toBe(
      `Invalid time zone '${timezone}': expected a name of the IANA time zone database, such as 'Europe/Berlin' or 'UTC'${timezone === "Berlin" ? "; perhaps 'Europe/Berlin'" : ""}.`,
    );
  });

  it("an unknown time zone is refused for a rate too", () => {
    expect(() => nextFire(parseExpression("rate(1 day)"), new Date(0), "Mars/Base", new Date(0))).toThrow(
      InvalidScheduleError,
    );
  });
});
