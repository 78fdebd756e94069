/**
 * Reads the PartiQL statements that name one item by its whole key.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
 */
import { DynamoDbError } from "../error.ts";
import { readCondition } from "./conditions.ts";
import { Cursor } from "./cursor.ts";
import { readFields, readPath, readSum } from "./operands.ts";
import type { Action, Change, Condition, Operand, Path, Returning, Statement } from "./statement.ts";

/** @throws DynamoDbError if it is no PartiQL, or a part of it that is not emulated */
export function parseStatement(text: string): Statement {
  const cursor = new Cursor(text);
  const [table, action] = readAction(cursor);
  cursor.takeSign(";");
  if (cursor.token.kind !== "end") throw cursor.unexpected("the end of the statement");
  return { table, action, parameterCount: cursor.parameterCount };
}

function readAction(cursor: Cursor): [string, Action] {
  if (cursor.take("INSERT")) return readInsert(cursor);
  if (cursor.take("UPDATE")) return readUpdate(cursor);
  if (cursor.take("DELETE")) return readDelete(cursor);
  if (cursor.take("SELECT")) return readSelect(cursor);
  if (cursor.isAt("EXISTS")) {
    throw DynamoDbError.validation("EXISTS can only be used in ExecuteTransaction write requests.");
  }
  throw cursor.unexpected("INSERT, UPDATE, DELETE or SELECT");
}

function readInsert(cursor: Cursor): [string, Action] {
  cursor.expect("INTO");
  const table = readTable(cursor);
  cursor.expect("VALUE");
  if (!cursor.takeSign("{")) {
    throw DynamoDbError.validation(
      "Unsupported format in item expression. Please use struct format {...} to express item values for insert statement.",
    );
  }
  const item = readFields(cursor, () => readItemValue(cursor));
  if (cursor.isAt("RETURNING")) throw DynamoDbError.validation("RETURNING is not supported in INSERT");
  return [table, { kind: "insert", item }];
}

function readItemValue(cursor: Cursor): Operand {
  const { at } = cursor.token;
  const value = readSum(cursor);
  if (value.kind === "literal" || value.kind === "parameter") return value;
  throw DynamoDbError.validation(`Unsupported data type: expected a value or a parameter at character ${at + 1}`);
}

function readUpdate(cursor: Cursor): [string, Action] {
  const table = readTable(cursor);
  const changes: Change[] = [];
  for (;;) {
    if (cursor.take("SET")) {
      do changes.push(readSet(cursor));
      while (cursor.takeSign(","));
    } else if (cursor.take("REMOVE")) {
      changes.push({ kind: "remove", path: readPath(cursor) });
    } else {
      break;
    }
  }
  if (changes.length === 0) throw cursor.unexpected("SET or REMOVE");
  return [table, { kind: "update", changes, where: readWhere(cursor), returning: readReturning(cursor) }];
}

function readSet(cursor: Cursor): Change {
  const path = readPath(cursor);
  cursor.expectSign("=");
  const value = readSum(cursor);
  if (value.kind !== "call" || (value.name !== "set_add" && value.name !== "set_delete")) {
    return { kind: "set", path, value };
  }
  const name = value.name.toUpperCase();
  const [target, members] = value.operands;
  if (target?.kind !== "path" || JSON.stringify(target.path) !== JSON.stringify(path)) {
    throw DynamoDbError.validation(`The first argument to ${name} must equal the assignment value`);
  }
  if (members === undefined || value.operands.length > 2 || !mayBeSet(members)) {
    throw DynamoDbError.validation(`The second argument to ${name} must be a value with type SET`);
  }
  return { kind: value.name === "set_add" ? "add" : "delete", path, value: members };
}

/** A parameter shows its type only when it is there. */
function mayBeSet(operand: Operand): boolean {
  if (operand.kind === "parameter") return true;
  return operand.kind === "literal" && ("SS" in operand.value || "NS" in operand.value);
}

function readDelete(cursor: Cursor): [string, Action] {
  cursor.expect("FROM");
  const table = readTable(cursor);
  const where = readWhere(cursor);
  const returning = readReturning(cursor);
  if (returning !== "NONE" && returning !== "ALL_OLD") {
    throw DynamoDbError.validation("Invalid returning clause: Only RETURNING ALL OLD * is allowed in DELETE");
  }
  return [table, { kind: "delete", where, returning }];
}

function readSelect(cursor: Cursor): [string, Action] {
  const paths = cursor.takeSign("*") ? undefined : readProjection(cursor);
  cursor.expect("FROM");
  const table = readTable(cursor);
  return [table, { kind: "select", paths, where: readWhere(cursor) }];
}

function readProjection(cursor: Cursor): Path[] {
  const paths: Path[] = [];
  do {
    const path = readPath(cursor);
    if (paths.some((other) => JSON.stringify(other) === JSON.stringify(path))) {
      throw DynamoDbError.validation(`Duplicate identifiers in select clause: ${path.join(".")}`);
    }
    paths.push(path);
  } while (cursor.takeSign(","));
  return paths;
}

function readTable(cursor: Cursor): string {
  const name = cursor.name();
  if (cursor.takeSign(".")) {
    throw DynamoDbError.validation("This operation is not supported on an index: name the table alone");
  }
  if (!/^[a-zA-Z0-9_.-]{3,255}$/.test(name)) {
    throw DynamoDbError.validation(
      "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.",
    );
  }
  return name;
}

function readWhere(cursor: Cursor): Condition | undefined {
  return cursor.take("WHERE") ? readCondition(cursor) : undefined;
}

function readReturning(cursor: Cursor): Returning {
  if (!cursor.take("RETURNING")) return "NONE";
  const isAll = cursor.take("ALL");
  if (!isAll && !cursor.take("MODIFIED")) throw cursor.unexpected("ALL or MODIFIED");
  const isOld = cursor.take("OLD");
  if (!isOld && !cursor.take("NEW")) throw cursor.unexpected("OLD or NEW");
  if (!cursor.takeSign("*")) {
    throw DynamoDbError.validation("Expected '*' after ( MODIFIED | ALL ) ( NEW | OLD ) in RETURNING clause");
  }
  if (isAll) return isOld ? "ALL_OLD" : "ALL_NEW";
  return isOld ? "UPDATED_OLD" : "UPDATED_NEW";
}
