/**
 * `ExecuteStatement` and `BatchExecuteStatement`: each statement is done by the operation that does the same, under the same lock and at
 * the same price. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html
 */

import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { DynamoDbError, type Engine } from "./engine.ts";
import { createMemo } from "./memo.ts";
import { type Plan, readStatement, type Term } from "./partiql.ts";

const MAX_STATEMENTS = 25;

/** A statement with its values, as the request of an operation. */
interface Bound {
  operation: "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem";
  request: JsonObject;
  /** Tells items apart. */
  key: string;
}

/** A plan for a table whose key is known. */
interface Compiled {
  plan: Plan;
  keyNames: readonly string[];
  expressions: JsonObject;
  names: Readonly<Record<string, string>>;
  values: readonly (readonly [string, Term])[];
}

/** An error of one statement, by the exception of the operation. */
const CODES: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: "ConditionalCheckFailed",
  ResourceNotFoundException: "ResourceNotFound",
  ValidationException: "ValidationError",
};

export interface Statements {
  /** @throws DynamoDbError */
  execute(request: JsonObject): Promise<JsonObject>;
  /** @throws DynamoDbError for a call that is refused as a whole */
  executeBatch(request: JsonObject): Promise<JsonObject>;
}

export function createStatements(engine: Engine): Statements {
  const plans = createMemo<Plan>();
  const compilations = createMemo<Compiled>();

  const bind = async (statement: JsonObject, more: JsonObject): Promise<Bound> => {
    const text = String(statement.Statement ?? "");
    const plan = plans(text, () => readStatement(text));
    const parameters = objectsOf(statement.Parameters);
    if (parameters.length !== plan.parameters) {
      throw DynamoDbError.validation("Number of parameters in request and statement don't match.");
    }
    engine.checkValues(parameters);
    const keyNames = await engine.keyNames(plan.table);
    const compiled = compilations(`${keyNames.join(" ")} ${text}`, () => compile(plan, keyNames));
    return toRequest(compiled, parameters, { ...more, ...returned(statement) });
  };

  const run = async ({ operation, request }: Bound): Promise<JsonObject> => {
    try {
      return await engine.executeOwn(operation, request);
    } catch (error) {
      const isDuplicate = operation === "PutItem" && isNamed(error, "ConditionalCheckFailedException");
      if (!isDuplicate) throw error;
      throw new DynamoDbError(
        "com.amazonaws.dynamodb.v20120810#DuplicateItemException",
        "Duplicate primary key exists in table",
      );
    }
  };

  const answer = async (bound: Bound): Promise<{ response: JsonObject; capacity: unknown }> => {
    const done = await run(bound);
    const item = done.Item ?? done.Attributes;
    return {
      response: { TableName: bound.request.TableName, ...(item !== undefined && { Item: item }) },
      capacity: done.ConsumedCapacity,
    };
  };

  return {
    async execute(request) {
      const more = { ReturnConsumedCapacity: request.ReturnConsumedCapacity, ConsistentRead: request.ConsistentRead };
      const { response, capacity } = await answer(await bind(request, more));
      return {
        Items: response.Item === undefined ? [] : [response.Item],
        ...(capacity !== undefined && { ConsumedCapacity: capacity }),
      };
    },

    async executeBatch(request) {
      const statements = objectsOf(request.Statements);
      if (statements.length === 0) throw DynamoDbError.validation("The statement was empty.");
      if (statements.length > MAX_STATEMENTS) {
        throw DynamoDbError.validation(`Member must have length less than or equal to ${MAX_STATEMENTS}`);
      }
      const bound = await Promise.all(
        statements.map((statement) =>
          bind(statement, {
            ReturnConsumedCapacity: request.ReturnConsumedCapacity,
            ConsistentRead: statement.ConsistentRead,
          }).catch(asDynamoDbError),
        ),
      );
      refuseTogether(bound.flatMap((one) => (one instanceof DynamoDbError ? [] : [one])));
      const capacities: unknown[] = [];
      const Responses = await Promise.all(
        bound.map(async (one): Promise<JsonObject> => {
          if (one instanceof DynamoDbError) return { Error: errorOf(one) };
          try {
            const { response, capacity } = await answer(one);
            capacities.push(capacity);
            return response;
          } catch (error) {
            return { Error: errorOf(asDynamoDbError(error)), TableName: one.request.TableName };
          }
        }),
      );
      const isAsked = request.ReturnConsumedCapacity !== undefined && request.ReturnConsumedCapacity !== "NONE";
      return { Responses, ...(isAsked && { ConsumedCapacity: summed(capacities) }) };
    },
  };
}

function compile(plan: Plan, keyNames: readonly string[]): Compiled {
  const [partition = ""] = keyNames;
  const exists = "attribute_exists(#key)";
  const isNew = "attribute_not_exists(#key)";
  const condition = plan.condition(keyNames);
  const expressions: JsonObject = {};
  if (plan.kind === "INSERT") expressions.ConditionExpression = isNew;
  else if (plan.kind === "UPDATE") {
    expressions.UpdateExpression = plan.update;
    // An UPDATE of an item that is not there fails like one whose condition is false.
    expressions.ConditionExpression = condition === undefined ? exists : `${exists} AND ${condition}`;
  } else if (plan.kind === "DELETE" && condition !== undefined) {
    expressions.ConditionExpression = `${isNew} OR ${condition}`;
  } else if (plan.kind === "SELECT") {
    if (condition !== undefined) throw DynamoDbError.validation("Only single item select is supported");
    if (plan.projection !== undefined) expressions.ProjectionExpression = plan.projection;
  }
  if (plan.kind !== "INSERT" && !keyNames.every((name) => plan.equalities.has(name))) {
    throw DynamoDbError.validation(
      plan.kind === "SELECT"
        ? "Only single item select is supported"
        : "Where clause does not contain a mandatory equality on all key attributes",
    );
  }
  const texts = Object.values(expressions).join(" ");
  const isUsed = (placeholder: string): boolean => new RegExp(`${placeholder}\\b`).test(texts);
  const names = Object.entries({ ...plan.names, "#key": partition }).filter(([placeholder]) => isUsed(placeholder));
  const values = Object.entries(plan.values).filter(([placeholder]) => isUsed(placeholder));
  return { plan, keyNames, expressions, names: Object.fromEntries(names), values };
}

const OPERATIONS = { INSERT: "PutItem", UPDATE: "UpdateItem", DELETE: "DeleteItem", SELECT: "GetItem" } as const;

function toRequest(compiled: Compiled, parameters: readonly JsonObject[], more: JsonObject): Bound {
  const { plan, keyNames, expressions, names, values } = compiled;
  // The engine changes what it is given: a value that is written out serves other calls, too.
  const given = (term: Term): unknown =>
    "parameter" in term ? parameters[term.parameter] : structuredClone(term.value);
  const all = (terms: Iterable<readonly [string, Term]>): JsonObject =>
    Object.fromEntries([...terms].map(([name, term]) => [name, given(term)]));
  const isInsert = plan.kind === "INSERT";
  const item = all(Object.entries(plan.item));
  const missing = keyNames.find((name) => isInsert && item[name] === undefined);
  if (missing !== undefined) {
    throw DynamoDbError.validation(`Key attribute should be present in the item: Key ${missing}`);
  }
  const equalities = [...plan.equalities].filter(([name]) => keyNames.includes(name));
  const key = isInsert ? Object.fromEntries(keyNames.map((name) => [name, item[name]])) : all(equalities);
  return {
    operation: OPERATIONS[plan.kind],
    key: JSON.stringify([plan.table, keyNames.map((name) => key[name])]),
    request: {
      TableName: plan.table,
      ...(isInsert ? { Item: item } : { Key: key }),
      ...expressions,
      ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
      ...(values.length > 0 && { ExpressionAttributeValues: all(values) }),
      ...(plan.returns !== "NONE" && { ReturnValues: plan.returns }),
      ...more,
    },
  };
}

/** The item of a failed condition, if the statement asks for it. An INSERT that finds an item never shows it. */
function returned({ ReturnValuesOnConditionCheckFailure: asked }: JsonObject): JsonObject {
  return asked === undefined ? {} : { ReturnValuesOnConditionCheckFailure: asked };
}

/** @throws DynamoDbError for statements that one call cannot hold */
function refuseTogether(bound: readonly Bound[]): void {
  const reads = bound.filter(({ operation }) => operation === "GetItem").length;
  if (reads > 0 && reads < bound.length) {
    throw DynamoDbError.validation("Read and write requests together in the same batch is not supported.");
  }
  if (new Set(bound.map(({ key }) => key)).size < bound.length) {
    throw DynamoDbError.validation("Provided list of item keys contains duplicates");
  }
}

function errorOf({ name, message, body }: DynamoDbError): JsonObject {
  const Code = name === "DuplicateItemException" ? "DuplicateItem" : (CODES[name] ?? "InternalServerError");
  return { Code, Message: message, ...(isObject(body.Item) && { Item: body.Item }) };
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof DynamoDbError && error.name === name;
}

function asDynamoDbError(error: unknown): DynamoDbError {
  if (error instanceof DynamoDbError) return error;
  throw error;
}

/** The units that all statements have used, for each table. */
function summed(capacities: readonly unknown[]): JsonObject[] {
  const units = new Map<string, number>();
  for (const capacity of capacities) {
    if (!isObject(capacity)) continue;
    const table = String(capacity.TableName);
    units.set(table, (units.get(table) ?? 0) + Number(capacity.CapacityUnits));
  }
  return [...units].map(([TableName, CapacityUnits]) => ({ TableName, CapacityUnits }));
}
