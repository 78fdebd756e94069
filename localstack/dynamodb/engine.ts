/**
 * dynalite's engine without its server.
 *
 * Its server cannot be mounted safely: it throws, and so ends the process, when a client goes away in the middle of a
 * request, and it does not close its database unless it was listening itself, so the same directory could not be opened again.
 */
import { createRequire } from "node:module";
import type { DynaliteError, Store } from "dynalite/db/index.js";
import { isObject, type JsonObject, objectsOf, stringsOf } from "../json.ts";
import { cacheExpressions } from "./expression-cache.ts";

const OPERATIONS = [
  ...["BatchGetItem", "BatchWriteItem", "CreateTable", "DeleteItem", "DeleteTable", "DescribeTable", "GetItem"],
  ...["ListTables", "ListTagsOfResource", "PutItem", "Query", "Scan", "TagResource", "UntagResource", "UpdateItem"],
  "UpdateTable",
];

/** An answer that is an error: what DynamoDB would send with status 400, or 500 if the engine failed. */
export class DynamoDbError extends Error {
  readonly status: number;
  readonly body: JsonObject;

  constructor(type: string, message: string, status = 400, body: JsonObject = {}) {
    super(message);
    this.name = type.slice(type.indexOf("#") + 1);
    this.status = status;
    this.body = { __type: type, message, ...body };
  }

  static validation(message: string): DynamoDbError {
    return new DynamoDbError("com.amazon.coral.validate#ValidationException", message);
  }
}

export interface Engine {
  /** @throws DynamoDbError */
  execute(operation: string, request: JsonObject): Promise<JsonObject>;
  /** The same for a request that the local cloud has made itself of attribute values that `checkValues` took. */
  executeOwn(operation: string, request: JsonObject): Promise<JsonObject>;
  /** Makes sure that values have the form of attribute values. @throws DynamoDbError */
  checkValues(values: readonly JsonObject[]): void;
  /** The attributes of a table's key, the partition's first. @throws DynamoDbError if there is no such table */
  keyNames(table: string): Promise<string[]>;
  close(): Promise<void>;
}

interface Operation {
  readonly types: object;
  readonly custom: unknown;
  readonly run: (store: Store, data: JsonObject, done: (error: unknown, answer: unknown) => void) => void;
}

/** Opens the engine on `path`, or in memory without one. */
export async function openEngine(path: string | undefined): Promise<Engine> {
  const [{ default: db }, { default: validations }] = await Promise.all([
    import("dynalite/db/index.js"),
    import("dynalite/validations/index.js"),
  ]);
  answerFailedConditionsWithTheItem(db);
  cacheExpressions();
  skipAbsentIndexes(db);
  const operations = loadOperations();
  const instant = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const store = db.create(path === undefined ? instant : { ...instant, path });
  await store.db.open();

  const run = async (name: string, request: JsonObject, isOwn: boolean): Promise<JsonObject> => {
    const operation = operations.get(name);
    if (operation === undefined) {
      throw new DynamoDbError("com.amazon.coral.service#UnknownOperationException", `${name} is not emulated.`);
    }
    const onFailure = request.ReturnValuesOnConditionCheckFailure;
    try {
      const data = isOwn ? request : validations.checkTypes(request, operation.types);
      validations.checkValidations(data, operation.types, operation.custom, store);
      if (onFailure !== undefined) data.ReturnValuesOnConditionCheckFailure = onFailure;
      const answer = await promised((done) => operation.run(store, data, done));
      return isObject(answer) ? answer : {};
    } catch (error) {
      throw toDynamoDbError(error);
    }
  };

  const engine: Engine = {
    execute: (name, request) => run(name, request, false),
    executeOwn: (name, request) => run(name, request, true),
    checkValues(values) {
      const others = values.filter((value) => !isPlain(value));
      try {
        if (others.length > 0) validations.checkTypes({ Values: others }, VALUES);
      } catch (error) {
        throw toDynamoDbError(error);
      }
    },
    async keyNames(name) {
      const table = await promised((done) => store.tableDb.get(name, done)).catch(() => undefined);
      if (!isObject(table)) {
        throw new DynamoDbError(
          "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
          "Cannot do operations on a non-existent table",
        );
      }
      return objectsOf(table.KeySchema)
        .toSorted((one) => (one.KeyType === "HASH" ? -1 : 1))
        .map(({ AttributeName }) => String(AttributeName));
    },
    close: () => store.lifecycleManager.gracefulClose(),
  };
  await finishTables(engine, store);
  return engine;
}

/** A process that was killed while it made or removed a table left it in between, where dynalite would leave it for ever. */
async function finishTables(engine: Engine, store: Store): Promise<void> {
  const names = stringsOf((await engine.execute("ListTables", {})).TableNames);
  for (const name of names) {
    const table = await promised((done) => store.tableDb.get(name, done));
    if (!isObject(table) || table.TableStatus === "ACTIVE") continue;
    const wasDeleting = table.TableStatus === "DELETING";
    table.TableStatus = "ACTIVE";
    for (const index of objectsOf(table.GlobalSecondaryIndexes)) index.IndexStatus = "ACTIVE";
    await promised((done) => store.tableDb.put(name, table, done));
    if (wasDeleting) await engine.execute("DeleteTable", { TableName: name });
  }
}

const VALUES = { Values: { type: "List", children: "AttrStruct<ValueStruct>" } };

/** A text or a number, which is what most values are, needs no look at all its possible forms. */
function isPlain(value: JsonObject): boolean {
  const [type, ...more] = Object.keys(value);
  return more.length === 0 && (type === "S" || type === "N") && typeof value[type] === "string";
}

function promised(call: (done: (error: unknown, value?: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
}

/**
 * dynalite ignores ReturnValuesOnConditionCheckFailure. Its condition check runs under the item's lock, so the item that
 * is added here is the very one that failed the condition, as on AWS.
 */
function answerFailedConditionsWithTheItem(db: typeof import("dynalite/db/index.js").default): void {
  const check = db.checkConditional;
  if (check.name === "checkAndShow") return;
  db.checkConditional = function checkAndShow(data, existingItem) {
    const error = check(data, existingItem);
    if (error?.body && existingItem && data.ReturnValuesOnConditionCheckFailure === "ALL_OLD") {
      error.body.Item = existingItem;
    }
    return error;
  };
}

/** dynalite walks through the indexes of a table with each write, at a twentieth of its cost, though there are none. */
function skipAbsentIndexes(db: typeof import("dynalite/db/index.js").default): void {
  const update = db.updateIndexes;
  if (update.name === "updateThoseThatAre") return;
  db.updateIndexes = function updateThoseThatAre(store, table, existingItem, item, done) {
    if (table.LocalSecondaryIndexes || table.GlobalSecondaryIndexes) update(store, table, existingItem, item, done);
    else done(null);
  };
}

function loadOperations(): Map<string, Operation> {
  const require = createRequire(import.meta.url);
  const operations = new Map<string, Operation>();
  for (const name of OPERATIONS) {
    const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
    const validation: unknown = require(`dynalite/validations/${file}`);
    const run: unknown = require(`dynalite/actions/${file}`);
    if (!isObject(validation) || !isObject(validation.types) || !isAction(run)) {
      throw new Error(`Package 'dynalite' has no usable ${name}: expected version 4.0.0. Run \`npm ci\`.`);
    }
    operations.set(name, { types: validation.types, custom: validation.custom, run });
  }
  return operations;
}

function isAction(value: unknown): value is Operation["run"] {
  return typeof value === "function";
}

function toDynamoDbError(error: unknown): DynamoDbError {
  if (isAnswer(error)) {
    const { __type: type, message, Message, ...rest } = error.body ?? {};
    return new DynamoDbError(String(type), String(message ?? Message ?? ""), error.statusCode, rest);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DynamoDbError("com.amazonaws.dynamodb.v20120810#InternalServerError", reason, 500);
}

function isAnswer(error: unknown): error is DynaliteError {
  return error instanceof Error && "statusCode" in error && "body" in error;
}
