/**
 * The fields of an AWS cron expression: text to values, and which days of a month a day rule means. No clock, no zone.
 *
 * AWS's cron is Quartz's without seconds, not Unix's: 1 is SUN, one of the two day fields is `?`, `20-2` wraps round
 * midnight, `L`, `W` and `#` stand alone in their field.
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
 */

import { InvalidScheduleError } from "../errors.ts";

/** Which days of a month a cron expression means: what its day-of-month or its day-of-week says. Weekday 1 is SUN. */
export type DayRule =
  | { readonly kind: "dates"; readonly dates: readonly number[] }
  | { readonly kind: "beforeLast"; readonly days: number }
  | { readonly kind: "nearestWeekday"; readonly date: number | "last" }
  | { readonly kind: "weekdays"; readonly weekdays: readonly number[] }
  | { readonly kind: "nthWeekday"; readonly weekday: number; readonly nth: number }
  | { readonly kind: "lastWeekday"; readonly weekday: number }
  /** Two fields of which both must hold, or either: what AWS's cron cannot say. */
  | { readonly kind: "both" | "either"; readonly dates: readonly number[]; readonly weekdays: readonly number[] };

/** The values of a cron expression, each list in ascending order. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: readonly number[];
  readonly years: readonly number[];
  readonly days: DayRule;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The accepted values, for an error's sentence. */
  readonly expected: string;
  /** Names of the values, the first for `min`. */
  readonly names: readonly string[];
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTE: Field = { name: "minute", min: 0, max: 59, expected: "0-59", names: [] };
const HOUR: Field = { name: "hour", min: 0, max: 23, expected: "0-23", names: [] };
const DATE: Field = {
  name: "day-of-month",
  min: 1,
  max: 31,
  expected: "1-31, or one of L, L-1 to L-30, LW, 1W to 31W and ? alone",
  names: [],
};
const MONTH: Field = { name: "month", min: 1, max: 12, expected: "1-12 or JAN-DEC", names: MONTHS };
const WEEKDAY: Field = {
  name: "day-of-week",
  min: 1,
  max: 7,
  expected: "1-7 (1 is SUN) or SUN-SAT without '/', or one of L, 6L, 3#2 and ? alone",
  names: WEEKDAYS,
};
const YEAR: Field = { name: "year", min: 1970, max: 2199, expected: "1970-2199", names: [] };

/** Every year that a cron expression may name. */
export const YEARS: readonly number[] = Array.from({ length: YEAR.max - YEAR.min + 1 }, (_, index) => YEAR.min + index);

/** `*`, `5`, `5-9` or `FRI-MON`, each with or without `/3`. Every quantifier is bounded: no input makes it slow. */
const PART = /^(?:\*|([A-Z]{3}|\d{1,4})(?:-([A-Z]{3}|\d{1,4}))?)(?:\/(\d{1,4}))?$/;

/**
 * Reads what stands between the brackets of `cron(…)`. The year may be left out, as the Scheduler's guide allows.
 * @param schedule the whole expression, for the error
 * @throws InvalidScheduleError
 */
export function parseCronFields(text: string, schedule: string): CronFields {
  const fields = text.split(/[ \t]+/);
  // Stryker disable next-line StringLiteral: an expression that lacks one of the first five is refused.
  const [minutes = "", hours = "", date = "", months = "", weekday = "", years = "*"] = fields;
  if (fields.length < 5 || fields.length > 6) {
    throw new InvalidScheduleError(
      `schedule '${schedule}' with ${text === "" ? 0 : fields.length} fields`,
      "cron(minutes hours day-of-month month day-of-week year)",
    );
  }
  if ((date === "?") === (weekday === "?")) {
    throw new InvalidScheduleError(
      `day-of-month '${date}' with day-of-week '${weekday}' in schedule '${schedule}'`,
      "'?' in exactly one of the two, because AWS cron cannot combine them",
    );
  }
  return {
    minutes: parseValues(MINUTE, minutes, schedule),
    hours: parseValues(HOUR, hours, schedule),
    months: parseValues(MONTH, months, schedule),
    years: parseValues(YEAR, years, schedule),
    days: weekday === "?" ? parseDates(date, schedule) : parseWeekdays(weekday, schedule),
  };
}

/** The days of a month that a rule means, in ascending order. @param month 1-12 */
export function matchingDays(rule: DayRule, year: number, month: number): readonly number[] {
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const first = new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 1;
  const weekdayOf = (day: number): number => ((first + day - 2) % 7) + 1;
  switch (rule.kind) {
    case "dates":
      return rule.dates.filter((date) => date <= last);
    case "beforeLast":
      return rule.days < last ? [last - rule.days] : [];
    case "nearestWeekday": {
      const date = rule.date === "last" ? last : rule.date;
      if (date > last) return [];
      // The nearest weekday of the same month: it never jumps into the month before or after.
      if (weekdayOf(date) === 7) return [date === 1 ? 3 : date - 1];
      if (weekdayOf(date) === 1) return [date === last ? date - 2 : date + 1];
      return [date];
    }
    case "weekdays":
      return Array.from({ length: last }, (_, index) => index + 1).filter((day) =>
        rule.weekdays.includes(weekdayOf(day)),
      );
    case "nthWeekday": {
      const day = 1 + ((rule.weekday - first + 7) % 7) + 7 * (rule.nth - 1);
      return day <= last ? [day] : [];
    }
    case "both":
    case "either":
      return Array.from({ length: last }, (_, index) => index + 1).filter((day) => {
        const [isDate, isWeekday] = [rule.dates.includes(day), rule.weekdays.includes(weekdayOf(day))];
        return rule.kind === "both" ? isDate && isWeekday : isDate || isWeekday;
      });
    case "lastWeekday":
      return [last - ((weekdayOf(last) - rule.weekday + 7) % 7)];
  }
}

/** Every `step`-th value from `from` to `to`, wrapping round after `min + span - 1` when `to` is below `from`. */
export function expandRange(
  from: number,
  to: number,
  step: number,
  { min, span }: { min: number; span: number },
): number[] {
  const values: number[] = [];
  for (let value = from; value <= (to < from ? to + span : to); value += step) {
    values.push(min + ((value - min) % span));
  }
  return values;
}

function parseDates(text: string, schedule: string): DayRule {
  if (text === "L") return { kind: "beforeLast", days: 0 };
  if (text === "LW") return { kind: "nearestWeekday", date: "last" };
  // `L-n` is in no AWS document, but AWS's support confirms it as intended: https://zenn.dev/kz23szk/articles/d52df8b1614fb6
  const beforeLast = /^L-(\d{1,2})$/.exec(text)?.[1];
  if (beforeLast !== undefined) {
    const days = Number(beforeLast);
    if (days < 1 || days > 30) throw refuse(DATE, text, schedule);
    return { kind: "beforeLast", days };
  }
  const nearest = /^(\d{1,2})W$/.exec(text)?.[1];
  if (nearest !== undefined) return { kind: "nearestWeekday", date: parseValue(DATE, nearest, text, schedule) };
  return { kind: "dates", dates: parseValues(DATE, text, schedule) };
}

function parseWeekdays(text: string, schedule: string): DayRule {
  // "The last day of the week": with 1 for SUN that is SAT.
  if (text === "L") return { kind: "weekdays", weekdays: [7] };
  const last = /^([A-Z]{3}|\d)L$/.exec(text)?.[1];
  if (last !== undefined) return { kind: "lastWeekday", weekday: parseValue(WEEKDAY, last, text, schedule) };
  const [, weekday, nth] = /^([A-Z]{3}|\d)#([1-5])$/.exec(text) ?? [];
  if (weekday !== undefined) {
    return { kind: "nthWeekday", weekday: parseValue(WEEKDAY, weekday, text, schedule), nth: Number(nth) };
  }
  // AWS's table gives day-of-week every wildcard but '/'.
  if (text.includes("/")) throw refuse(WEEKDAY, text, schedule);
  return { kind: "weekdays", weekdays: parseValues(WEEKDAY, text, schedule) };
}

function parseValues(field: Field, text: string, schedule: string): readonly number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = PART.exec(part);
    if (match === null) throw refuse(field, part, schedule);
    const [, first, second, stride] = match;
    const step = stride === undefined ? 1 : Number(stride);
    if (step === 0) {
      throw new InvalidScheduleError(`${field.name} '${part}' in schedule '${schedule}'`, "1 or more after '/'");
    }
    const from = first === undefined ? field.min : parseValue(field, first, part, schedule);
    // `5/10` runs to the end of the field; `5` alone is one value.
    const end = first === undefined || stride !== undefined ? field.max : from;
    const to = second === undefined ? end : parseValue(field, second, part, schedule);
    if (to < from && field === YEAR) throw refuse(field, part, schedule);
    for (const value of expandRange(from, to, step, { min: field.min, span: field.max - field.min + 1 }))
      values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function parseValue(field: Field, token: string, part: string, schedule: string): number {
  const index = field.names.indexOf(token);
  const value = index === -1 ? Number(token) : field.min + index;
  if (!(value >= field.min && value <= field.max)) throw refuse(field, part, schedule);
  return value;
}

function refuse(field: Field, part: string, schedule: string): InvalidScheduleError {
  return new InvalidScheduleError(`${field.name} '${part}' in schedule '${schedule}'`, field.expected);
}
