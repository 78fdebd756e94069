/** Reads paths, values and calls. */

import type { JsonObject } from "../../json.ts";
import { DynamoDbError } from "../error.ts";
import type { Cursor } from "./cursor.ts";
import type { Operand, Path } from "./statement.ts";

/** The functions of conditions and of SET, by their names in lower case. */
const FUNCTIONS = new Set([
  ...["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"],
  ...["if_not_exists", "list_append", "set_add", "set_delete"],
]);

/** The value of a SET: an operand, or the sum or difference of two. DynamoDB has no longer ones. */
export function readSum(cursor: Cursor): Operand {
  const left = readOperand(cursor);
  const operator = takeOperator(cursor);
  if (operator === undefined) return left;
  const operands = [left, readOperand(cursor)] as const;
  if (operands.some(({ kind }) => kind === "sum") || takeOperator(cursor) !== undefined) {
    throw DynamoDbError.validation("A sum of more than two operands is not emulated: divide it into two statements.");
  }
  return { kind: "sum", operator, operands };
}

/** An operand of a condition, which may be no sum. */
export function readTerm(cursor: Cursor): Operand {
  const operand = readOperand(cursor);
  const operator = operand.kind === "sum" ? operand.operator : takeOperator(cursor);
  if (operator === undefined) return operand;
  throw DynamoDbError.validation(`Unsupported operator in Condition Expression. Operator: ${operator}`);
}

function takeOperator(cursor: Cursor): string | undefined {
  return ["+", "-"].find((sign) => cursor.takeSign(sign));
}

function readOperand(cursor: Cursor): Operand {
  if (cursor.takeSign("(")) {
    const inner = readSum(cursor);
    cursor.expectSign(")");
    return inner;
  }
  if (cursor.takeSign("?")) {
    cursor.parameterCount += 1;
    return { kind: "parameter", index: cursor.parameterCount - 1 };
  }
  if (cursor.isAtCall()) return readCall(cursor);
  if (cursor.isAtName()) return { kind: "path", path: readPath(cursor) };
  return { kind: "literal", value: readLiteral(cursor) };
}

export function readCall(cursor: Cursor): Operand & { readonly kind: "call" } {
  const written = cursor.pass().text;
  const name = written.toLowerCase();
  if (!FUNCTIONS.has(name)) throw DynamoDbError.validation(`Unrecognized function: ${written}`);
  cursor.expectSign("(");
  const operands = cursor.list(")", () => readSum(cursor));
  if (operands.some(({ kind }) => kind === "sum")) {
    throw DynamoDbError.validation(
      `A sum inside ${name} is not emulated: give it a value, a parameter or an attribute.`,
    );
  }
  return { kind: "call", name, operands };
}

/** `a`, `"a".b`, `a[2]`, `a['b']`. */
export function readPath(cursor: Cursor): Path {
  const path: (string | number)[] = [cursor.name()];
  for (;;) {
    if (cursor.takeSign(".")) {
      path.push(cursor.name());
    } else if (cursor.takeSign("[")) {
      const { kind, text } = cursor.token;
      const isIndex = kind === "number" && /^\d+$/.test(text);
      if (!isIndex && kind !== "text" && kind !== "quoted") throw cursor.unexpected("an index, or a name in quotes");
      cursor.pass();
      path.push(isIndex ? Number(text) : text);
      cursor.expectSign("]");
    } else {
      return path;
    }
  }
}

function readLiteral(cursor: Cursor): JsonObject {
  const { kind, text } = cursor.token;
  if (kind === "text") return { S: cursor.pass().text };
  if (kind === "number") return { N: cursor.pass().text };
  if (kind === "sign" && (text === "-" || text === "+")) {
    cursor.pass();
    if (cursor.token.kind !== "number") throw cursor.unexpected("a number");
    return { N: `${text === "-" ? "-" : ""}${cursor.pass().text}` };
  }
  if (cursor.take("TRUE")) return { BOOL: true };
  if (cursor.take("FALSE")) return { BOOL: false };
  if (cursor.take("NULL")) return { NULL: true };
  if (cursor.isAt("MISSING")) throw DynamoDbError.validation("MISSING must be compared using IS operator");
  if (cursor.takeSign("[")) return { L: cursor.list("]", () => readNested(cursor)) };
  if (cursor.takeSign("{")) return { M: Object.fromEntries(readFields(cursor, () => readNested(cursor))) };
  if (cursor.takeSign("<<")) return setOf(cursor.list(">>", () => readNested(cursor)));
  throw cursor.unexpected("a value, a parameter or an attribute");
}

/** A value inside another: there neither parameters nor attributes may stand. */
function readNested(cursor: Cursor): JsonObject {
  const { kind, text, at } = cursor.token;
  if (kind === "sign" && text === "?") {
    throw DynamoDbError.validation(`Unsupported data type: Parameter at character ${at + 1}`);
  }
  return readLiteral(cursor);
}

/** The fields of a `{…}` after its brace, up to the other one. */
export function readFields<T>(cursor: Cursor, readValue: () => T): [string, T][] {
  const names = new Set<string>();
  return cursor.list("}", () => {
    const { kind, text, at } = cursor.token;
    if (kind !== "text") throw cursor.unexpected("a field's name in single quotes");
    if (names.has(text)) {
      throw DynamoDbError.validation(`Duplicate keys in tuple. Key: ${text} at character ${at + 1}`);
    }
    names.add(text);
    cursor.pass();
    cursor.expectSign(":");
    return [text, readValue()];
  });
}

function setOf(values: readonly JsonObject[]): JsonObject {
  if (values.length === 0) throw DynamoDbError.validation("Empty bags are not supported");
  for (const type of ["S", "N"]) {
    const members = values.map((value) => value[type]);
    if (!members.includes(undefined)) return { [`${type}S`]: members };
  }
  throw DynamoDbError.validation(
    "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
  );
}
