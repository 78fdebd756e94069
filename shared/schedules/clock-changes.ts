/** Fire times in a night in which the clock jumps: one that it leaves out, and one that it shows twice (docs/decisions/0051-clock-changes.md). */

import type { CronFields } from "./cron-fields.ts";
import { nextFire, nextWallTime, type ScheduleExpression } from "./schedule-expression.ts";
import { type Zone, zoneOf } from "./zone.ts";

/** A time that the clock leaves out in spring is skipped, or comes once, at the first moment after the gap. */
export type SkippedTime = "skip" | "runAfter";
/** A time that the clock shows twice in autumn fires the first time only, or both times. */
export type RepeatedTime = "once" | "twice";

/** The rules of an entry. */
interface Rules {
  readonly skippedTime?: SkippedTime;
  readonly repeatedTime?: RepeatedTime;
  /** No fire time after. */
  readonly end?: Date;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const YEAR = 366 * DAY;

/** Years in which every weekday has met every date, and every change of a clock: what has not fired in them never does. */
const CYCLE_YEARS = 40;

/** The fire time of a schedule of one time, if it is after `after`. */
export function atWallTime(
  schedule: ScheduleExpression & { kind: "at" },
  { timezone, skippedTime }: Rules & { readonly timezone: string },
  after: Date,
): Date | undefined {
  const found = nextFire(schedule, after, timezone, after);
  if (found !== undefined || skippedTime !== "runAfter") return found;
  const { wallTime } = schedule;
  const gap = zoneOf(timezone)
    .changes(wallTime - 2 * DAY, wallTime + 2 * DAY)
    .find((change) => change.at + change.before <= wallTime && wallTime < change.at + change.after);
  return gap && gap.at > after.getTime() ? new Date(gap.at) : undefined;
}

/** Changes of the clock that give a cron expression a fire time before `first`, as its rules say. */
export function withClockChanges(
  { fields, zone, rules }: { fields: CronFields; zone: Zone; rules: Rules },
  after: Date,
  first: Date | undefined,
): Date | undefined {
  const { skippedTime = "skip", repeatedTime = "once" } = rules;
  if (skippedTime === "skip" && repeatedTime === "once") return first;
  const from = after.getTime();
  const last = rules.end?.getTime() ?? from + CYCLE_YEARS * YEAR;
  for (const change of zone.changes(from - DAY, Math.min(first?.getTime() ?? last, last))) {
    const [early, late] = [change.at + change.before, change.at + change.after];
    if (late > early && skippedTime === "runAfter" && change.at > from) {
      if (nextWallTime(fields, early, late) !== undefined) return new Date(change.at);
    }
    if (late < early && repeatedTime === "twice") {
      const start = Math.floor((from + change.after) / MINUTE) * MINUTE + MINUTE;
      const wall = nextWallTime(fields, Math.max(late, start), early);
      if (wall !== undefined) return new Date(wall - change.after);
    }
  }
  return first;
}
