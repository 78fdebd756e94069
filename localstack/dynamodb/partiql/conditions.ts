/** Reads what stands after WHERE. OR binds least, then AND, then NOT. */
import { DynamoDbError } from "../error.ts";
import type { Cursor } from "./cursor.ts";
import { readCall, readTerm } from "./operands.ts";
import type { Condition, Operand } from "./statement.ts";

const COMPARISONS = ["=", "<>", "!=", "<=", ">=", "<", ">"];
const TESTS = new Set(["attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"]);

export function readCondition(cursor: Cursor): Condition {
  return readChain(cursor, "or", () => readChain(cursor, "and", () => readNot(cursor)));
}

/** Parts with AND or OR between them, as one flat list. */
function readChain(cursor: Cursor, kind: "and" | "or", read: () => Condition): Condition {
  const conditions: Condition[] = [];
  do {
    const part = read();
    conditions.push(...(part.kind === kind ? part.conditions : [part]));
  } while (cursor.take(kind.toUpperCase()));
  const [only] = conditions;
  return conditions.length === 1 && only ? only : { kind, conditions };
}

function readNot(cursor: Cursor): Condition {
  return cursor.take("NOT") ? not(readNot(cursor)) : readPredicate(cursor);
}

function not(condition: Condition): Condition {
  return condition.kind === "not" ? condition.condition : { kind: "not", condition };
}

function readPredicate(cursor: Cursor): Condition {
  if (cursor.takeSign("(")) {
    const inner = readCondition(cursor);
    cursor.expectSign(")");
    return inner;
  }
  if (cursor.isAtCall()) {
    const call = readCall(cursor);
    if (TESTS.has(call.name)) return { kind: "test", name: call.name, operands: call.operands };
    return readComparison(cursor, call);
  }
  return readComparison(cursor, readTerm(cursor));
}

function readComparison(cursor: Cursor, left: Operand): Condition {
  const operator = COMPARISONS.find((sign) => cursor.takeSign(sign));
  if (operator !== undefined) {
    return { kind: "compare", operator: operator === "!=" ? "<>" : operator, operands: [left, readTerm(cursor)] };
  }
  if (cursor.take("IS")) {
    const isNegated = cursor.take("NOT");
    const condition = readIs(cursor, left);
    return isNegated ? not(condition) : condition;
  }
  const isNegated = cursor.take("NOT");
  const condition = readRange(cursor, left);
  return isNegated ? not(condition) : condition;
}

function readIs(cursor: Cursor, operand: Operand): Condition {
  if (cursor.take("MISSING")) return { kind: "test", name: "attribute_not_exists", operands: [operand] };
  if (cursor.take("NULL")) {
    return { kind: "compare", operator: "=", operands: [operand, { kind: "literal", value: { NULL: true } }] };
  }
  throw cursor.unexpected("MISSING or NULL");
}

function readRange(cursor: Cursor, operand: Operand): Condition {
  if (cursor.take("BETWEEN")) {
    const low = readTerm(cursor);
    cursor.expect("AND");
    return { kind: "between", operands: [operand, low, readTerm(cursor)] };
  }
  if (cursor.take("IN")) {
    const end = cursor.takeSign("[") ? "]" : cursor.takeSign("(") ? ")" : undefined;
    const list = end === undefined ? [] : cursor.list(end, () => readTerm(cursor));
    if (list.length === 0) {
      throw DynamoDbError.validation(
        "IN operator must have a right hand argument of type Seq with at least one member",
      );
    }
    return { kind: "in", operand, list };
  }
  throw cursor.unexpected("a comparison, IS, IN or BETWEEN");
}
