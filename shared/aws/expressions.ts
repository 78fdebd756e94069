/**
 * A change, and a condition, in the expressions of `UpdateItem` and `Query`.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */

import { type Change, defined, type Value, type Words } from "./change.ts";

/** Stands for names and values in the expressions of one call: `#state`, `:state`, and `:state2` for a second value of that name. */
export class Names implements Words {
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

  absent(attribute: string): string {
    return `attribute_not_exists(${attribute})`;
  }

  present(attribute: string): string {
    return `attribute_exists(${attribute})`;
  }

  isOneOf(attribute: string, values: readonly string[]): string {
    return `${attribute} IN (${values.join(", ")})`;
  }

  get attributes(): Record<string, string> {
    return Object.fromEntries(this.#attributes);
  }

  get values(): Record<string, Value> {
    return Object.fromEntries(this.#values);
  }
}

/** The update expression of a change; undefined for one that changes nothing, and only asks. */
export function updateText(change: Change, names: Names): string | undefined {
  const { set = {}, onCreate = {}, setFrom = {}, add = {}, remove = [], addMembers = {}, removeMembers = {} } = change;
  const named = new Set([...Object.keys({ ...defined(set), ...setFrom, ...add }), ...remove]);
  const sets = [
    ...Object.entries(defined(onCreate))
      .filter(([name]) => !named.has(name))
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
