/** The search of the tasks' page: Flower's grammar with negation, such as `state:FAILURE,RETRY -task:add customer`. */

import type { TaskRecord } from "../results/record.ts";
import { writeExact } from "./json.ts";

const FIELDS = [
  ...(["state", "task", "queue", "tag", "root", "parent", "id", "error", "payload", "result", "header"] as const),
] as const;
export type Field = (typeof FIELDS)[number];

export interface Term {
  /** Undefined: anywhere in id, task, tags or error. */
  field: Field | undefined;
  /** One of these. */
  values: readonly string[];
  negated: boolean;
}

/** Reads a search. Words hold quotes where a value has spaces: `error:"no such file"`. */
export function readFilter(text: string): { terms: Term[]; unknown: string[] } {
  const words = text.match(/-?(?:[^\s:"]+:)?(?:"[^"]*"?|[^\s"])+/g) ?? [];
  const unknown: string[] = [];
  const terms = words.flatMap((word): Term[] => {
    const negated = word.length > 1 && word.startsWith("-");
    const [, name, rest = ""] = /^(?:([A-Za-z]+):)?(.*)$/s.exec(negated ? word.slice(1) : word) ?? [];
    const field = FIELDS.find((one) => one === name?.toLowerCase());
    if (name !== undefined && field === undefined) {
      unknown.push(name);
      return [];
    }
    const values = field === undefined ? [unquoted(rest)] : rest.split(",").map(unquoted);
    const present = values.filter((value) => value !== "");
    return present.length === 0 ? [] : [{ field, values: present, negated }];
  });
  return { terms, unknown };
}

function unquoted(text: string): string {
  return text.replaceAll('"', "");
}

/** The text of a search. */
export function writeFilter(terms: readonly Term[]): string {
  return terms
    .map(({ field, values, negated }) => {
      const value = values.map((one) => (/[\s,]/.test(one) ? `"${one}"` : one)).join(",");
      return `${negated ? "-" : ""}${field === undefined ? "" : `${field}:`}${value}`;
    })
    .join(" ");
}

/** A search with this value of a field in the place of others, or without the field; negated, with one value less. */
export function withTerm(text: string, field: Field, value: string | undefined, negated = false): string {
  const { terms } = readFilter(text);
  const others = negated ? terms : terms.filter((term) => term.field !== field);
  const added: Term[] = value === undefined ? [] : [{ field, values: [value], negated }];
  return writeFilter([...others, ...added]);
}

/** Fields that the service itself filters by. */
const ASKED: Readonly<Partial<Record<Field, string>>> = {
  state: "state",
  task: "task",
  queue: "queue",
  tag: "tag",
  root: "root",
  parent: "parent",
};

export interface Search {
  /** The service's part, as fields of the query. */
  query: Record<string, string>;
  /** The page's part: undefined if there is none. */
  keep: ((record: TaskRecord) => boolean) | undefined;
  /** Whether the page's part looks into payloads or results. */
  needsValues: boolean;
  /** Whether it names states that tasks are to be in. */
  hasStates: boolean;
}

/** Divides a search between the service and the page. */
export function toSearch(terms: readonly Term[]): Search {
  const query: Record<string, string> = {};
  const rest: Term[] = [];
  for (const term of terms) {
    const asked = term.field && ASKED[term.field];
    if (asked && isAsked(term) && query[asked] === undefined) {
      const value = term.values.join(",");
      query[asked] = asked === "state" ? value.toUpperCase() : value;
    } else rest.push(term);
  }
  const needsValues = rest.some(({ field }) => field === "payload" || field === "result");
  return {
    query,
    keep: rest.length === 0 ? undefined : (record) => rest.every((term) => fits(record, term)),
    needsValues,
    hasStates: terms.some(({ field, negated }) => field === "state" && !negated),
  };
}

/** Fields of which the service takes several values. */
const SEVERAL: readonly (Field | undefined)[] = ["state", "task", "queue"];
const MAX_VALUES = 20;

/** Whether the service can say it: with commas between values, so that none may have one itself. */
function isAsked({ field, values, negated }: Term): boolean {
  if (negated) return false;
  if (!SEVERAL.includes(field)) return values.length === 1;
  return values.length <= MAX_VALUES && values.every((value) => !value.includes(","));
}

function fits(record: TaskRecord, { field, values, negated }: Term): boolean {
  const found = values.some((value) => textsOf(record, field).some((text) => matches(field, text, value)));
  return found !== negated;
}

const WHOLE: readonly (Field | undefined)[] = ["state", "task", "queue", "tag", "root", "parent"];

function matches(field: Field | undefined, text: string, value: string): boolean {
  const [has, wanted] = [text.toLowerCase(), value.toLowerCase()];
  return WHOLE.includes(field) ? has === wanted : has.includes(wanted);
}

function textsOf(record: TaskRecord, field: Field | undefined): string[] {
  const error = record.error ? [`${record.error.name}: ${record.error.message}`, record.error.code ?? ""] : [];
  switch (field) {
    case "state":
      return [record.state];
    case "task":
      return [record.task];
    case "queue":
      return [record.queue];
    case "tag":
      return record.tags ?? [];
    case "root":
      return [record.rootId];
    case "parent":
      return record.parentId === undefined ? [] : [record.parentId];
    case "id":
      return [record.id];
    case "error":
      return error;
    case "payload":
      return [writeExact(record.payload)];
    case "result":
      return record.result === undefined ? [] : [writeExact(record.result)];
    case "header":
      return Object.entries(record.headers ?? {}).map(([name, value]) => `${name}=${value}`);
    default:
      return [record.id, record.task, ...(record.tags ?? []), ...error];
  }
}
