/** Values in a query, or texts in a body, read strictly: a value that is not exactly of its form is refused, with the form that is. */

import { InvalidOptionError, UnknownOptionError } from "../errors.ts";
import { idTime, isId } from "../message/id.ts";
import { isTag } from "../message/labels.ts";
import { readTime, TIME_EXPECTED } from "../message/time.ts";
import { STATES, type TaskState } from "../results/record.ts";
import { readSearch, SEARCHED_FIELDS, type Term } from "../search.ts";
import { type CallId, queryFields } from "./routes.ts";

/**
 * The fields of a query, each given once.
 * @param id the call, whose declaration has the fields; another one is refused, for a mistyped filter would be ignored in silence
 * @throws InvalidOptionError
 */
export function toQuery(url: string, id: CallId): Record<string, string> {
  const known = queryFields(id);
  const query = new URL(url).searchParams;
  for (const name of query.keys()) {
    if (!known.includes(name)) throw new UnknownOptionError(name, known, "Query parameter");
    const values = query.getAll(name);
    if (values.length > 1) throw new InvalidOptionError(name, values.join(","), "one value");
  }
  return Object.fromEntries(query);
}

/** Reads a bound of a list: a time, or a date, which begins at midnight in UTC. @throws InvalidOptionError for what is neither */
export function toDate(name: string, text: string): Date {
  const time = readTime(text) ?? readTime(`${text}T00:00:00Z`);
  if (time === undefined) {
    throw new InvalidOptionError(name, text, `a date or ${TIME_EXPECTED}; in a URL write + as %2B`);
  }
  return time;
}

/** The bounds of a list. @throws InvalidOptionError for one that is no time, or a first that is after the last */
export function toPeriod(
  times: Readonly<Record<string, string>>,
  first: string,
  last: string,
): { from: Date | undefined; to: Date | undefined } {
  const bound = (name: string): Date | undefined => (times[name] === undefined ? undefined : toDate(name, times[name]));
  const [from, to] = [bound(first), bound(last)];
  if (from && to && from > to) throw new InvalidOptionError(first, from, `a time before '${last}'`);
  return { from, to };
}

/** @throws InvalidOptionError for what no list of ids has given */
export function toCursor(text: string): string {
  if (!isId(text) || idTime(text) === undefined) {
    throw new InvalidOptionError("cursor", text, "the 'cursor' of an earlier answer");
  }
  return text;
}

/** @param states that a list may be asked for @throws InvalidOptionError */
export function toState(text: string, states: readonly TaskState[] = STATES): TaskState {
  const state = states.find((name) => name === text);
  if (state === undefined) throw new InvalidOptionError("state", text, states.join(", "));
  return state;
}

/** Values in a filter that may hold several. */
const MAX_VALUES = 20;

/**
 * One value or several, with commas between them.
 * @param read checks one of them
 */
export function toSeveral<T>(name: string, text: string, read: (value: string) => T): T | T[] {
  const values = text.split(",");
  if (values.length > MAX_VALUES) throw new InvalidOptionError(name, text, `at most ${MAX_VALUES} values`);
  const [first, ...others] = values.map((value) => read(value));
  if (first === undefined) throw new InvalidOptionError(name, text, "a value");
  return others.length === 0 ? first : [first, ...others];
}

/** Longer ones are no search of a person. */
const MAX_SEARCH_CHARS = 1000;

/** The terms of a search of tasks. @throws InvalidOptionError for a field that there is not, or whose values only some may see */
export function toSearch(name: string, text: string): Term[] {
  if (text.length > MAX_SEARCH_CHARS)
    throw new InvalidOptionError(name, text, `at most ${MAX_SEARCH_CHARS} characters`);
  const { terms, unknown } = readSearch(text);
  const other = terms.find(({ field }) => field !== undefined && !SEARCHED_FIELDS.includes(field))?.field ?? unknown[0];
  if (other !== undefined)
    throw new InvalidOptionError(name, other, `words, or fields of ${SEARCHED_FIELDS.join(", ")}`);
  return terms;
}

/** @throws InvalidOptionError for what is no number within these bounds, as JSON writes numbers */
export function toNumber(
  name: string,
  text: string,
  { least, most, whole = false }: { least: number; most: number; whole?: boolean },
): number {
  const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most && (!whole || Number.isSafeInteger(number)))) {
    throw new InvalidOptionError(name, text, `a ${whole ? "whole " : ""}number from ${least} to ${most}`);
  }
  return number;
}

/** @throws InvalidOptionError for what is no id */
export function toId(name: string, text: string): string {
  if (!isId(text)) throw new InvalidOptionError(name, text, "the id of a task");
  return text;
}

/** @throws InvalidOptionError */
export function toTag(name: string, text: string): string {
  const valid: boolean = isTag(text);
  if (!valid) throw new InvalidOptionError(name, text, "1 to 128 characters");
  return text;
}
