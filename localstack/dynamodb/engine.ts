/**
 * dynalite's engine without its server.
 *
 * Its server cannot be mounted safely: it throws, and so ends the process, when a client goes away in the middle of a
 * request, and it does not close its database unless it was listening itself, so the same directory could not be opened again.
 */
import { createRequire } from "node:module";
import type { DynaliteError, Store } from "dynalite/db/index.js";
import { storageFailure } from "../data-folder.ts";
import { isObject, type JsonObject, objectsOf, stringsOf } from "../json.ts";
import { isPlainMap } from "./attribute-values.ts";
import { batchGet } from "./batch-get.ts";
import { judgedHere } from "./conditions.ts";
import { checkConstraints } from "./constraints.ts";
import { directStore } from "./direct-store.ts";
import { DynamoDbError } from "./error.ts";
import { rememberExpressions } from "./expression-cache.ts";
import { writeKeysAtOnce } from "./key-texts.ts";
import { checkKeys } from "./keys.ts";
import { KnownRequests } from "./known-requests.ts";
import { judgeLegacy, takeEqualities } from "./legacy-conditions.ts";
import { withMoreTypes } from "./model.ts";
import { refuseInWords } from "./parser-refusals.ts";
import { promised } from "./promised.ts";
import { orderRemovals } from "./removals.ts";
import { checkRequest, type Rules, refuseUnknown, tableNameOf } from "./request-rules.ts";
import { checkDeletion, refuseMetrics, TableUpdates } from "./tables.ts";
import { guardWrites } from "./write-guard.ts";

const OPERATIONS = [
  ...["BatchGetItem", "BatchWriteItem", "CreateTable", "DeleteItem", "DeleteTable", "DescribeTable", "GetItem"],
  ...["ListTables", "ListTagsOfResource", "PutItem", "Query", "Scan", "TagResource", "UntagResource", "UpdateItem"],
  "UpdateTable",
];

const OF_ITEMS = /Item$|^(?:Query|Scan)$/;

export interface Engine {
  /** @param origin tells requests that are the same but for their values @throws DynamoDbError */
  execute(operation: string, request: JsonObject, origin?: string): Promise<JsonObject>;
  /** The request with only the members that `types` names, in dynalite's form of types. @throws DynamoDbError */
  check(request: JsonObject, types: object): JsonObject;
  /** Checks an AttributeValue, and writes its numbers in their shortest form. @throws DynamoDbError */
  checkValue(value: JsonObject): void;
  /** The attributes of a table's key, its partition key first. @throws DynamoDbError */
  keyNames(table: string): string[];
  close(): Promise<void>;
}

interface Operation {
  /** It reads or writes items, and changes no table. */
  readonly isOfItems: boolean;
  readonly types: object;
  readonly custom: ((data: JsonObject, store: Store) => string | undefined) | undefined;
  readonly run: (store: Store, data: JsonObject, done: (error: unknown, answer: unknown) => void) => void;
}

/** Members of requests that hold AttributeValues by name. */
const VALUES = new Set(["Key", "Item", "ExpressionAttributeValues", "ExclusiveStartKey"]);

/** Opens the engine on `path`, or in memory without one. After a failed write it writes nothing more, and `log` is told. */
export async function openEngine(path: string | undefined, log: (line: string) => void = () => {}): Promise<Engine> {
  const [{ default: db }, { default: validations }, { default: updateParser }, ...parsers] = await Promise.all([
    import("dynalite/db/index.js"),
    import("dynalite/validations/index.js"),
    import("dynalite/db/updateParser.js"),
    import("dynalite/db/conditionParser.js"),
    import("dynalite/db/projectionParser.js"),
  ]);
  answerFailedConditionsWithTheItem(db);
  checkKeys(db);
  writeKeysAtOnce(db);
  takeEqualities(validations);
  for (const parser of [updateParser, ...parsers.map((module) => module.default)]) {
    refuseInWords(parser, parser !== updateParser);
    rememberExpressions(parser);
  }
  const operations = loadOperations();
  const instant = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const store = db.create(path === undefined ? instant : { ...instant, path });
  await store.db.open();
  if (path !== undefined) guardWrites(store.db, (error) => fatal(error, path, log));
  const direct = directStore(store, path === undefined);
  const known = new KnownRequests(db.compare);

  const checkTypes = (request: JsonObject, types: object): JsonObject => {
    const plain: JsonObject = {};
    const rest: JsonObject = {};
    for (const [name, value] of Object.entries(request)) {
      (VALUES.has(name) && name in types && isPlainMap(value) ? plain : rest)[name] = value;
    }
    return { ...validations.checkTypes(rest, types), ...plain };
  };

  const inFlight = new Set<Promise<unknown>>();
  const updates = new TableUpdates(store, db, async () => {
    await Promise.allSettled(inFlight);
  });
  const place = { region: store.tableDb.awsRegion, account: store.tableDb.awsAccountId };

  const carryOut = async ({ run, isOfItems }: Operation, data: JsonObject): Promise<JsonObject> => {
    const answer = await promised((done) => run(isOfItems ? direct.store : store, data, done));
    return isObject(answer) ? answer : {};
  };

  const run = async (name: string, operation: Operation, data: JsonObject): Promise<JsonObject> => {
    await refuseMetrics(store, data);
    if (operation.isOfItems && name !== "BatchGetItem") return carryOut(operation, data);
    const table = String(data.TableName);
    const read = operations.get("GetItem");
    if (name === "BatchGetItem" && read) return batchGet(data, (request) => carryOut(read, request), db.itemSize);
    if (name === "DeleteTable") await checkDeletion(store, table);
    const rest = name === "UpdateTable" ? await updates.apply(table, data) : data;
    const isDone = name === "UpdateTable" && Object.keys(rest).length === 1;
    if (isDone) return { TableDescription: await promised((done) => store.getTable(table, done)) };
    return carryOut(operation, rest);
  };

  const letIn = (name: string, { types, custom }: Operation, asked: JsonObject): JsonObject => {
    const request = "TableName" in asked ? { ...asked, TableName: tableNameOf(asked.TableName, place) } : asked;
    refuseUnknown(name, request, types);
    const data = checkTypes(request, types);
    // dynalite knows no protection, and would say that such an update has nothing to do.
    const isProtection = data.DeletionProtectionEnabled !== undefined && Object.keys(data).length === 2;
    checkConstraints(data, types);
    const rules: Rules | undefined = isProtection ? undefined : (checked) => custom?.(checked, store);
    checkRequest(name, data, rules);
    if (isObject(data._updates)) orderRemovals(data._updates);
    return data;
  };

  const perform = async (name: string, asked: JsonObject, origin: string | undefined): Promise<JsonObject> => {
    const operation = operations.get(name);
    if (operation === undefined) {
      throw new DynamoDbError("com.amazon.coral.service#UnknownOperationException", `${name} is not emulated.`);
    }
    try {
      const data = known.admit(asked, (request) => letIn(name, operation, request), { operation: name, origin });
      for (const parsed of [data._condition, data._filter]) {
        if (isObject(parsed)) parsed.expression = judgedHere(parsed.expression, db.compare);
      }
      judgeLegacy(data, db.compare);
      const answer = await run(name, operation, data);
      const { Attributes: attributes, ...rest } = answer;
      return isObject(attributes) && Object.keys(attributes).length === 0 ? rest : answer;
    } catch (error) {
      throw toDynamoDbError(error);
    }
  };

  const engine: Engine = {
    async execute(name, request, origin) {
      const performed = perform(name, request, origin);
      if (name === "UpdateTable") return performed;
      inFlight.add(performed);
      return performed.finally(() => inFlight.delete(performed));
    },
    check(request, types) {
      try {
        const data = checkTypes(request, types);
        checkConstraints(data, types);
        return data;
      } catch (error) {
        throw toDynamoDbError(error);
      }
    },
    checkValue(value) {
      const fault = validations.validateAttributeValue(value);
      if (fault !== undefined) throw DynamoDbError.validation(fault);
    },
    keyNames(name) {
      try {
        return objectsOf(direct.table(name).KeySchema).map((key) => String(key.AttributeName));
      } catch (error) {
        throw toDynamoDbError(error);
      }
    },
    close: () => store.lifecycleManager.gracefulClose(),
  };
  await finishTables(engine, store, updates);
  return engine;
}

function fatal(error: unknown, path: string, log: (line: string) => void): Error {
  const sentence = storageFailure(error, path);
  log(`dynamodb: ${sentence}`);
  return new DynamoDbError("com.amazonaws.dynamodb.v20120810#InternalServerError", sentence, 500);
}

/** A process that was killed while it made or removed a table left it in between, where dynalite would leave it for ever. */
async function finishTables(engine: Engine, store: Store, updates: TableUpdates): Promise<void> {
  const names = stringsOf((await engine.execute("ListTables", {})).TableNames);
  for (const name of names) {
    const table = await promised((done) => store.tableDb.get(name, done));
    if (!isObject(table)) continue;
    if (table.TableStatus === "ACTIVE") {
      await updates.resume(table);
      continue;
    }
    const wasDeleting = table.TableStatus === "DELETING";
    table.TableStatus = "ACTIVE";
    for (const index of objectsOf(table.GlobalSecondaryIndexes)) index.IndexStatus = "ACTIVE";
    await promised((done) => store.tableDb.put(name, table, done));
    if (wasDeleting) await engine.execute("DeleteTable", { TableName: name });
  }
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

function loadOperations(): Map<string, Operation> {
  const require = createRequire(import.meta.url);
  const operations = new Map<string, Operation>();
  for (const name of OPERATIONS) {
    const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
    const validation: unknown = require(`dynalite/validations/${file}`);
    const run: unknown = require(`dynalite/actions/${file}`);
    const { types, custom }: JsonObject = isObject(validation) ? validation : {};
    if (!isObject(types) || !isAction(run) || !isCheck(custom)) {
      throw new Error(`Package 'dynalite' has no usable ${name}: expected version 4.0.0. Run \`npm ci\`.`);
    }
    operations.set(name, { isOfItems: OF_ITEMS.test(name), types: withMoreTypes(name, types), custom, run });
  }
  return operations;
}

function isAction(value: unknown): value is Operation["run"] {
  return typeof value === "function";
}

function isCheck(value: unknown): value is Operation["custom"] {
  return value === undefined || typeof value === "function";
}

function toDynamoDbError(error: unknown): DynamoDbError {
  if (error instanceof DynamoDbError) return error;
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
