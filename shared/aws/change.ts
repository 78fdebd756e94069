/**
 * One conditional change of one item, written as data. `expressions.ts` says it to `UpdateItem`, `statements.ts` to
 * `BatchExecuteStatement`; nothing else knows either language.
 */

/** A value that Lovage keeps in an attribute: a text, a number, a set of texts. A value of a user's own is kept as JSON text. */
export type Value = string | number | ReadonlySet<string>;

/** Attributes with their values. One that is `undefined` is not there. */
export type Item = Record<string, Value | undefined>;

export interface Key {
  pk: string;
  sk: string;
}

/** Each attribute stands in one of these at most, but for `onCreate`, which leaves to the others what they name, too. */
export interface Change {
  key: Key;
  /** Attributes that get these values. */
  set?: Item;
  /** Attributes that the item gets if this change creates it. An item that is there has had them since it was created. */
  onCreate?: Item;
  /** Attributes that get the number of another attribute, or 0. */
  setFrom?: Readonly<Record<string, string>>;
  /** Attributes whose number grows by this; one that is not there counts as 0. */
  add?: Readonly<Record<string, number>>;
  /** Attributes that go away. */
  remove?: readonly string[];
  /** Members that a set of texts gets, or loses. */
  addMembers?: Readonly<Record<string, ReadonlySet<string>>>;
  removeMembers?: Readonly<Record<string, ReadonlySet<string>>>;
  /** The change is made only if this holds. Without it, it is made whether there is such an item or not. */
  when?: Condition;
  /** There is probably no such item: when calls are shared, creating it is tried first. It says nothing of what may be done. */
  likelyNew?: true;
  /** Attributes to answer with: only those that were changed, or the whole item. */
  returns?: "UPDATED_NEW" | "ALL_NEW";
}

/** One test of an item. One on an attribute that is not there fails, but for `absent` and `not`. */
type Clause =
  | { test: "=" | "<" | "<=" | ">" | ">="; name: string; value: Value }
  | { test: "absent" | "present"; name: string }
  | { test: "isOneOf"; name: string; values: readonly Value[] }
  | { test: "between"; name: string; least: Value; most: Value }
  | { test: "sameAs"; name: string; other: string }
  | { test: "contains"; name: string; part: string }
  | { test: "sizeBelow"; name: string; size: number }
  | { test: "not"; clause: Clause };

/**
 * One of several lists of clauses must hold as a whole. There are no parentheses to nest: AND binds tighter than OR, and the embedded
 * DynamoDB takes 1.5 ms to parse nested ones.
 */
export type Condition = readonly (readonly Clause[])[];

const compare =
  (test: "=" | "<" | "<=" | ">" | ">=") =>
  (name: string, value: Value): Condition => [[{ test, name, value }]];

export const equal = compare("=");
export const below = compare("<");
export const atMost = compare("<=");
export const above = compare(">");
export const atLeast = compare(">=");

export const absent = (name: string): Condition => [[{ test: "absent", name }]];

export const present = (name: string): Condition => [[{ test: "present", name }]];

/** There is no such item yet. */
export const NEW = absent("pk");

export const isOneOf = (name: string, values: readonly Value[]): Condition => [[{ test: "isOneOf", name, values }]];

/** Both bounds included. */
export const between = (name: string, least: Value, most: Value): Condition => [
  [{ test: "between", name, least, most }],
];

/** Two attributes have the same value. */
export const sameAs = (name: string, other: string): Condition => [[{ test: "sameAs", name, other }]];

/** A text has this part, or a set this member. */
export const contains = (name: string, part: string): Condition => [[{ test: "contains", name, part }]];

/** A set has fewer members than this. */
export const sizeBelow = (name: string, size: number): Condition => [[{ test: "sizeBelow", name, size }]];

/** Of a condition of one clause. It holds, too, where the attribute is not there. */
export const not = (condition: Condition): Condition =>
  condition.map((clauses) => clauses.map((clause) => ({ test: "not", clause })));

export const anyOf = (...conditions: readonly Condition[]): Condition => conditions.flat();

export const allOf = (...conditions: readonly Condition[]): Condition =>
  conditions.reduce<Condition>((all, one) => all.flatMap((left) => one.map((right) => [...left, ...right])), [[]]);

/** Whether a change may be made where there is no item. */
export function mayCreate({ when }: Change): boolean {
  return when === undefined || when.some((clauses) => clauses.every(holdsForNone));
}

function holdsForNone(clause: Clause): boolean {
  return clause.test === "not" ? !holdsForNone(clause.clause) : clause.test === "absent";
}

/** The item as a change makes it where there is none. */
export function created({ key, onCreate, set, setFrom = {}, add, remove = [], addMembers }: Change): Item {
  const gone = Object.fromEntries(remove.map((name) => [name, undefined]));
  const zeros = Object.fromEntries(Object.keys(setFrom).map((name) => [name, 0]));
  return { ...onCreate, ...gone, ...defined(set ?? {}), ...zeros, ...add, ...addMembers, ...key };
}

/** Without the attributes that are not there. */
export function defined(item: Item): Record<string, Value> {
  const entries = Object.entries(item).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

/** The words in which one language of DynamoDB names attributes, values and tests of them. */
export interface Words {
  attribute(name: string): string;
  value(name: string, value: Value): string;
  absent(attribute: string): string;
  present(attribute: string): string;
  isOneOf(attribute: string, values: readonly string[]): string;
}

/** The text of a condition. */
export function conditionText(condition: Condition, words: Words): string {
  return condition.map((clauses) => clauses.map((clause) => clauseText(clause, words)).join(" AND ")).join(" OR ");
}

function clauseText(clause: Clause, words: Words): string {
  if (clause.test === "not") return `NOT ${clauseText(clause.clause, words)}`;
  const { name } = clause;
  const attribute = words.attribute(name);
  switch (clause.test) {
    case "absent":
      return words.absent(attribute);
    case "present":
      return words.present(attribute);
    case "isOneOf":
      return words.isOneOf(
        attribute,
        clause.values.map((value) => words.value(name, value)),
      );
    case "between":
      return `${attribute} BETWEEN ${words.value(name, clause.least)} AND ${words.value(name, clause.most)}`;
    case "sameAs":
      return `${attribute} = ${words.attribute(clause.other)}`;
    case "contains":
      return `contains(${attribute}, ${words.value(name, clause.part)})`;
    case "sizeBelow":
      return `size(${attribute}) < ${words.value(name, clause.size)}`;
    default:
      return `${attribute} ${clause.test} ${words.value(name, clause.value)}`;
  }
}
