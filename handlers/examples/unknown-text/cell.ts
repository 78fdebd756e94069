import { regexes } from "zod";

/** The value of one CSV cell, without the white space around it; `undefined` if the cell has none of this kind. */

/** `true`, `false`, `yes` or `no` in any case. */
export const BOOLEAN = /^(?:true|false|yes|no)$/i;
/** A whole number. `007` is none: the zeros of an identifier carry meaning. */
export const INTEGER = /^[+-]?(?:0|[1-9]\d{0,37})$/;
const DECIMAL = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const MAX_NUMBER_CHARS = 40;
const TIME = /^[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?) ?(?:Z|([+-](?:[01]\d|2[0-3])):?([0-5]\d))?$/;

/** A finite decimal number, with or without a point and an exponent. */
export function parseNumber(cell: string): number | undefined {
  if (cell.length > MAX_NUMBER_CHARS || !DECIMAL.test(cell)) return undefined;
  // `-0` would not survive JSON.
  const value = Number(cell) + 0;
  return Number.isFinite(value) ? value : undefined;
}

/** The sign of `a - b`, two numbers as cells write them, to the last digit: doubles end at the seventeenth. */
export function compareNumbers(a: string, b: string): number {
  const [x, y] = [digitsOf(a), digitsOf(b)];
  const least = x.exponent < y.exponent ? x.exponent : y.exponent;
  const difference = x.digits * 10n ** (x.exponent - least) - y.digits * 10n ** (y.exponent - least);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** `1.50e3` is 150 × 10^1. */
function digitsOf(cell: string): { digits: bigint; exponent: bigint } {
  const [mantissa = "", exponent = "0"] = cell.replaceAll("+", "").toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(`${whole}${fraction}`), exponent: BigInt(exponent) - BigInt(fraction.length) };
}

/** Epoch milliseconds of an ISO 8601 date, with or without a time; a time without a zone is taken as UTC. */
export function parseDate(cell: string): number | undefined {
  const day = cell.slice(0, 10);
  // Nothing was noted in the first century: such a year was cut short.
  if (!regexes.date.test(day) || day < "0100") return undefined;
  if (cell === day) return Date.parse(day);
  const [, clock, hours = "+00", minutes = "00"] = TIME.exec(cell.slice(10)) ?? [];
  return clock === undefined ? undefined : Date.parse(`${day}T${clock}${hours}:${minutes}`);
}
