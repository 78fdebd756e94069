/**
 * One conditional change of one item, written as data. The expressions that DynamoDB wants are made of it here and nowhere else.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */

/** A value that Lovage keeps in an attribute: a text, a number, a set of texts. A value of a user's own is kept as JSON text. */
export type Value = string | number | ReadonlySet<string>;

/** Attributes with their values. One that is `undefined` is not there. */
export type Item = Record<string, Value | undefined>;

export interface Key {
  pk: string;
  sk: string;
}

/** Each attribute stands in one of these at most, but for `setOnce`, which leaves to the others what they name, too. */
export interface Change {
  key: Key;
  /** Attributes that get these values. */
  set?: Item;
  /** Attributes that get these values unless they have one. */
  setOnce?: Item;
  /** Attributes that get the number of another attribute, or 0. */
  setFrom?: Readonly<Record<string, string>>;
  /** Attributes whose number grows by this; one that is not there counts as 0. */
  add?: Readonly<Record<string, number>>;
  /** Attributes that go away. */
  remove?: readonly string[];
  /** Members that a set of texts gets, or loses. */
  addMembers?: Readonly<Record<string, ReadonlySet<string>>>;
  removeMembers?: Readonly<Record<string, ReadonlySet<string>>>;
  /** The change is made only if this holds. */
  when?: Condition;
  /** Attributes to answer with: only those that were changed, or the whole item. */
  returns?: "UPDATED_NEW" | "ALL_NEW";
}

type Clause = (names: Names) => string;

/**
 * One of several lists of clauses must hold as a whole. There are no parentheses to nest: AND binds tighter than OR, and the embedded
 * DynamoDB takes 1.5 ms to parse nested ones.
 */
export type Condition = readonly (readonly Clause[])[];

const clause = (one: Clause): Condition => [[one]];
const compare =
  (operator: string) =>
  (name: string, value: Value): Condition =>
    clause((names) => `${names.attribute(name)} ${operator} ${names.value(name, value)}`);

export const equal = compare("=");
export const below = compare("<");
export const atMost = compare("<=");
export const above = compare(">");
export const atLeast = compare(">=");

export const absent = (name: string): Condition => clause((names) => `attribute_not_exists(${names.attribute(name)})`);

export const present = (name: string): Condition => clause((names) => `attribute_exists(${names.attribute(name)})`);

export const isOneOf = (name: string, values: readonly Value[]): Condition =>
  clause((names) => `${names.attribute(name)} IN (${values.map((value) => names.value(name, value)).join(", ")})`);

/** Both bounds included. */
export const between = (name: string, least: Value, most: Value): Condition =>
  clause((names) => `${names.attribute(name)} BETWEEN ${names.value(name, least)} AND ${names.value(name, most)}`);

/** Two attributes have the same value. */
export const sameAs = (name: string, other: string): Condition =>
  clause((names) => `${names.attribute(name)} = ${names.attribute(other)}`);

/** A text has this part, or a set this member. */
export const contains = (name: string, part: string): Condition =>
  clause((names) => `contains(${names.attribute(name)}, ${names.value(name, part)})`);

/** A set has fewer members than this. */
export const sizeBelow = (name: string, size: number): Condition =>
  clause((names) => `size(${names.attribute(name)}) < ${names.value(name, size)}`);

/** Of a condition of one clause. It holds, too, where the attribute is not there. */
export const not = (condition: Condition): Condition =>
  condition.map((clauses) => clauses.map((one) => (names) => `NOT ${one(names)}`));

export const anyOf = (...conditions: readonly Condition[]): Condition => conditions.flat();

export const allOf = (...conditions: readonly Condition[]): Condition =>
  conditions.reduce<Condition>((all, one) => all.flatMap((left) => one.map((right) => [...left, ...right])), [[]]);

/** Stands for names and values in the expressions of one call: `#state`, `:state`, and `:state2` for a second value of that name. */
export class Names {
  readonly #attributes = new Map<string, string>();
  readonly #values = new Map<string, Value>();

  /** No reserved word can bite: each name is told apart from the expression. */
  attribute(name: string): string {
    this.#attributes.set(`#${name}`, name);
    return `#${name}`;
  }

  value(name: string, value: Value): string {
    for (let count = 1; ; count += 1) {
      const placeholder = `:${name}${count === 1 ? "" : count}`;
      const known = this.#values.get(placeholder);
      if (known === undefined) this.#values.set(placeholder, value);
      if (known === undefined || known === value) return placeholder;
    }
  }

  get attributes(): Record<string, string> {
    return Object.fromEntries(this.#attributes);
  }

  get values(): Record<string, Value> {
    return Object.fromEntries(this.#values);
  }
}

/** The text of a condition; undefined for none. */
export function conditionText(condition: Condition | undefined, names: Names): string | undefined {
  return condition?.map((clauses) => clauses.map((one) => one(names)).join(" AND ")).join(" OR ");
}

/** The update expression of a change; undefined for one that changes nothing, and only asks. */
export function updateText(change: Change, names: Names): string | undefined {
  const { set = {}, setOnce = {}, setFrom = {}, add = {}, remove = [], addMembers = {}, removeMembers = {} } = change;
  const named = { ...defined(set), ...setFrom, ...add };
  const sets = [
    ...Object.entries(defined(setOnce))
      .filter(([name]) => !(name in named))
      .map(([name, value]) => `${names.attribute(name)} = ${orElse(name, value, names)}`),
    ...Object.entries(defined(set)).map(([name, value]) => `${names.attribute(name)} = ${names.value(name, value)}`),
    ...Object.entries(setFrom).map(([name, other]) => `${names.attribute(name)} = ${orElse(other, 0, names)}`),
    ...Object.entries(add).map(
      ([name, by]) => `${names.attribute(name)} = ${orElse(name, 0, names)} + ${names.value("by", by)}`,
    ),
  ];
  const members = (sections: Readonly<Record<string, ReadonlySet<string>>>): string[] =>
    Object.entries(sections).map(([name, some]) => `${names.attribute(name)} ${names.value(name, some)}`);
  const sections = {
    SET: sets,
    REMOVE: remove.map((name) => names.attribute(name)),
    ADD: members(addMembers),
    DELETE: members(removeMembers),
  };
  const texts = Object.entries(sections).flatMap(([word, parts]) =>
    parts.length === 0 ? [] : [`${word} ${parts.join(", ")}`],
  );
  return texts.length === 0 ? undefined : texts.join(" ");
}

function orElse(name: string, value: Value, names: Names): string {
  return `if_not_exists(${names.attribute(name)}, ${names.value(value === 0 ? "zero" : name, value)})`;
}

function defined(item: Item): Record<string, Value> {
  const entries = Object.entries(item).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}
