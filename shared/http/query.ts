/** What stands in a query, or as text in a body, read strictly: what is not exactly of its form is refused, with what is accepted. */

import { InvalidOptionError } from "../errors.ts";
import { isId } from "../message/id.ts";
import { isTag } from "../message/labels.ts";

const ISO_DATE = /^\d{4}-\d\d-\d\d$/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * The fields of a query, each given once.
 * @param known its fields; another one is refused, for a mistyped filter would be ignored in silence
 * @throws InvalidOptionError
 */
export function toQuery(url: string, known: readonly string[]): Record<string, string> {
  const query = new URL(url).searchParams;
  for (const name of query.keys()) {
    if (!known.includes(name)) throw new InvalidOptionError(name.slice(0, 80), undefined, `one of ${known.join(", ")}`);
    const values = query.getAll(name);
    if (values.length > 1) throw new InvalidOptionError(name, values.join(",").slice(0, 80), "one value");
  }
  return Object.fromEntries(query);
}

/** @throws InvalidOptionError for what is no time, or has no zone */
export function toDate(name: string, text: string): Date {
  const time = ISO_DATE.test(text) || ISO_TIME.test(text) ? new Date(text) : new Date(Number.NaN);
  // What JavaScript would move on, such as 30 February, is no date.
  const isReal =
    time.getTime() >= 0 && new Date(`${text.slice(0, 10)}T00:00Z`).toISOString().startsWith(text.slice(0, 10));
  if (!isReal) {
    const expected =
      "an ISO-8601 date, or time with its zone, such as 2026-11-22T08:00:00Z (in a URL, '+' is written %2B)";
    throw new InvalidOptionError(name, text.slice(0, 80), expected);
  }
  return time;
}

/** @throws InvalidOptionError for what is no number within these bounds, as JSON writes numbers */
export function toNumber(
  name: string,
  text: string,
  { least, most, whole = false }: { least: number; most: number; whole?: boolean },
): number {
  const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most && (!whole || Number.isSafeInteger(number)))) {
    throw new InvalidOptionError(name, text.slice(0, 80), `a ${whole ? "whole " : ""}number from ${least} to ${most}`);
  }
  return number;
}

/** @throws InvalidOptionError for what is no id */
export function toId(name: string, text: string): string {
  if (!isId(text)) throw new InvalidOptionError(name, text.slice(0, 80), "the id of a task");
  return text;
}

/** @throws InvalidOptionError */
export function toTag(name: string, text: string): string {
  const valid: boolean = isTag(text);
  if (!valid) throw new InvalidOptionError(name, text.slice(0, 80), "1 to 128 characters");
  return text;
}
