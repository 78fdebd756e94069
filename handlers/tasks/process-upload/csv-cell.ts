/**
 * What one CSV cell means. Each function reads the cell in place, from `start` to `end` of a larger text, because a
 * substring for each of some hundred million cells would cost more than all the arithmetic. `NaN` means "it is none".
 */

const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;

/** Digits that a double always holds exactly; more go the slow, correctly rounding way. */
const EXACT_DIGITS = 15;
const MAX_NUMBER_CHARS = 40;
const MAX_DATE_CHARS = 40;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const DECIMAL = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A whole number of at most 15 digits. `007` is none: the zeros of an identifier carry meaning. */
export function parseInteger(text: string, start: number, end: number): number {
  let i = start;
  const sign = text.charCodeAt(i);
  if (sign === MINUS || sign === PLUS) i += 1;
  const digits = end - i;
  if (digits < 1 || digits > EXACT_DIGITS) return Number.NaN;
  if (digits > 1 && text.charCodeAt(i) === ZERO) return Number.NaN;
  let value = 0;
  for (; i < end; i += 1) {
    const code = text.charCodeAt(i);
    if (code < ZERO || code > NINE) return Number.NaN;
    value = value * 10 + (code - ZERO);
  }
  // Subtracted, not negated: `-0` would not survive JSON.
  return sign === MINUS ? 0 - value : value;
}

/** Any other finite decimal number, with a point and perhaps an exponent. */
export function parseDecimal(text: string, start: number, end: number): number {
  const first = text.charCodeAt(start);
  if (first > NINE || first < PLUS || end - start > MAX_NUMBER_CHARS) return Number.NaN;
  const quick = parsePlainDecimal(text, start, end);
  if (!Number.isNaN(quick)) return quick;
  const cell = text.slice(start, end);
  if (!DECIMAL.test(cell)) return Number.NaN;
  const value = Number(cell);
  return Number.isFinite(value) ? value + 0 : Number.NaN;
}

/** `12.5` by integer arithmetic: one division of two exact doubles rounds as correctly as `Number` does. */
function parsePlainDecimal(text: string, start: number, end: number): number {
  let i = start;
  const sign = text.charCodeAt(i);
  if (sign === MINUS || sign === PLUS) i += 1;
  if (end - i > EXACT_DIGITS + 1 || (text.charCodeAt(i) === ZERO && text.charCodeAt(i + 1) !== POINT)) {
    return Number.NaN;
  }
  let value = 0;
  let point = -1;
  for (; i < end; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= ZERO && code <= NINE) value = value * 10 + (code - ZERO);
    else if (code === POINT && point < 0) point = i;
    else return Number.NaN;
  }
  if (point < 0 || end - start < 3) return Number.NaN;
  value /= POWERS_OF_TEN[end - point - 1] ?? Number.NaN;
  return sign === MINUS ? 0 - value : value;
}

const BOOLEANS: ReadonlySet<string> = new Set(["true", "false", "yes", "no"]);

/** `true`, `false`, `yes` or `no` in any case. */
export function isBoolean(text: string, start: number, end: number): boolean {
  return end - start <= 5 && BOOLEANS.has(text.slice(start, end).toLowerCase());
}

const DAY = /^(\d{4})-(\d\d)-(\d\d)/;
const TIME = /^[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)? ?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))?$/;

/** Epoch milliseconds of an ISO 8601 date, with or without a time; a time without a zone is taken as UTC. */
export function parseDate(text: string, start: number, end: number): number {
  const length = end - start;
  if (length < 10 || length > MAX_DATE_CHARS || text.charCodeAt(start + 4) !== MINUS) return Number.NaN;
  const cell = text.slice(start, end);
  const day = DAY.exec(cell);
  if (day === null) return Number.NaN;
  const year = Number(day[1]);
  const month = Number(day[2]) - 1;
  const midnight = Date.UTC(year, month, Number(day[3]));
  // `Date.UTC` takes 31 February for 2 March, and the years 0 to 99 for 1900 to 1999.
  const date = new Date(midnight);
  if (date.getUTCMonth() !== month || date.getUTCFullYear() !== year) return Number.NaN;
  if (length === 10) return midnight;
  const time = TIME.exec(cell.slice(10));
  if (time === null) return Number.NaN;
  const [, hours, minutes, seconds = "0", fraction = "0", zone, zoneHours, zoneMinutes] = time;
  const offset = zone === undefined ? 0 : Number(`${zone}1`) * (Number(zoneHours) * 60 + Number(zoneMinutes));
  const sinceMidnight = (Number(hours) * 60 + Number(minutes) - offset) * 60 + Number(seconds);
  return midnight + sinceMidnight * 1_000 + Number(`0.${fraction}`) * 1_000;
}
