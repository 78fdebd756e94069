/** The future of a schedule, in times and in words: for whoever writes one. */

import { matchingDays } from "./cron-fields.ts";
import { fireTimes, parseSchedule, type Timing } from "./timing.ts";
import { zoneOf } from "./zone.ts";

/** Fire times with the zone's own offset, notes on what may surprise, and the clock changes of the next year. */
export interface Preview {
  next: string[];
  notes: string[];
  clockChanges: ClockChangeNote[];
}

interface ClockChangeNote {
  /** When the clock changes. */
  at: string;
  /** Minutes that it goes forward, or back when below 0. */
  minutes: number;
  /** Its effect on the schedule. */
  effect: string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

export function preview(timing: Timing, after: Date, count: number): Preview {
  const next = fireTimes(timing, after, new Date(8.64e15), count);
  return {
    next: next.map((time) => withOffset(time, timing.timezone)),
    notes: notesOf(timing, after),
    clockChanges: clockChanges(timing, after),
  };
}

/** An instant as the zone's clocks show it, `2026-03-29T03:00:00+02:00`. */
function withOffset(time: Date, timezone: string): string {
  const offset = zoneOf(timezone).offset(time.getTime());
  const minutes = Math.round(Math.abs(offset) / MINUTE);
  const wall = new Date(time.getTime() + offset).toISOString().replace(/(?:\.000)?Z$/, "");
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `${wall}${offset < 0 ? "-" : "+"}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}

function notesOf(timing: Timing, after: Date): string[] {
  const schedule = parseSchedule(timing.schedule);
  const notes: string[] = [];
  if (schedule.kind === "rate") {
    const days = schedule.everySeconds / 86_400;
    if (Number.isInteger(days)) notes.push("Elapsed days of 24 hours: the local time shifts when the clock changes.");
  }
  const hasRule = (timing.skippedTime ?? timing.repeatedTime) !== undefined;
  if (hasRule && (schedule.kind === "rate" || schedule.kind === "solar")) {
    notes.push("It follows no clock of its zone: skippedTime and repeatedTime change nothing.");
  }
  if (schedule.kind === "at") {
    const [first] = fireTimes(timing, new Date(0), new Date(8.64e15), 1);
    const twice = first && isRepeated(first, timing.timezone);
    if (twice) notes.push("The clock shows this time twice: it fires the first time.");
  }
  if (schedule.kind !== "cron") return notes;
  const { minutes, hours, days } = schedule.fields;
  if (minutes.length === 60 && hours.length < 24) {
    const [hour = 0] = hours;
    notes.push(
      `It fires 60 times an hour, each minute from ${String(hour).padStart(2, "0")}:00. Give a minute if once is meant.`,
    );
  }
  if (days.kind === "both" && days.dates.length < 31 && days.weekdays.length < 7) {
    notes.push("Both day fields must hold: the day of the month and the day of the week.");
  }
  if (days.kind === "either") notes.push("Either day field is enough: the day of the month, or the day of the week.");
  if (days.kind === "dates" || days.kind === "both" || days.kind === "either") {
    const gaps = new Set(days.dates.slice(1).map((date, index) => date - (days.dates[index] ?? 0)));
    const [gap = 0] = gaps;
    if (days.dates.length > 2 && days.dates.length < 31 && gaps.size === 1 && gap > 1) {
      notes.push(`Every ${gap} days, counted anew from the 1st of each month. rate(${gap} days) counts on.`);
    }
    const isLate = days.dates.length > 0 && days.dates.every((date) => date > 28);
    const lacks = schedule.fields.months.some(
      (month) => matchingDays(days, after.getUTCFullYear(), month).length === 0,
    );
    if (isLate && lacks) notes.push("Months without that day are passed over.");
  }
  return notes;
}

function isRepeated(time: Date, timezone: string): boolean {
  const instant = time.getTime();
  return zoneOf(timezone)
    .changes(instant, instant + 24 * HOUR)
    .some(({ at, before, after }) => after < before && instant >= at - (before - after) && instant < at);
}

function clockChanges(timing: Timing, from: Date): ClockChangeNote[] {
  if (parseSchedule(timing.schedule).kind !== "cron") return [];
  const { skippedTime = "skip", repeatedTime = "once" } = timing;
  return zoneOf(timing.timezone)
    .changes(from.getTime(), from.getTime() + YEAR)
    .map((change) => {
      const size = change.after - change.before;
      const minutes = size / MINUTE;
      const at = withOffset(new Date(change.at), timing.timezone);
      if (size > 0) {
        // In UTC there is no gap: times of its own clock that the zone leaves out.
        const utc = { ...timing, timezone: "UTC" };
        const gapStart = change.at + change.before;
        const { start: _, end: __, ...plain } = utc;
        const lost = fireTimes(plain, new Date(gapStart - 1), new Date(gapStart + size - 1), 1000).length;
        const ran =
          skippedTime === "skip"
            ? counted(lost, "is skipped", "are skipped")
            : counted(lost, "comes at this moment", "become one, at this moment");
        return { at, minutes, effect: lost === 0 ? "none" : ran };
      }
      const first = fireTimes(timing, new Date(change.at + size - 1), new Date(change.at - 1), 1000).length;
      const often = repeatedTime === "once" ? "once" : "twice";
      const twice = counted(first, "comes twice, and fires", "come twice, and fire");
      return { at, minutes, effect: first === 0 ? "none" : `${twice} ${often}` };
    });
}

/** `1 fire time is skipped`, `6 fire times are skipped`. */
function counted(count: number, ofOne: string, ofMany: string): string {
  return count === 1 ? `1 fire time ${ofOne}` : `${count} fire times ${ofMany}`;
}
