/** Writes the parts of a statement in the language of DynamoDB's expressions, with stand-ins for names and values. */
import type { Condition, Operand, Path } from "./statement.ts";

export class StandIns {
  /** Attribute names by their stand-ins. */
  readonly names: Record<string, string> = {};
  /** Values and parameters by their stand-ins. */
  readonly values: Record<string, Operand> = {};
  readonly #known = new Map<string, string>();

  name(name: string): string {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const standIn = `#n${this.#known.size}`;
    this.#known.set(name, standIn);
    this.names[standIn] = name;
    return standIn;
  }

  path(path: Path): string {
    return path.reduce<string>((text, step) => {
      if (typeof step === "number") return `${text}[${step}]`;
      return text === "" ? this.name(step) : `${text}.${this.name(step)}`;
    }, "");
  }

  operand(operand: Operand): string {
    switch (operand.kind) {
      case "path":
        return this.path(operand.path);
      case "call":
        return `${operand.name}(${this.#list(operand.operands)})`;
      case "sum":
        return operand.operands.map((part) => this.operand(part)).join(` ${operand.operator} `);
      default: {
        const standIn = `:v${Object.keys(this.values).length}`;
        this.values[standIn] = operand;
        return standIn;
      }
    }
  }

  condition(condition: Condition): string {
    switch (condition.kind) {
      case "or":
        return condition.conditions.map((part) => this.condition(part)).join(" OR ");
      case "and":
        // Parentheses only where they are needed: DynamoDB refuses those that change nothing.
        return condition.conditions.map((part) => this.#inner(part, ["or"])).join(" AND ");
      case "not":
        return `NOT ${this.#inner(condition.condition, ["or", "and"])}`;
      case "compare":
        return condition.operands.map((operand) => this.operand(operand)).join(` ${condition.operator} `);
      case "between": {
        const [operand, low, high] = condition.operands;
        return `${this.operand(operand)} BETWEEN ${this.operand(low)} AND ${this.operand(high)}`;
      }
      case "in":
        return `${this.operand(condition.operand)} IN (${this.#list(condition.list)})`;
      case "test":
        return `${condition.name}(${this.#list(condition.operands)})`;
    }
  }

  #inner(condition: Condition, looser: readonly Condition["kind"][]): string {
    const text = this.condition(condition);
    return looser.includes(condition.kind) ? `(${text})` : text;
  }

  #list(operands: readonly Operand[]): string {
    return operands.map((operand) => this.operand(operand)).join(", ");
  }
}
