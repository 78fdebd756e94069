/**
 * When an entry fires: a schedule in its time zone, with a rule for each change of the clock, between a start and an end. The one place that
 * build, preview, list and firing ask.
 */

import { echo } from "../echo.ts";
import { InvalidScheduleError } from "../errors.ts";
import { atWallTime, type RepeatedTime, type SkippedTime, withClockChanges } from "./clock-changes.ts";
import { parseCrontab } from "./crontab.ts";
import { nextFire, parseExpression, type ScheduleExpression } from "./schedule-expression.ts";
import { parseSolar, type SolarTime } from "./solar.ts";
import { nextSolar } from "./sun.ts";
import { zoneOf } from "./zone.ts";

/** A schedule that can be evaluated. */
export type Schedule =
  | ScheduleExpression
  | { readonly kind: "solar"; readonly text: string; readonly solar: SolarTime };

export interface Timing {
  /** `crontab({…})`, `every({…})`, `solar(…)`, `at(…)`, AWS's `cron(…)` and `rate(…)`, or a unix cron string of five fields. */
  readonly schedule: string;
  readonly timezone: string;
  /** A rate counts from here, and fires at each whole interval after it. */
  readonly anchor: Date;
  /** No fire time before; a rate counts from it. */
  readonly start?: Date;
  /** No fire time after. */
  readonly end?: Date;
  /** @defaultValue skip, as EventBridge does */
  readonly skippedTime?: SkippedTime;
  /** @defaultValue once, as EventBridge does */
  readonly repeatedTime?: RepeatedTime;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

const MAX_SCHEDULE_CHARS = 256;

/** Names of unix's crontab. */
const MACROS: ReadonlyMap<string, string> = new Map([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
]);

const FORMS =
  "cron(minutes hours day-of-month month day-of-week year), crontab(minute hour day-of-month month day-of-week), five fields as in unix, rate(value unit), at(yyyy-mm-ddThh:mm:ss) or solar(event latitude longitude)";

const KNOWN = 1000;
const known = new Map<string, Schedule>();

/**
 * Reads a schedule in any of its forms. @throws InvalidScheduleError
 */
export function parseSchedule(text: string): Schedule {
  const kept = known.get(text);
  if (kept !== undefined) return kept;
  const schedule = parse(text);
  // A million entries may have as many schedules: those of the moment are kept.
  if (known.size >= KNOWN) known.clear();
  known.set(text, schedule);
  return schedule;
}

function parse(text: string): Schedule {
  if (text.length > MAX_SCHEDULE_CHARS) {
    throw new InvalidScheduleError(`schedule ${echo(text, 40)}`, `at most ${MAX_SCHEDULE_CHARS} characters`);
  }
  const [, form, content = ""] = /^(crontab|solar|rate)\(([^()]*)\)$/.exec(text) ?? [];
  if (form === "crontab") return { kind: "cron", text, fields: parseCrontab(content, "celery", text) };
  if (form === "solar") return { kind: "solar", text, solar: parseSolar(content, text) };
  const seconds = /^([1-9]\d{0,8})[ \t]+seconds?$/.exec(content)?.[1];
  if (form === "rate" && seconds !== undefined) return { kind: "rate", text, everySeconds: Number(seconds) };
  if (/^(?:cron|rate|at)\(/.test(text)) return parseExpression(text);
  const unix = MACROS.get(text) ?? text;
  if (/^\S+(?:[ \t]+\S+){4}$/.test(unix.trim()) && !/[()]/.test(unix)) {
    return { kind: "cron", text, fields: parseCrontab(unix, "unix", text) };
  }
  throw new InvalidScheduleError(`schedule ${echo(text)}`, FORMS);
}

/** The first fire time strictly after `after`; undefined if there is none. @throws InvalidScheduleError */
export function nextFireTime(timing: Timing, after: Date): Date | undefined {
  const { start, end } = timing;
  const from = start && start > after ? new Date(start.getTime() - 1) : after;
  const next = nextOf(parseSchedule(timing.schedule), timing, from);
  return next === undefined || (end && next > end) ? undefined : next;
}

/** Fire times after `after` and up to `until`, oldest first, at most `limit`. */
export function fireTimes(timing: Timing, after: Date, until: Date, limit: number): Date[] {
  const found: Date[] = [];
  for (let next = nextFireTime(timing, after); next && next <= until && found.length < limit; ) {
    found.push(next);
    next = nextFireTime(timing, next);
  }
  return found;
}

/** The last fire times before `before` and after `since`, newest first. */
export function lastFireTimes(timing: Timing, since: Date, before: Date, limit: number): Date[] {
  const until = new Date(before.getTime() - 1);
  for (let span = 60 * MINUTE; ; span *= 4) {
    const from = new Date(Math.max(since.getTime(), before.getTime() - span));
    const { everySeconds } = { everySeconds: 0, ...parseSchedule(timing.schedule) };
    // Of a short interval, no more than the newest are walked through.
    const least = everySeconds > 0 ? before.getTime() - (limit + 1) * everySeconds * SECOND : 0;
    const found = fireTimes(timing, new Date(Math.max(from.getTime(), least)), until, MANY);
    if (found.length >= limit || from <= since) return found.slice(-limit).reverse();
  }
}

/** More fire times than any look back needs. */
const MANY = 100_000;

function nextOf(schedule: Schedule, timing: Timing, after: Date): Date | undefined {
  const { timezone, anchor, start } = timing;
  const zone = zoneOf(timezone);
  if (schedule.kind === "solar") {
    const instant = nextSolar(schedule.solar, after.getTime(), timezone);
    return instant === undefined ? undefined : new Date(instant);
  }
  if (schedule.kind === "at") return atWallTime(schedule, timing, after);
  const first = nextFire(schedule, after, timezone, start ?? anchor);
  return schedule.kind === "cron"
    ? withClockChanges({ fields: schedule.fields, zone, rules: timing }, after, first)
    : first;
}

/** Whether every fire time is a whole minute, so that a look at each minute comes in time. */
export function isOnMinutes({ schedule, anchor, start }: Timing): boolean {
  const parsed = parseSchedule(schedule);
  const isWhole = (time: Date): boolean => time.getTime() % MINUTE === 0;
  if (parsed.kind === "rate") return parsed.everySeconds % 60 === 0 && isWhole(start ?? anchor);
  if (parsed.kind === "at") return parsed.wallTime % MINUTE === 0;
  return parsed.kind === "cron";
}
