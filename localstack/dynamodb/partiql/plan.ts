/** Turns a statement into the request of DynamoDB's own that does the same. */
import { isObject, type JsonObject } from "../../json.ts";
import { DynamoDbError } from "../error.ts";
import { StandIns } from "./stand-ins.ts";
import type { Action, Change, Condition, Operand, Statement } from "./statement.ts";

/** A request in which parameters still stand for values. */
export interface Plan {
  readonly operation: "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem";
  /** The part that is the same whatever the parameters are. */
  readonly request: JsonObject;
  /** Equalities of the key's attributes, in the order of the text; the same name may come twice. */
  readonly keys: readonly (readonly [string, Operand])[];
  /** The item of an INSERT. */
  readonly item: readonly (readonly [string, Operand])[] | undefined;
  readonly values: readonly (readonly [string, Operand])[];
  /** Values that must be sets, with the function that wants them. */
  readonly sets: readonly (readonly [string, Operand])[];
}

/** @param keyNames the attributes of the table's key, its partition key first */
export function planOf({ table, action }: Statement, keyNames: readonly string[]): Plan {
  const standIns = new StandIns();
  switch (action.kind) {
    case "insert": {
      const ConditionExpression = `attribute_not_exists(${standIns.name(keyNames[0] ?? "")})`;
      return finish("PutItem", { TableName: table, ConditionExpression }, { standIns, item: action.item });
    }
    case "update":
      return planUpdate(table, action, keyNames);
    case "delete": {
      const { keys, rest } = splitWhere(action.where, keyNames);
      // An item that is not there is deleted already, whatever the condition says.
      const absent = test("attribute_not_exists", keyNames[0] ?? "");
      const condition = rest && { kind: "or" as const, conditions: [absent, rest] };
      const request = {
        TableName: table,
        ReturnValues: action.returning,
        ...(condition && { ConditionExpression: standIns.condition(condition) }),
      };
      return finish("DeleteItem", request, { standIns, keys });
    }
    case "select": {
      const { keys, rest } = splitWhere(action.where, keyNames, "Only single item select is supported");
      if (rest !== undefined) throw DynamoDbError.validation("Only single item select is supported");
      const projection = action.paths?.map((path) => standIns.path(path)).join(", ");
      const request = { TableName: table, ...(projection && { ProjectionExpression: projection }) };
      return finish("GetItem", request, { standIns, keys });
    }
  }
}

function planUpdate(table: string, action: Action & { kind: "update" }, keyNames: readonly string[]): Plan {
  const standIns = new StandIns();
  const { keys, rest } = splitWhere(action.where, keyNames);
  const sections = (["set", "remove", "add", "delete"] as const).flatMap((kind) => {
    const changes = action.changes.filter((change) => change.kind === kind);
    const texts = changes.map((change) => changeText(change, standIns));
    return texts.length === 0 ? [] : [`${kind.toUpperCase()} ${texts.join(", ")}`];
  });
  // PartiQL never makes an item that is not there.
  const present = test("attribute_exists", keyNames[0] ?? "");
  const conditions = rest?.kind === "and" ? rest.conditions : rest === undefined ? [] : [rest];
  const request = {
    TableName: table,
    UpdateExpression: sections.join(" "),
    ConditionExpression: standIns.condition({ kind: "and", conditions: [present, ...conditions] }),
    ReturnValues: action.returning,
  };
  const sets = action.changes.flatMap((change) =>
    change.kind === "add" || change.kind === "delete"
      ? [[`SET_${change.kind.toUpperCase()}`, change.value] as const]
      : [],
  );
  return { ...finish("UpdateItem", request, { standIns, keys }), sets };
}

function changeText(change: Change, standIns: StandIns): string {
  const path = standIns.path(change.path);
  if (change.kind === "remove") return path;
  return `${path}${change.kind === "set" ? " =" : ""} ${standIns.operand(change.value)}`;
}

function finish(
  operation: Plan["operation"],
  request: JsonObject,
  { standIns, keys = [], item }: Pick<Partial<Plan>, "keys" | "item"> & { standIns: StandIns },
): Plan {
  const hasNames = Object.keys(standIns.names).length > 0;
  return {
    operation,
    request: { ...request, ...(hasNames && { ExpressionAttributeNames: standIns.names }) },
    keys,
    item,
    values: Object.entries(standIns.values),
    sets: [],
  };
}

function test(name: string, attribute: string): Condition {
  return { kind: "test", name, operands: [{ kind: "path", path: [attribute] }] };
}

const NO_KEY = "Where clause does not contain a mandatory equality on all key attributes";

/** The key that a WHERE names, and the rest of it, which is a condition. */
function splitWhere(
  where: Condition | undefined,
  keyNames: readonly string[],
  withoutKey = NO_KEY,
): { keys: [string, Operand][]; rest: Condition | undefined } {
  const all = where === undefined ? [] : where.kind === "and" ? where.conditions : [where];
  const keys: [string, Operand][] = [];
  const rest: Condition[] = [];
  for (const condition of all) {
    const key = keyIn(condition, keyNames);
    if (key === undefined) rest.push(condition);
    else keys.push(key);
  }
  if (!keyNames.every((name) => keys.some(([key]) => key === name))) throw DynamoDbError.validation(withoutKey);
  const [only] = rest;
  return { keys, rest: rest.length > 1 ? { kind: "and", conditions: rest } : only };
}

/** `pk = ?` or `? = pk`. */
function keyIn(condition: Condition, keyNames: readonly string[]): [string, Operand] | undefined {
  if (condition.kind !== "compare" || condition.operator !== "=") return undefined;
  const [left, right] = condition.operands;
  for (const [name, value] of [
    [left, right],
    [right, left],
  ] as const) {
    const isValue = value.kind === "literal" || value.kind === "parameter";
    const key = name.kind === "path" && name.path.length === 1 ? name.path[0] : undefined;
    if (isValue && typeof key === "string" && keyNames.includes(key)) return [key, value];
  }
  return undefined;
}

/** The request with the parameters in their places. @throws DynamoDbError if they do not fit */
export function requestOf(plan: Plan, parameters: readonly JsonObject[]): JsonObject {
  const resolve = (operand: Operand): JsonObject => {
    if (operand.kind === "literal") return operand.value;
    const parameter = operand.kind === "parameter" ? parameters[operand.index] : undefined;
    if (parameter === undefined)
      throw new Error(`A plan has an operand of kind '${operand.kind}' where a value belongs.`);
    return parameter;
  };
  const resolveAll = (operands: readonly (readonly [string, Operand])[]): JsonObject =>
    Object.fromEntries(operands.map(([name, operand]) => [name, resolve(operand)]));
  for (const [name, operand] of plan.sets) {
    const type = Object.keys(resolve(operand))[0] ?? "";
    if (!["SS", "NS", "BS"].includes(type)) {
      throw DynamoDbError.validation(`The second argument to ${name} must be a value with type SET`);
    }
  }
  return {
    ...plan.request,
    ...(plan.item ? { Item: resolveAll(plan.item) } : { Key: keyOf(plan, resolve) }),
    ...(plan.values.length > 0 && { ExpressionAttributeValues: resolveAll(plan.values) }),
  };
}

function keyOf(plan: Plan, resolve: (operand: Operand) => JsonObject): JsonObject {
  const key: JsonObject = {};
  for (const [name, operand] of plan.keys) {
    const value = resolve(operand);
    const other = key[name];
    if (isObject(other) && JSON.stringify(other) !== JSON.stringify(value)) {
      throw DynamoDbError.validation(
        `Multiple conditions on same key ${name}. Only single item Update/Insert/Delete are supported`,
      );
    }
    key[name] = value;
  }
  return key;
}
