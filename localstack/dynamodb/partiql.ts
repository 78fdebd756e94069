/**
 * The PartiQL of DynamoDB that reads or writes one item, as requests of the operations that do the same.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
 *
 * Left out: a SELECT of more than one item, EXISTS, indexes, ORDER BY. Each is refused as a statement that is not well formed.
 */

import type { JsonObject } from "../json.ts";
import { DynamoDbError } from "./engine.ts";
import { createReader, type Reader } from "./partiql-tokens.ts";

/** A value of a statement: an attribute value, or the place of a parameter. */
export type Term = { readonly parameter: number } | { readonly value: JsonObject };

/** A statement, read once whatever its parameters are. */
export interface Plan {
  readonly kind: "INSERT" | "UPDATE" | "DELETE" | "SELECT";
  readonly table: string;
  /** INSERT: the attributes of the item. */
  readonly item: Readonly<Record<string, Term>>;
  /** Attributes that the WHERE clause says to be equal to a value, at its top. */
  readonly equalities: ReadonlyMap<string, Term>;
  /** UPDATE: the update expression. */
  readonly update: string;
  /** The rest of the WHERE clause; `keyNames` are the attributes that it leaves out, since they say which item is meant. */
  readonly condition: (keyNames: readonly string[]) => string | undefined;
  /** SELECT: the attributes, or none for all. */
  readonly projection: string | undefined;
  /** The placeholders of the expressions. */
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, Term>>;
  readonly returns: "NONE" | "ALL_OLD" | "UPDATED_OLD" | "ALL_NEW" | "UPDATED_NEW";
  readonly parameters: number;
}

const RETURNS = {
  "ALL OLD": "ALL_OLD",
  "MODIFIED OLD": "UPDATED_OLD",
  "ALL NEW": "ALL_NEW",
  "MODIFIED NEW": "UPDATED_NEW",
} as const;

/** Functions that a condition may call, by the number of their arguments. */
const TESTS: Readonly<Record<string, number>> = { begins_with: 2, contains: 2, attribute_type: 2 };
const COMPARISONS = ["<=", ">=", "<>", "!=", "<", ">", "="];

/** One of the conditions that a WHERE clause joins by AND. */
interface Conjunct {
  text: string;
  /** Set if it says `attribute = value`. */
  equality?: { attribute: string; term: Term };
  /** It must stand in parentheses among others. */
  isChoice: boolean;
}

/** @throws DynamoDbError for a statement that this cannot read */
export function readStatement(text: string): Plan {
  const reader = createReader(text, () =>
    DynamoDbError.validation(`Statement wasn't well formed, can't be processed: ${text}`),
  );
  const parser = new Parser(reader);
  const plan = parser.statement();
  reader.end();
  return plan;
}

class Parser {
  readonly #reader: Reader;
  readonly #names = new Map<string, string>();
  readonly #values: Record<string, Term> = {};
  #parameters = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  statement(): Plan {
    const kind = this.#reader.word("INSERT", "UPDATE", "DELETE", "SELECT");
    switch (kind) {
      case "INSERT":
        return this.#insert();
      case "UPDATE":
        return this.#update();
      case "DELETE":
        this.#reader.word("FROM");
        return this.#plan("DELETE", this.#reader.name(), { where: this.#where(), returns: this.#returning() });
      default: {
        const projection = this.#reader.takes("*") ? undefined : this.#list(() => this.#path());
        this.#reader.word("FROM");
        return this.#plan("SELECT", this.#reader.name(), { where: this.#where(), projection });
      }
    }
  }

  #insert(): Plan {
    this.#reader.word("INTO");
    const table = this.#reader.name();
    this.#reader.word("VALUE");
    return this.#plan("INSERT", table, { item: this.#tuple() });
  }

  #update(): Plan {
    const table = this.#reader.name();
    const set: string[] = [];
    const remove: string[] = [];
    const add: string[] = [];
    const drop: string[] = [];
    for (;;) {
      if (this.#reader.takesWord("SET")) this.#assignments({ set, add, drop });
      else if (this.#reader.takesWord("REMOVE")) remove.push(this.#path());
      else break;
    }
    const sections = { SET: set, REMOVE: remove, ADD: add, DELETE: drop };
    const update = Object.entries(sections).flatMap(([word, parts]) =>
      parts.length === 0 ? [] : [`${word} ${parts.join(", ")}`],
    );
    if (update.length === 0) throw this.#reader.refusal();
    return this.#plan("UPDATE", table, {
      where: this.#where(),
      update: update.join(" "),
      returns: this.#returning(),
    });
  }

  #assignments(into: { set: string[]; add: string[]; drop: string[] }): void {
    do {
      const path = this.#path();
      this.#reader.symbol("=");
      // `SET a = set_add(a, <<'x'>>)` is the ADD of an update expression, and set_delete its DELETE.
      const members = this.#reader.takesCall("set_add", "set_delete");
      if (members === undefined) {
        into.set.push(`${path} = ${this.#sum()}`);
        continue;
      }
      if (this.#path() !== path) throw this.#reader.refusal();
      this.#reader.symbol(",");
      (members === "set_add" ? into.add : into.drop).push(`${path} ${this.#term()}`);
      this.#reader.symbol(")");
    } while (this.#reader.takes(","));
  }

  #sum(): string {
    const left = this.#operand();
    if (this.#reader.takes("+")) return `${left} + ${this.#operand()}`;
    if (this.#reader.takes("-")) return `${left} - ${this.#operand()}`;
    return left;
  }

  #operand(): string {
    if (this.#reader.takesCall("list_append") === undefined) {
      return this.#reader.isPath() ? this.#path() : this.#term();
    }
    const args = this.#list(() => this.#operand());
    this.#reader.symbol(")");
    return `list_append(${args})`;
  }

  #where(): Conjunct[] {
    this.#reader.word("WHERE");
    return this.#or();
  }

  #returning(): Plan["returns"] {
    if (!this.#reader.takesWord("RETURNING")) return "NONE";
    const which = this.#reader.word("ALL", "MODIFIED");
    const when = this.#reader.word("OLD", "NEW");
    this.#reader.symbol("*");
    return RETURNS[`${which === "ALL" ? "ALL" : "MODIFIED"} ${when === "OLD" ? "OLD" : "NEW"}`];
  }

  #or(): Conjunct[] {
    const choices = [this.#and()];
    while (this.#reader.takesWord("OR")) choices.push(this.#and());
    const [only] = choices;
    if (choices.length === 1 && only) return only;
    return [{ text: choices.map(joined).join(" OR "), isChoice: true }];
  }

  #and(): Conjunct[] {
    const all = this.#not();
    while (this.#reader.takesWord("AND")) all.push(...this.#not());
    return all;
  }

  #not(): Conjunct[] {
    if (!this.#reader.takesWord("NOT")) return this.#primary();
    const denied = this.#not();
    const [only] = denied;
    const text = denied.length === 1 && only && !only.isChoice ? only.text : `(${joinedPlain(denied)})`;
    return [{ text: `NOT ${text}`, isChoice: false }];
  }

  #primary(): Conjunct[] {
    if (this.#reader.takes("(")) {
      const inner = this.#or();
      this.#reader.symbol(")");
      return inner;
    }
    const test = this.#reader.takesCall(...Object.keys(TESTS));
    if (test === undefined) return [this.#comparison()];
    const args = [this.#side().text];
    while (this.#reader.takes(",")) args.push(this.#side().text);
    this.#reader.symbol(")");
    if (args.length !== TESTS[test]) throw this.#reader.refusal();
    return [{ text: `${test}(${args.join(", ")})`, isChoice: false }];
  }

  #comparison(): Conjunct {
    const left = this.#side();
    if (this.#reader.takesWord("IS")) {
      const isNot = this.#reader.takesWord("NOT");
      const kind = this.#reader.word("MISSING", "NULL");
      const isNull = `attribute_type(${left.text}, ${this.#placeholder({ value: { S: "NULL" } })})`;
      if (kind === "NULL") return { text: isNot ? `NOT ${isNull}` : isNull, isChoice: false };
      return { text: `${isNot ? "attribute_exists" : "attribute_not_exists"}(${left.text})`, isChoice: false };
    }
    if (this.#reader.takesWord("BETWEEN")) {
      const least = this.#side().text;
      this.#reader.word("AND");
      return { text: `${left.text} BETWEEN ${least} AND ${this.#side().text}`, isChoice: false };
    }
    if (this.#reader.takesWord("IN")) {
      const close = this.#reader.takes("[") ? "]" : ")";
      if (close === ")") this.#reader.symbol("(");
      const values = this.#list(() => this.#side().text);
      this.#reader.symbol(close);
      return { text: `${left.text} IN (${values})`, isChoice: false };
    }
    const sign = COMPARISONS.find((one) => this.#reader.takes(one));
    if (sign === undefined) throw this.#reader.refusal();
    const right = this.#side();
    const text = `${left.text} ${sign === "!=" ? "<>" : sign} ${right.text}`;
    if (sign !== "=") return { text, isChoice: false };
    const [path, value] = left.attribute === undefined ? [right, left] : [left, right];
    if (path.attribute === undefined || value.term === undefined) return { text, isChoice: false };
    return { text, isChoice: false, equality: { attribute: path.attribute, term: value.term } };
  }

  /** One side of a comparison: a path, a value, or the size of a path. */
  #side(): { text: string; attribute?: string; term?: Term } {
    if (this.#reader.takesCall("size") !== undefined) {
      const text = `size(${this.#path()})`;
      this.#reader.symbol(")");
      return { text };
    }
    if (!this.#reader.isPath()) {
      const term = this.#value();
      return { text: this.#placeholder(term), term };
    }
    const text = this.#path();
    const attribute = [...this.#names].find(([, placeholder]) => placeholder === text)?.[0];
    return { text, ...(attribute !== undefined && { attribute }) };
  }

  /** `"a".b[0]`, as `#n0.#n1[0]`. */
  #path(): string {
    let path = this.#nameOf(this.#reader.name());
    for (;;) {
      if (this.#reader.takes(".")) path += `.${this.#nameOf(this.#reader.name())}`;
      else if (this.#reader.takes("[")) {
        path += `[${this.#reader.index()}]`;
        this.#reader.symbol("]");
      } else return path;
    }
  }

  #nameOf(attribute: string): string {
    const placeholder = this.#names.get(attribute) ?? `#n${this.#names.size}`;
    this.#names.set(attribute, placeholder);
    return placeholder;
  }

  #term(): string {
    return this.#placeholder(this.#value());
  }

  #placeholder(term: Term): string {
    const name = `:v${Object.keys(this.#values).length}`;
    this.#values[name] = term;
    return name;
  }

  #value(): Term {
    if (this.#reader.takes("?")) return { parameter: this.#parameters++ };
    return { value: this.#reader.literal() };
  }

  #tuple(): Record<string, Term> {
    const fields: [string, Term][] = [];
    this.#reader.symbol("{");
    do {
      const name = this.#reader.text();
      this.#reader.symbol(":");
      fields.push([name, this.#value()]);
    } while (this.#reader.takes(","));
    this.#reader.symbol("}");
    return Object.fromEntries(fields);
  }

  #list(one: () => string): string {
    const parts = [one()];
    while (this.#reader.takes(",")) parts.push(one());
    return parts.join(", ");
  }

  #plan(kind: Plan["kind"], table: string, parts: Partial<Plan> & { where?: Conjunct[] }): Plan {
    const { where = [], ...rest } = parts;
    const equalities = new Map<string, Term>();
    for (const { equality } of where) {
      if (equality && !equalities.has(equality.attribute)) equalities.set(equality.attribute, equality.term);
    }
    return {
      kind,
      table,
      item: {},
      update: "",
      projection: undefined,
      returns: "NONE",
      ...rest,
      equalities,
      condition: (keyNames) => {
        const isKey = ({ equality }: Conjunct): boolean =>
          equality !== undefined &&
          keyNames.includes(equality.attribute) &&
          equalities.get(equality.attribute) === equality.term;
        const others = where.filter((one) => !isKey(one));
        return others.length === 0 ? undefined : joined(others);
      },
      names: Object.fromEntries([...this.#names].map(([attribute, placeholder]) => [placeholder, attribute])),
      values: this.#values,
      parameters: this.#parameters,
    };
  }
}

/** Conditions that must all hold. A single choice needs no parentheses, and DynamoDB refuses those that are not needed. */
function joinedPlain(conjuncts: readonly Conjunct[]): string {
  const [only] = conjuncts;
  return conjuncts.length === 1 && only ? only.text : joined(conjuncts);
}

function joined(conjuncts: readonly Conjunct[]): string {
  return conjuncts.map(({ text, isChoice }) => (isChoice ? `(${text})` : text)).join(" AND ");
}
