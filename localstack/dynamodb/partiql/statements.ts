/**
 * ExecuteStatement and BatchExecuteStatement: PartiQL statements that read or write one item by its whole key. Each is
 * carried out by the action of DynamoDB's own that does the same, so atomicity, checks and consumed capacity are the same.
 *
 * Refused: statements that read several items, indexes, transactions, and functions that DynamoDB does not have.
 */
import { isDeepStrictEqual } from "node:util";
import { isObject, type JsonObject, objectsOf } from "../../json.ts";
import { isPlainValue, plainTypeOf } from "../attribute-values.ts";
import { BoundedCache } from "../bounded-cache.ts";
import type { Engine } from "../engine.ts";
import { DynamoDbError } from "../error.ts";
import { parseStatement } from "./parser.ts";
import { type Plan, planOf, requestOf } from "./plan.ts";
import type { Operand, Statement } from "./statement.ts";

export interface Statements {
  /** ExecuteStatement. @throws DynamoDbError */
  execute(request: JsonObject): Promise<JsonObject>;
  /** BatchExecuteStatement. @throws DynamoDbError for the batch as a whole; a statement's own error is in the answer */
  executeBatch(request: JsonObject): Promise<JsonObject>;
}

const STATEMENT = {
  Statement: { type: "String", notNull: true, lengthGreaterThanOrEqual: 1, lengthLessThanOrEqual: 8192 },
  ConsistentRead: "Boolean",
  ReturnValuesOnConditionCheckFailure: { type: "String", enum: ["ALL_OLD", "NONE"] },
};
const PARAMETERS = { Parameters: { type: "List", lengthGreaterThanOrEqual: 1, children: "AttrStruct<ValueStruct>" } };
const CAPACITY = { ReturnConsumedCapacity: { type: "String", enum: ["INDEXES", "TOTAL", "NONE"] } };
const SINGLE = {
  ...STATEMENT,
  ...CAPACITY,
  NextToken: "String",
  Limit: { type: "Integer", greaterThanOrEqual: 1 },
};
const BATCH = {
  Statements: {
    type: "List",
    notNull: true,
    lengthGreaterThanOrEqual: 1,
    lengthLessThanOrEqual: 25,
    children: { type: "ValueStruct<BatchStatementRequest>", children: STATEMENT },
  },
  ...CAPACITY,
};

/** The codes of a statement in a batch, by those of the action that does the same. */
const BATCH_CODES: Readonly<Record<string, string>> = {
  ConditionalCheckFailedException: "ConditionalCheckFailed",
  DuplicateItemException: "DuplicateItem",
  ResourceNotFoundException: "ResourceNotFound",
  ValidationException: "ValidationError",
};

interface Planned extends Plan {
  readonly keyNames: readonly string[];
  /** No other plan has it. */
  readonly number: number;
}

/** A statement that was read, and the plan for the key that its table has. */
interface Known extends Statement {
  planned: Planned | undefined;
}

/** A statement that is ready to be carried out. */
interface Prepared {
  readonly table: string;
  /** Values of the key's attributes, in their order. */
  readonly key: readonly unknown[];
  readonly operation: Plan["operation"];
  readonly request: JsonObject;
  /** The same for all requests that the statement has become, but for their values. */
  readonly origin: string;
}

interface Answer {
  readonly item: JsonObject | undefined;
  readonly capacity: unknown;
}

const MAX_STATEMENTS = 1000;
const MAX_LENGTH = 16_384;

/** @param log gets faults of the engine, which a batch tells as the statement's own */
export function createStatements(engine: Engine, log: (line: string) => void): Statements {
  const known = new BoundedCache<Known>(MAX_STATEMENTS, MAX_LENGTH);
  let plans = 0;

  function read(text: string): Known {
    let statement = known.get(text);
    if (statement === undefined) {
      statement = { ...parseStatement(text), planned: undefined };
      known.set(text, statement);
    }
    return statement;
  }

  /** A table that is made anew may have another key. */
  function planFor(statement: Known, keyNames: readonly string[]): Planned {
    const { planned } = statement;
    if (planned && isDeepStrictEqual(planned.keyNames, keyNames)) return planned;
    const plan = planOf(statement, keyNames);
    for (const [, operand] of [...plan.keys, ...(plan.item ?? []), ...plan.values]) checkLiteral(engine, operand);
    plans += 1;
    statement.planned = { ...plan, keyNames, number: plans };
    return statement.planned;
  }

  /** The parameters of a statement, as it was asked. @throws DynamoDbError */
  function parametersOf({ Parameters }: JsonObject): JsonObject[] {
    const isPlain = Array.isArray(Parameters) && Parameters.length > 0 && Parameters.every(isPlainValue);
    const parameters = objectsOf(isPlain ? Parameters : engine.check({ Parameters }, PARAMETERS).Parameters);
    for (const parameter of parameters) if (plainTypeOf(parameter) === undefined) engine.checkValue(parameter);
    return parameters;
  }

  function prepare(request: JsonObject, parameters: readonly JsonObject[], consumed: unknown): Prepared {
    const statement = read(String(request.Statement));
    if (statement.parameterCount !== parameters.length) {
      throw DynamoDbError.validation("Number of parameters in request and statement don't match.");
    }
    const keyNames = engine.keyNames(statement.table);
    const plan = planFor(statement, keyNames);
    const own = requestOf(plan, parameters);
    const named = isObject(own.Item) ? own.Item : isObject(own.Key) ? own.Key : {};
    const shown = request.ReturnValuesOnConditionCheckFailure;
    return {
      origin: `plan ${plan.number} ${request.ConsistentRead} ${shown} ${consumed}`,
      table: statement.table,
      key: keyNames.map((name) => named[name]),
      operation: plan.operation,
      request: {
        ...own,
        ...(plan.operation === "GetItem"
          ? { ConsistentRead: request.ConsistentRead }
          : { ReturnValuesOnConditionCheckFailure: shown }),
        ReturnConsumedCapacity: consumed,
      },
    };
  }

  async function carryOut({ operation, request, origin }: Prepared): Promise<Answer> {
    try {
      const answer = await engine.execute(operation, request, origin);
      const item = answer.Item ?? answer.Attributes;
      return { item: isObject(item) ? item : undefined, capacity: answer.ConsumedCapacity };
    } catch (error) {
      throw inPartiql(operation, error);
    }
  }

  function errorOf(error: unknown): JsonObject {
    const known = error instanceof DynamoDbError ? error : undefined;
    const code = BATCH_CODES[known?.name ?? ""];
    if (known === undefined || code === undefined) {
      log(`dynamodb: a statement of a batch failed: ${error instanceof Error ? error.stack : error}`);
    }
    return { Code: code ?? "InternalServerError", Message: String(known?.message), Item: known?.body.Item };
  }

  return {
    async execute(request) {
      const parameters = parametersOf(request);
      const data = engine.check(request, SINGLE);
      if (data.NextToken !== undefined) {
        throw DynamoDbError.validation("NextToken is not emulated: a SELECT must name one item by its whole key.");
      }
      const { item, capacity } = await carryOut(prepare(data, parameters, data.ReturnConsumedCapacity));
      return { Items: isEmpty(item) ? [] : [item], ConsumedCapacity: capacity };
    },

    async executeBatch(request) {
      // Before the check of the batch, which drops them from the request.
      const parameters = objectsOf(request.Statements).map(parametersOf);
      const data = isPlainBatch(request) ? request : engine.check(request, BATCH);
      const requests = objectsOf(data.Statements);
      const prepared = requests.map((one, index) => {
        try {
          return prepare(one, parameters[index] ?? [], data.ReturnConsumedCapacity);
        } catch (error) {
          return { error };
        }
      });
      checkTogether(prepared.filter((one) => "operation" in one));
      const capacities: unknown[] = [];
      const Responses = await Promise.all(
        prepared.map(async (one, index) => {
          if ("error" in one) return { Error: errorOf(one.error) };
          try {
            const { item, capacity } = await carryOut(one);
            capacities[index] = capacity;
            return { TableName: one.table, Item: one.operation !== "GetItem" && isEmpty(item) ? undefined : item };
          } catch (error) {
            return { Error: errorOf(error), TableName: one.table };
          }
        }),
      );
      const ConsumedCapacity = capacities.filter((capacity) => capacity !== undefined);
      return { Responses, ...(ConsumedCapacity.length > 0 && { ConsumedCapacity }) };
    },
  };
}

/** Whether a batch surely fits its types and bounds: the check of them would be a tenth of its work. */
function isPlainBatch({ Statements: statements, ...others }: JsonObject): boolean {
  if (Object.keys(others).length > 0 || !Array.isArray(statements)) return false;
  const { lengthGreaterThanOrEqual: least, lengthLessThanOrEqual: most } = BATCH.Statements;
  return statements.length >= least && statements.length <= most && statements.every(isPlainStatement);
}

function isPlainStatement(one: unknown): boolean {
  if (!isObject(one)) return false;
  const { Statement: text, Parameters: _, ReturnValuesOnConditionCheckFailure: shown, ...others } = one;
  if (typeof text !== "string" || Object.keys(others).length > 0) return false;
  const isShown = shown === undefined || shown === "ALL_OLD" || shown === "NONE";
  return isShown && text.length > 0 && text.length <= STATEMENT.Statement.lengthLessThanOrEqual;
}

function checkLiteral(engine: Engine, operand: Operand): void {
  if (operand.kind === "literal") engine.checkValue(operand.value);
}

/** Refuses a batch that reads and writes, or that names one item twice. */
function checkTogether(prepared: readonly Prepared[]): void {
  const reads = prepared.filter(({ operation }) => operation === "GetItem").length;
  if (reads !== 0 && reads !== prepared.length) {
    throw DynamoDbError.validation("Read and write requests together in the same batch is not supported.");
  }
  const keys = new Set<string>();
  for (const { table, key } of prepared) {
    const name = JSON.stringify([table, key]);
    if (keys.has(name)) throw DynamoDbError.validation("Provided list of item keys contains duplicates");
    keys.add(name);
  }
}

/** The error of an action, as it is told of the statement that it carried out. */
function inPartiql(operation: Plan["operation"], error: unknown): unknown {
  if (!(error instanceof DynamoDbError)) return error;
  if (error.name === "ConditionalCheckFailedException" && operation === "PutItem") {
    const message = "Duplicate primary key exists in table";
    return new DynamoDbError("com.amazonaws.dynamodb.v20120810#DuplicateItemException", message);
  }
  // Nobody has written that expression.
  const written = error.message.replace(/^Invalid (?:Condition|Projection|Update)Expression: /, "");
  return written === error.message ? error : DynamoDbError.validation(written);
}

function isEmpty(item: JsonObject | undefined): boolean {
  return item === undefined || Object.keys(item).length === 0;
}
