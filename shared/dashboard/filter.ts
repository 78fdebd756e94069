/** The search of the tasks' page, divided between the service and the page. */

import type { TaskRecord } from "../results/record.ts";
import { type Field, fits, readSearch, type Term, writeSearch } from "../search.ts";
import { writeExact } from "./json.ts";
import { own } from "./own.ts";
import { pathOf } from "./path.ts";

/** A search with this value of a field in the place of others, or without the field; negated, with one value less. */
export function withTerm(text: string, field: Field, value: string | undefined, negated = false): string {
  const { terms } = readSearch(text);
  const others = negated ? terms : terms.filter((term) => term.field !== field);
  const added: Term[] = value === undefined ? [] : [{ field, values: [value], negated }];
  return writeSearch([...others, ...added]);
}

/** Fields that the service's list has a parameter for: the table itself tests them. */
const ASKED: readonly (Field | undefined)[] = ["state", "task", "queue", "tag", "root", "parent"];

export interface Search {
  /** The service's part, as fields of the query. */
  query: Record<string, string>;
  /** The page's part: undefined if there is none. It looks into payloads and results, which the service shows without their secrets. */
  keep: ((record: TaskRecord) => boolean) | undefined;
  /** Whether it names states that tasks are to be in. */
  hasStates: boolean;
}

/** Divides a search: the page looks into payloads and results, the service into all else. */
export function toSearch(terms: readonly Term[]): Search {
  const query: Record<string, string> = {};
  const [searched, own]: [Term[], Term[]] = [[], []];
  for (const term of terms) {
    const { field, values } = term;
    if (field === "payload" || field === "result") own.push(term);
    else if (field && ASKED.includes(field) && isAsked(term) && query[field] === undefined) {
      query[field] = field === "state" ? values.join(",").toUpperCase() : values.join(",");
    } else searched.push(term);
  }
  if (searched.length > 0) query.search = writeSearch(searched);
  return {
    query,
    keep: own.length === 0 ? undefined : (record) => own.every((term) => fits(term, valuesOf(record, term.field))),
    hasStates: terms.some(({ field, negated }) => field === "state" && !negated),
  };
}

/** Fields of which the service takes several values. */
const SEVERAL: readonly (Field | undefined)[] = ["state", "task", "queue"];
const MAX_VALUES = 20;

/** Whether a parameter can say it: with commas between values, so that none may have one itself. */
function isAsked({ field, values, negated }: Term): boolean {
  if (negated) return false;
  if (!SEVERAL.includes(field)) return values.length === 1;
  return values.length <= MAX_VALUES && values.every((value) => !value.includes(","));
}

function valuesOf({ payload, result }: TaskRecord, field: Field | undefined): string[] {
  if (field === "payload") return [writeExact(payload)];
  return result === undefined ? [] : [writeExact(result)];
}

/** Periods that the list may be of, by the word in the address; the service's own is a week. */
export const PERIODS: Readonly<Record<string, { title: string; seconds: number }>> = {
  "1h": { title: "last hour", seconds: 3600 },
  "1d": { title: "last day", seconds: 86_400 },
  "7d": { title: "last 7 days", seconds: 7 * 86_400 },
  "31d": { title: "last 31 days", seconds: 31 * 86_400 },
};
export const USUAL_PERIOD = "7d";

/** The ISO time at which a period begins. @param now milliseconds since 1970 */
export function startOf(period: string = USUAL_PERIOD, now: number): string {
  const { seconds } = own(PERIODS, period) ?? { seconds: 7 * 86_400 };
  return new Date(now - seconds * 1000).toISOString();
}

/** The call for a page of the list. @param more such as a cursor */
export function listPath(
  { query, keep }: Search,
  period: { from?: string; to?: string },
  more: Readonly<Record<string, string>> = {},
): string {
  return pathOf(["tasks"], { ...query, ...period, limit: "50", values: keep ? undefined : "false", ...more });
}
