/**
 * The search of tasks: Flower's grammar with negation, such as `state:FAILURE,RETRY -task:add customer`. The service and the dashboard read
 * it alike. Pure, and without imports, for it runs in a browser, too.
 */

/** The fields that the service looks into. */
export const SEARCHED_FIELDS: readonly Field[] = [
  "state",
  "task",
  "queue",
  "tag",
  "root",
  "parent",
  "id",
  "error",
  "header",
];

/** Values have secrets, which the service hides: what it shows is searched by the page. */
export const FIELDS: readonly Field[] = [...SEARCHED_FIELDS, "payload", "result"];
export type Field =
  | "state"
  | "task"
  | "queue"
  | "tag"
  | "root"
  | "parent"
  | "id"
  | "error"
  | "header"
  | "payload"
  | "result";

export interface Term {
  /** Undefined: anywhere in id, task, tags or error. */
  field: Field | undefined;
  /** One of these. */
  values: readonly string[];
  negated: boolean;
}

/** The fields of a task that a search looks into, but for its values. */
export interface Searched {
  id: string;
  state: string;
  task: string;
  queue: string;
  tags?: readonly string[];
  rootId: string;
  parentId?: string;
  error?: { name: string; message: string; code?: string };
  headers?: Readonly<Record<string, string>>;
}

/** A part of a word: in quotes, or without. */
const PART = /"([^"]*)"?|[^\s"]/g;

/** Reads a search. Words hold quotes where a value has spaces, commas or colons: `error:"no such file"`. */
export function readSearch(text: string): { terms: Term[]; unknown: string[] } {
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
    const values = valuesOf(rest, field !== undefined).filter((value) => value !== "");
    return values.length === 0 ? [] : [{ field, values, negated }];
  });
  return { terms, unknown };
}

/** The values in a word, without their quotes. @param several whether a comma that is not quoted stands between two */
function valuesOf(word: string, several: boolean): string[] {
  const values = [""];
  for (const [part, quoted] of word.matchAll(PART)) {
    if (several && part === ",") values.push("");
    else values.push((values.pop() ?? "") + (quoted ?? part));
  }
  return values;
}

/** The text of a search, which reads as these terms again. */
export function writeSearch(terms: readonly Term[]): string {
  return terms
    .map(({ field, values, negated }) => {
      const value = values.map((one) => (/[\s,:]|^-/.test(one) ? `"${one}"` : one)).join(",");
      return `${negated ? "-" : ""}${field === undefined ? "" : `${field}:`}${value}`;
    })
    .join(" ");
}

/** Whether a task fits a term. @param texts of the task, in which the field looks */
export function fits({ field, values, negated }: Term, texts: readonly string[]): boolean {
  const isWhole = field !== undefined && WHOLE.includes(field);
  const matches = (text: string, value: string): boolean => {
    const [has, wanted] = [text.toLowerCase(), value.toLowerCase()];
    return isWhole ? has === wanted : has.includes(wanted);
  };
  return values.some((value) => texts.some((text) => matches(text, value))) !== negated;
}

/** Fields whose value must be said as a whole. */
const WHOLE: readonly Field[] = ["state", "task", "queue", "tag", "root", "parent"];

/** The texts of a task in which a field looks; none for `payload` and `result`, which only some may see. */
export function textsOf(task: Searched, field: Field | undefined): readonly string[] {
  const { id, tags = [], parentId, error, headers = {} } = task;
  switch (field) {
    case "state":
    case "task":
    case "queue":
    case "id":
      return [task[field]];
    case "tag":
      return tags;
    case "root":
      return [task.rootId];
    case "parent":
      return parentId === undefined ? [] : [parentId];
    case "error":
      return textsOfError(error);
    case "header":
      return Object.entries(headers).map(([name, value]) => `${name}=${value}`);
    case undefined:
      return [id, task.task, ...tags, ...textsOfError(error)];
    default:
      return [];
  }
}

function textsOfError(error: Searched["error"]): string[] {
  return error === undefined ? [] : [`${error.name}: ${error.message}`, error.code ?? ""];
}
