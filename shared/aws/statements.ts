/**
 * A change as a PartiQL statement of `BatchExecuteStatement`. Values stand apart, so that the text of a step is always the same.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 */

import {
  type Change,
  type Condition,
  conditionText,
  created,
  defined,
  type Item,
  mayCreate,
  NEW,
  type Value,
  type Words,
} from "./change.ts";

export interface Statement {
  text: string;
  parameters: readonly Value[];
}

const STATE = /^[A-Z]+$/;

const RETURNING = { UPDATED_NEW: "MODIFIED NEW *", ALL_NEW: "ALL NEW *" } as const;

/**
 * The statement of a change; undefined for one that PartiQL cannot say: it changes nothing, or members of a set.
 *
 * `UPDATE` never creates an item, and refuses to add to an attribute that is not there: whoever sends it must go on with `UpdateItem`
 * then.
 */
export function toStatement(table: string, change: Change): Statement | undefined {
  if (triesInsert(change)) return insertStatement(table, created(change));
  const { key, set = {}, setFrom = {}, add = {}, remove = [], addMembers, removeMembers, when, returns } = change;
  if (addMembers !== undefined || removeMembers !== undefined) return undefined;
  const words = new Parameters();
  const clauses = [
    ...Object.entries(defined(set)).map(([name, value]) => `SET ${words.attribute(name)}=${words.value(name, value)}`),
    ...Object.entries(setFrom).map(([name, other]) => `SET ${words.attribute(name)}=${words.attribute(other)}`),
    ...Object.entries(add).map(
      ([name, by]) => `SET ${words.attribute(name)}=${words.attribute(name)}+${words.value(name, by)}`,
    ),
    ...remove.map((name) => `REMOVE ${words.attribute(name)}`),
  ];
  if (clauses.length === 0) return undefined;
  const place = `${words.attribute("pk")}=${words.value("pk", key.pk)} AND ${words.attribute("sk")}=${words.value("sk", key.sk)}`;
  const text = [
    `UPDATE ${quoted(table)}`,
    ...clauses,
    `WHERE ${place}${when === undefined ? "" : ` AND (${conditionText(when, words)})`}`,
    ...(returns === undefined ? [] : [`RETURNING ${RETURNING[returns]}`]),
  ].join(" ");
  return { text, parameters: words.values };
}

/** Whether a change only makes items that are not there yet. */
export function isInsert({ when }: { when?: Condition }): boolean {
  return when === NEW;
}

/** Whether the statement of a change is an INSERT. */
export function triesInsert(change: Change): boolean {
  return isInsert(change) || (change.likelyNew === true && mayCreate(change));
}

/** Creates an item, unless there is one. */
export function insertStatement(table: string, item: Item): Statement {
  const words = new Parameters();
  const fields = Object.entries(defined(item)).map(([name, value]) => `'${name}':${words.value(name, value)}`);
  return { text: `INSERT INTO ${quoted(table)} VALUE {${fields.join(",")}}`, parameters: words.values };
}

class Parameters implements Words {
  readonly values: Value[] = [];

  attribute(name: string): string {
    return quoted(name);
  }

  value(name: string, value: Value): string {
    // Of a few words that are Lovage's own: a parameter costs the SDK as much as forty characters of text.
    if (name === "state" && typeof value === "string" && STATE.test(value)) return `'${value}'`;
    this.values.push(value);
    return "?";
  }

  absent(attribute: string): string {
    return `${attribute} IS MISSING`;
  }

  present(attribute: string): string {
    return `${attribute} IS NOT MISSING`;
  }

  isOneOf(attribute: string, values: readonly string[]): string {
    return `${attribute} IN [${values.join(",")}]`;
  }
}

/** Names of tables and attributes are Lovage's own, and none has a quotation mark in it. */
function quoted(name: string): string {
  return `"${name}"`;
}
