/**
 * EventBridge Scheduler's schedule expressions, read and evaluated as AWS does: `cron(…)`, `rate(…)` and `at(…)` in an
 * IANA time zone. Pure: no clock is read here.
 *
 * Daylight saving time follows AWS to the letter: "if a cron expression falls on a non-existent date and time, your
 * schedule invocation is skipped. When time shifts backwards in the Fall, your schedule runs only once and does not repeat
 * its invocation." AWS makes no exception for wildcards, and neither do we: each minute of the wall clock fires at most once.
 *
 * | Clock | Firing |
 * | --- | --- |
 * | forward (spring) | a local time that does not exist is skipped; nothing is made up for |
 * | back (autumn) | a local time that comes twice fires the first time only; so `cron(0/15 * * * ? *)` pauses for an hour |
 * | `rate(1 day)` | 24 hours on the clock, so its local time shifts |
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
 */

import { echo } from "../echo.ts";
import { InvalidScheduleError } from "../errors.ts";
import { type CronFields, matchingDays, parseCronFields } from "./cron-fields.ts";
import { changeBetween, type Zone, zoneOf } from "./zone.ts";

/** A schedule expression that AWS would accept, ready for {@link nextFire}. */
export type ScheduleExpression =
  | { readonly kind: "cron"; readonly text: string; readonly fields: CronFields }
  | { readonly kind: "rate"; readonly text: string; readonly everySeconds: number }
  | { readonly kind: "at"; readonly text: string; readonly wallTime: WallTime };

/** The reading of a clock on the wall, as the milliseconds at which a clock in UTC would show the same. */
export type WallTime = number;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The last instant that a `Date` can hold. */
const END_OF_TIME = 8.64e15;

/**
 * No zone is 16 hours from UTC, so these two probes lie before and after every instant that shows a wall time. No zone has
 * changed its clock twice within three days since 1970, so at most one change lies between them.
 */
const MAX_OFFSET = 16 * HOUR;

/** https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html#scheduler-CreateSchedule-request-ScheduleExpression */
const MAX_EXPRESSION_CHARS = 256;

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ["minute", 60],
  ["hour", 3600],
  ["day", 86_400],
]);

/**
 * Reads a schedule expression, as strictly as EventBridge Scheduler does.
 * @throws InvalidScheduleError with the field, its value, the expression and what is accepted
 */
export function parseExpression(text: string): ScheduleExpression {
  if (text.length > MAX_EXPRESSION_CHARS) {
    throw new InvalidScheduleError(`schedule ${echo(text, 40)}`, `at most ${MAX_EXPRESSION_CHARS} characters`);
  }
  const [, form, content = ""] = /^(cron|rate|at)\(([^()]*)\)$/.exec(text) ?? [];
  switch (form) {
    case "cron":
      return { kind: "cron", text, fields: parseCronFields(content, text) };
    case "rate":
      return { kind: "rate", text, everySeconds: parseRate(content, text) };
    case "at":
      return { kind: "at", text, wallTime: parseAt(content, text) };
    default:
      throw new InvalidScheduleError(
        `schedule '${text}'`,
        "cron(minutes hours day-of-month month day-of-week year), rate(value unit) or at(yyyy-mm-ddThh:mm:ss)",
      );
  }
}

/**
 * The first fire time strictly after `after`, or undefined when there is none left: the years are over, the `at` time is
 * past or does not exist in the zone, or the date never comes (31 February).
 *
 * A rate fires at `anchor` itself ("starts invoking the target immediately") and then at every whole interval from it;
 * ask with an `after` before the anchor to get that first time.
 * @param timezone an IANA name such as `Europe/Berlin`
 * @param anchor when the schedule was created or starts
 * @throws InvalidScheduleError for an unknown time zone
 */
export function nextFire(
  expression: ScheduleExpression,
  after: Date,
  timezone: string,
  anchor: Date,
): Date | undefined {
  const zone = zoneOf(timezone);
  switch (expression.kind) {
    case "cron":
      return nextCron(expression.fields, after.getTime(), zone);
    case "rate":
      return nextRate(expression.everySeconds * SECOND, after.getTime(), anchor.getTime());
    case "at": {
      const instant = instantsNear(expression.wallTime, zone).first;
      return instant !== undefined && instant > after.getTime() ? new Date(instant) : undefined;
    }
  }
}

/**
 * Scheduler takes either number of the unit (its own guide writes `rate(1 days)`); only the older EventBridge rules insist
 * on `1 day` and `2 days`, and `serverless` checks those before us.
 */
function parseRate(content: string, text: string): number {
  const [value, unit, ...rest] = content.split(/[ \t]+/);
  if (value === undefined || unit === undefined || rest.length > 0) {
    throw new InvalidScheduleError(`schedule '${text}'`, "a value and a unit, such as rate(5 minutes)");
  }
  if (!/^[1-9]\d*$/.test(value)) {
    throw new InvalidScheduleError(`rate value '${value}' in schedule '${text}'`, "a whole number of 1 or more");
  }
  const unitSeconds = UNIT_SECONDS.get(unit.replace(/s$/, ""));
  if (unitSeconds === undefined) {
    throw new InvalidScheduleError(
      `rate unit '${unit}' in schedule '${text}'`,
      "minute, minutes, hour, hours, day or days",
    );
  }
  return Number(value) * unitSeconds;
}

function parseAt(content: string, text: string): WallTime {
  // Stryker disable next-line Regex: a text with more around it does not read back the same.
  const wallTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(content) ? Date.parse(`${content}Z`) : Number.NaN;
  // `Date.parse` turns 30 February into 2 March: only a date that reads back the same exists.
  if (Number.isNaN(wallTime) || new Date(wallTime).toISOString().slice(0, 19) !== content) {
    throw new InvalidScheduleError(
      `time '${content}' in schedule '${text}'`,
      "a date that exists, as yyyy-mm-ddThh:mm:ss with neither zone nor fraction",
    );
  }
  return wallTime;
}

function nextRate(interval: number, after: number, anchor: number): Date | undefined {
  const count = after < anchor ? 0 : Math.floor((after - anchor) / interval) + 1;
  const instant = anchor + count * interval;
  return instant <= END_OF_TIME ? new Date(instant) : undefined;
}

function nextCron(fields: CronFields, after: number, zone: Zone): Date | undefined {
  // Stryker disable all: a search that begins, or goes on, too early finds the same time later.
  // First occurrences of wall times keep the order of the wall times, so searching wall times upwards finds the earliest.
  let from = startOfMinute(after + zone.offset(after)) + MINUTE;
  for (;;) {
    const wallTime = nextWallTime(fields, from);
    if (wallTime === undefined) return undefined;
    const { first, early, late } = instantsNear(wallTime, zone);
    if (first !== undefined && first > after) return new Date(first);
    // Either the wall time does not exist, or the clock went back and `after` is in the repeated hour. In both cases the
    // next wall time to fire is not below the later of the two that meet at the change.
    const change =
      first === undefined ? changeBetween(late, early, zone.offset) : changeBetween(first, after, zone.offset);
    const later = change + Math.max(zone.offset(change - MINUTE), zone.offset(change));
    from = Math.max(wallTime + MINUTE, startOfMinute(later));
  }
  // Stryker restore all
}

/** The first wall time of a cron expression at or after `from` and before `before`, whether or not the zone has it. */
export function nextWallTime(
  fields: CronFields,
  from: WallTime,
  before: WallTime = Number.POSITIVE_INFINITY,
): WallTime | undefined {
  const start = new Date(from);
  for (const year of fields.years) {
    // Stryker disable next-line ConditionalExpression: the same of a year.
    if (year < start.getUTCFullYear()) continue;
    for (const month of fields.months) {
      // Stryker disable next-line ConditionalExpression,EqualityOperator: a month that is over has no time from then on.
      if (Date.UTC(year, month) <= from) continue;
      if (Date.UTC(year, month - 1) >= before) return undefined;
      for (const day of matchingDays(fields.days, year, month)) {
        const midnight = Date.UTC(year, month - 1, day);
        // Stryker disable next-line ConditionalExpression,EqualityOperator: the same of a day.
        if (midnight + DAY <= from) continue;
        for (const hour of fields.hours) {
          for (const minute of fields.minutes) {
            const wallTime = midnight + hour * HOUR + minute * MINUTE;
            if (wallTime >= from) return wallTime < before ? wallTime : undefined;
          }
        }
      }
    }
  }
  return undefined;
}

/**
 * The first instant at which the zone's clocks show a wall time, or undefined in the gap of a clock that goes forward; and
 * the instants that the offsets before (`early`) and after (`late`) a nearby change would give.
 */
function instantsNear(wallTime: WallTime, zone: Zone): { first: number | undefined; early: number; late: number } {
  const early = wallTime - zone.offset(wallTime - MAX_OFFSET);
  const late = wallTime - zone.offset(wallTime + MAX_OFFSET);
  const shows = (instant: number): boolean => instant + zone.offset(instant) === wallTime;
  // Stryker disable next-line ConditionalExpression: where both are the same, it shows the time; the comparison saves asking.
  if (early === late || shows(early)) return { first: early, early, late };
  return { first: shows(late) ? late : undefined, early, late };
}

function startOfMinute(time: number): number {
  return Math.floor(time / MINUTE) * MINUTE;
}
