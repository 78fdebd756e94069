/**
 * Celery's schedules, written as AWS expressions: `crontab({ hour: 8, minute: 0 })` is `cron(0 8 * * ? *)`.
 *
 * The two grammars look alike and differ: Celery counts SUN as 0 and AWS as 1, only Celery has `/` for weekdays, and
 * only AWS wants a `?`. So every field is expanded to its values here and written down as plain lists and ranges.
 * @see https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules.crontab
 */

import { InvalidScheduleError } from "../errors.ts";
import { type CronFields, expandRange, YEARS } from "./cron-fields.ts";

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
  | { readonly seconds: number; readonly minutes?: never; readonly hours?: never; readonly days?: never }
  | { readonly minutes: number; readonly seconds?: never; readonly hours?: never; readonly days?: never }
  | { readonly hours: number; readonly seconds?: never; readonly minutes?: never; readonly days?: never }
  | { readonly days: number; readonly seconds?: never; readonly minutes?: never; readonly hours?: never };

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
 * The schedule that fires when Celery's `crontab` with the same fields does: AWS's `cron(…)` where that can say it, and `crontab(…)`
 * where both day fields are given, which must then both hold. A field left out means each of its values, as in Celery:
 * `crontab({ hour: 8 })` fires sixty times, at every minute from 8:00 to 8:59.
 * @param options the fields, or Celery's string `minute hour day_of_month month_of_year day_of_week`
 * @throws InvalidScheduleError for a bad field
 * @example crontab({ hour: 8, minute: 0, dayOfWeek: "mon-fri" }) // "cron(0 8 ? * 2-6 *)"
 */
export function crontab(options: CrontabOptions | string = {}): string {
  const place = typeof options === "string" ? `crontab('${options}')` : `crontab(${JSON.stringify(options)})`;
  const { minutes, hours, dates, months, weekdays } = expandAll(
    typeof options === "string" ? fieldsOf(options, place) : options,
    place,
  );
  const time = `${write(minutes, MINUTE)} ${write(hours, HOUR)}`;
  const month = write(months, MONTH);
  if (weekdays.length === WEEKDAY.span) return `cron(${time} ${write(dates, DATE)} ${month} ? *)`;
  // Celery counts weekdays from 0, AWS from 1; both begin with Sunday.
  const awsWeekdays = write(
    weekdays.map((day) => day + 1),
    { ...WEEKDAY, min: 1 },
  );
  if (dates.length === DATE.span) return `cron(${time} ? ${month} ${awsWeekdays} *)`;
  return `crontab(${time} ${write(dates, DATE)} ${month} ${write(weekdays, WEEKDAY)})`;
}

/**
 * Reads the fields of Celery's `crontab(…)` or of a unix cron string. Celery's day fields must both hold. In unix either one is enough, if
 * neither begins with a star; a field that does, such as `*` or a step after a star, must hold beside the other one.
 * @throws InvalidScheduleError
 */
export function parseCrontab(text: string, dialect: "celery" | "unix", schedule: string): CronFields {
  const place = `schedule '${schedule}'`;
  const options = fieldsOf(text, place);
  // Celery goes round the end of a field, unix does not: there, the range is empty or refused.
  const { minutes, hours, dates, months, weekdays } = expandAll(options, place, dialect === "celery");
  const awsWeekdays = weekdays.map((day) => day + 1);
  const isStar = (field: CrontabField = "*"): boolean => String(field).startsWith("*");
  const either = dialect === "unix" && !isStar(options.dayOfMonth) && !isStar(options.dayOfWeek);
  return {
    minutes,
    hours,
    months,
    years: YEARS,
    days: { kind: either ? "either" : "both", dates, weekdays: awsWeekdays },
  };
}

interface Values {
  minutes: readonly number[];
  hours: readonly number[];
  dates: readonly number[];
  months: readonly number[];
  weekdays: readonly number[];
}

function expandAll(options: CrontabOptions, place: string, mayWrap = true): Values {
  // A misspelt field would mean "every", and fire far too often.
  const unknown = Object.keys(options).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw new InvalidScheduleError(`field '${unknown}' in ${place}`, `one of ${FIELDS.join(", ")}`);
  }
  if (!mayWrap) refuseWraps(options, place);
  return {
    minutes: expand(MINUTE, options.minute, place),
    hours: expand(HOUR, options.hour, place),
    dates: expand(DATE, options.dayOfMonth, place),
    months: expand(MONTH, options.monthOfYear, place),
    weekdays: expand(WEEKDAY, options.dayOfWeek, place),
  };
}

function fieldsOf(text: string, place: string): CrontabOptions {
  const fields = text.trim().split(/[ \t]+/);
  const [minute, hour, dayOfMonth, monthOfYear, dayOfWeek] = fields;
  if (dayOfWeek === undefined || fields.length > 5) {
    throw new InvalidScheduleError(
      `${place} with ${text.trim() === "" ? 0 : fields.length} fields`,
      "minute, hour, day of the month, month and day of the week, separated by blanks",
    );
  }
  return {
    minute: minute ?? "*",
    hour: hour ?? "*",
    dayOfMonth: dayOfMonth ?? "*",
    monthOfYear: monthOfYear ?? "*",
    dayOfWeek,
  };
}

function refuseWraps(options: CrontabOptions, place: string): void {
  for (const field of [MINUTE, HOUR, DATE, MONTH, WEEKDAY]) {
    for (const part of String(options[field.name] ?? "*").split(",")) {
      const [, first, second] = PART.exec(part) ?? [];
      if (first === undefined || second === undefined) continue;
      if (parseValue(field, first, part, place) <= parseValue(field, second, part, place)) continue;
      throw new InvalidScheduleError(
        `${field.name} '${part}' in ${place}`,
        "a range that goes up, in a unix cron string",
      );
    }
  }
}

/**
 * The rate expression for an interval, in elapsed time: a change of the clock neither stretches nor halves it.
 * @throws InvalidScheduleError for less than a second
 * @example every({ hours: 2 }) // "rate(2 hours)"
 */
export function every(interval: Interval): string {
  const [[unit, value] = ["", 0], ...rest] = Object.entries(interval);
  const known = ["seconds", "minutes", "hours", "days"].includes(unit);
  if (rest.length > 0 || !known || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidScheduleError(
      `interval in every(${JSON.stringify(interval)})`,
      "one of seconds, minutes, hours and days as a whole number of 1 or more",
    );
  }
  return `rate(${value} ${value === 1 ? unit.slice(0, -1) : unit})`;
}

/** The values that a field means, in ascending order; Sunday is 0. */
function expand(field: Field, spec: CrontabField | undefined, place: string): readonly number[] {
  const parts = Array.isArray(spec) ? spec.map(String) : String(spec ?? "*").split(",");
  if (parts.length === 0) throw refuse(field, "[]", place);
  const values = new Set(parts.flatMap((part) => expandPart(field, part.trim(), place)));
  return [...values].sort((a, b) => a - b);
}

function expandPart(field: Field, part: string, place: string): readonly number[] {
  const match = PART.exec(part);
  if (match === null) throw refuse(field, part, place);
  const [, first, second, stride] = match;
  // Celery has no `5/10`; to read it as AWS's "from 5 on" or as "5 alone" would both be a guess.
  if (stride !== undefined && first !== undefined && second === undefined) {
    throw new InvalidScheduleError(
      `${field.name} '${part}' in ${place}`,
      `a step only after '*' or a range, such as '${first}-${field.min + field.span - 1}/${stride}'`,
    );
  }
  const step = stride === undefined ? 1 : Number(stride);
  if (step === 0) throw new InvalidScheduleError(`${field.name} '${part}' in ${place}`, "1 or more after '/'");
  if (first === undefined) return expandRange(field.min, field.min + field.span - 1, step, field);
  const from = parseValue(field, first, part, place);
  const to = second === undefined ? from : parseValue(field, second, part, place);
  return expandRange(from, to, step, field);
}

function parseValue(field: Field, token: string, part: string, place: string): number {
  const word = token.toLowerCase();
  const index = field.names.findIndex((name) => word === name || word === name.slice(0, 3));
  const value = index === -1 ? Number(token) : field.min + index;
  if (!(value >= field.min && value <= field.max)) throw refuse(field, part, place);
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

function refuse(field: Field, part: string, place: string): InvalidScheduleError {
  return new InvalidScheduleError(`${field.name} '${part}' in ${place}`, field.expected);
}
