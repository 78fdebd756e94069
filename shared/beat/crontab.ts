/**
 * Celery's schedules, written as AWS expressions: `crontab({ hour: 8, minute: 0 })` is `cron(0 8 * * ? *)`.
 *
 * The two grammars look alike and differ: Celery counts SUN as 0 and AWS as 1, only Celery has `/` for weekdays, and
 * only AWS wants a `?`. So every field is expanded to its values here and written down as plain lists and ranges.
 * @see https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules.crontab
 */

import { InvalidScheduleError } from "../errors.ts";
import { expandRange } from "./cron-fields.ts";

/** One value, several, or Celery's grammar: `*`, `8`, `8-17`, `8-17/2`, `fri-mon`, a step after `*`, and lists of these. */
type CrontabField = number | string | readonly number[];

/** The fields of Celery's `crontab`, in camelCase. */
export interface CrontabOptions {
  /** 0-59. @defaultValue `"*"` */
  readonly minute?: CrontabField;
  /** 0-23. @defaultValue `"*"` */
  readonly hour?: CrontabField;
  /** 0-6 or a name; Sunday is 0 or 7. @defaultValue `"*"` */
  readonly dayOfWeek?: CrontabField;
  /** 1-31. @defaultValue `"*"` */
  readonly dayOfMonth?: CrontabField;
  /** 1-12 or a name. @defaultValue `"*"` */
  readonly monthOfYear?: CrontabField;
}

/** How long {@link every} waits between two runs: one unit only. */
export type Interval =
  | { readonly minutes: number; readonly hours?: never; readonly days?: never }
  | { readonly hours: number; readonly minutes?: never; readonly days?: never }
  | { readonly days: number; readonly minutes?: never; readonly hours?: never };

interface Field {
  readonly name: keyof CrontabOptions;
  readonly min: number;
  readonly span: number;
  /** The highest number that may be written: a week has 7 days, but Sunday may be written as 7 too. */
  readonly max: number;
  readonly expected: string;
  /** Full names of the values, the first for `min`; three letters are enough. */
  readonly names: readonly string[];
}

const MONTHS = "january february march april may june july august september october november december".split(" ");
const WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday".split(" ");

const MINUTE: Field = { name: "minute", min: 0, span: 60, max: 59, expected: "0-59", names: [] };
const HOUR: Field = { name: "hour", min: 0, span: 24, max: 23, expected: "0-23", names: [] };
const DATE: Field = { name: "dayOfMonth", min: 1, span: 31, max: 31, expected: "1-31", names: [] };
const MONTH: Field = { name: "monthOfYear", min: 1, span: 12, max: 12, expected: "1-12 or jan-dec", names: MONTHS };
const WEEKDAY: Field = {
  name: "dayOfWeek",
  min: 0,
  span: 7,
  max: 7,
  expected: "0-7 (0 and 7 are Sunday) or sun-sat",
  names: WEEKDAYS,
};
const FIELDS: readonly string[] = [MINUTE, HOUR, DATE, MONTH, WEEKDAY].map((field) => field.name);

/** Celery's expression: `*`, a value or a range, with a step only after `*` or a range. */
const PART = /^(?:\*|([a-z]+|\d{1,2})(?:-([a-z]+|\d{1,2}))?)(?:\/(\d{1,4}))?$/i;

/**
 * The AWS cron expression that fires when Celery's `crontab` with the same fields does. A field left out means each of
 * its values, as in Celery: `crontab({ hour: 8 })` fires at every minute from 8:00 to 8:59.
 * @throws InvalidScheduleError for a bad field, and for a day of the week together with a day of the month
 * @example crontab({ hour: 8, minute: 0, dayOfWeek: "mon-fri" }) // "cron(0 8 ? * 2-6 *)"
 */
export function crontab(options: CrontabOptions = {}): string {
  // A misspelt field would mean "every", and fire far too often.
  const unknown = Object.keys(options).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new InvalidScheduleError(`field '${unknown}' in ${written(options)}`, `one of ${FIELDS.join(", ")}`);
  }
  const minutes = expand(MINUTE, options);
  const hours = expand(HOUR, options);
  const dates = expand(DATE, options);
  const months = expand(MONTH, options);
  const weekdays = expand(WEEKDAY, options);

  if (dates.length < DATE.span && weekdays.length < WEEKDAY.span) {
    throw new InvalidScheduleError(
      `dayOfMonth '${options.dayOfMonth}' with dayOfWeek '${options.dayOfWeek}' in ${written(options)}`,
      "only one of the two, because AWS cron cannot demand both as Celery does. Use cron(… ? * 2#1 *) for " +
        "'the first Monday', or schedule one of the two and return early from the task on other days",
    );
  }
  const time = `${write(minutes, MINUTE)} ${write(hours, HOUR)}`;
  const month = write(months, MONTH);
  if (weekdays.length === WEEKDAY.span) return `cron(${time} ${write(dates, DATE)} ${month} ? *)`;
  // Celery counts weekdays from 0, AWS from 1; both begin with Sunday.
  const awsWeekdays = weekdays.map((day) => day + 1);
  return `cron(${time} ? ${month} ${write(awsWeekdays, WEEKDAY)} *)`;
}

/**
 * The AWS rate expression for an interval, counted from the creation of its schedule.
 * @throws InvalidScheduleError for less than a minute: EventBridge has a precision of 60 seconds
 * @example every({ hours: 2 }) // "rate(2 hours)"
 */
export function every(interval: Interval): string {
  const [[unit, value] = ["", 0], ...rest] = Object.entries(interval);
  const known = unit === "minutes" || unit === "hours" || unit === "days";
  if (rest.length > 0 || !known || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidScheduleError(
      `interval in every(${JSON.stringify(interval)})`,
      "one of minutes, hours and days as a whole number of 1 or more, because EventBridge has a precision of 60 seconds. " +
        "For less, let the task send itself again with a countdown",
    );
  }
  return `rate(${value} ${value === 1 ? unit.slice(0, -1) : unit})`;
}

/** The values that a field means, in ascending order; Sunday is 0. */
function expand(field: Field, options: CrontabOptions): readonly number[] {
  const spec = options[field.name] ?? "*";
  const parts = Array.isArray(spec) ? spec.map(String) : String(spec).split(",");
  if (parts.length === 0) throw refuse(field, "[]", options);
  const values = new Set(parts.flatMap((part) => expandPart(field, part.trim(), options)));
  return [...values].sort((a, b) => a - b);
}

function expandPart(field: Field, part: string, options: CrontabOptions): readonly number[] {
  const match = PART.exec(part);
  if (match === null) throw refuse(field, part, options);
  const [, first, second, stride] = match;
  // Celery has no `5/10`; to read it as AWS's "from 5 on" or as "5 alone" would both be a guess.
  if (stride !== undefined && first !== undefined && second === undefined) {
    throw new InvalidScheduleError(
      `${field.name} '${part}' in ${written(options)}`,
      `a step only after '*' or a range, such as '${first}-${field.min + field.span - 1}/${stride}'`,
    );
  }
  const step = stride === undefined ? 1 : Number(stride);
  if (step === 0)
    throw new InvalidScheduleError(`${field.name} '${part}' in ${written(options)}`, "1 or more after '/'");
  if (first === undefined) return expandRange(field.min, field.min + field.span - 1, step, field);
  const from = parseValue(field, first, part, options);
  const to = second === undefined ? from : parseValue(field, second, part, options);
  return expandRange(from, to, step, field);
}

function parseValue(field: Field, token: string, part: string, options: CrontabOptions): number {
  const word = token.toLowerCase();
  const index = field.names.findIndex((name) => word === name || word === name.slice(0, 3));
  const value = index === -1 ? Number(token) : field.min + index;
  if (!(value >= field.min && value <= field.max)) throw refuse(field, part, options);
  return value;
}

/** Writes values as AWS reads them: `*` for all of them, `2-6` for three or more in a row, else one by one. */
function write(values: readonly number[], field: Field): string {
  if (values.length === field.span) return "*";
  const runs: { first: number; last: number }[] = [];
  for (const value of values) {
    const run = runs.at(-1);
    if (run?.last === value - 1) run.last = value;
    else runs.push({ first: value, last: value });
  }
  return runs
    .map(({ first, last }) => {
      if (first === last) return `${first}`;
      return last === first + 1 ? `${first},${last}` : `${first}-${last}`;
    })
    .join(",");
}

function written(options: CrontabOptions): string {
  return `crontab(${JSON.stringify(options)})`;
}

function refuse(field: Field, part: string, options: CrontabOptions): InvalidScheduleError {
  return new InvalidScheduleError(`${field.name} '${part}' in ${written(options)}`, field.expected);
}
