/** Tables' settings that dynalite drops: protection against deletion, indexes that come and go. */
import type { Store, SubDatabase } from "dynalite/db/index.js";
import { isObject, type JsonObject, objectsOf } from "../json.ts";
import { DynamoDbError } from "./error.ts";
import { indexKeyFault } from "./keys.ts";
import { promised } from "./promised.ts";

type Db = typeof import("dynalite/db/index.js").default;

/** Refuses the deletion of a protected table. @throws DynamoDbError */
export async function checkDeletion(store: Store, name: string): Promise<void> {
  const table = await tableOf(store, name);
  if (table?.DeletionProtectionEnabled !== true) return;
  throw DynamoDbError.validation(
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
  );
}

/** Refuses to be asked for the size of item collections, which only tables with local indexes have. @throws DynamoDbError */
export async function refuseMetrics(store: Store, request: JsonObject): Promise<void> {
  if (request.ReturnItemCollectionMetrics !== "SIZE") return;
  const names = isObject(request.RequestItems) ? Object.keys(request.RequestItems) : [String(request.TableName)];
  for (const name of names) {
    const table = await tableOf(store, name);
    if (objectsOf(table?.LocalSecondaryIndexes).length === 0) continue;
    throw DynamoDbError.validation("ReturnItemCollectionMetrics is not emulated: leave it out.");
  }
}

/** Carries out the parts of UpdateTable that dynalite does not know. */
export class TableUpdates {
  readonly #store: Store;
  readonly #db: Db;
  readonly #settled: () => Promise<void>;

  /** @param settled resolves when every request that may have read a table before now has ended */
  constructor(store: Store, db: Db, settled: () => Promise<void>) {
    this.#store = store;
    this.#db = db;
    this.#settled = settled;
  }

  /** Makes or removes an index, or sets the protection; answers with the rest of the request. @throws DynamoDbError */
  async apply(name: string, request: JsonObject): Promise<JsonObject> {
    const { DeletionProtectionEnabled: isProtected, AttributeDefinitions: definitions, ...rest } = request;
    const updates = objectsOf(request.GlobalSecondaryIndexUpdates);
    const [first, ...others] = updates.filter(({ Create, Delete }) => isObject(Create) || isObject(Delete));
    if (others.length > 0) {
      throw new DynamoDbError(
        "com.amazonaws.dynamodb.v20120810#LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
      );
    }
    await this.#checkThroughputs(
      name,
      updates.flatMap(({ Update }) => (isObject(Update) ? [Update] : [])),
      request.BillingMode,
    );
    if (typeof isProtected === "boolean") await this.#change(name, { DeletionProtectionEnabled: isProtected });
    if (first === undefined) return rest;
    if (isObject(first.Create)) await this.#create(name, first.Create, objectsOf(definitions));
    else if (isObject(first.Delete)) await this.#delete(name, String(first.Delete.IndexName));
    const kept = updates.filter((update) => update !== first);
    const { GlobalSecondaryIndexUpdates, ...more } = rest;
    return kept.length > 0 ? { ...more, GlobalSecondaryIndexUpdates: kept } : more;
  }

  /** Ends what a process that was killed has left half done. */
  async resume(table: JsonObject): Promise<void> {
    const name = String(table.TableName);
    for (const index of objectsOf(table.GlobalSecondaryIndexes)) {
      if (index.Backfilling === true) await this.#fill(name, String(index.IndexName));
    }
  }

  /** Refuses what dynalite answers with 200 and does not do. @throws DynamoDbError */
  async #checkThroughputs(name: string, updates: readonly JsonObject[], billing: unknown): Promise<void> {
    if (updates.length === 0) return;
    const table = await this.#existing(name);
    const indexes = objectsOf(table.GlobalSecondaryIndexes);
    const absent = updates.find(({ IndexName }) => !indexes.some((index) => index.IndexName === IndexName));
    if (absent !== undefined) throw indexNotFound(String(absent.IndexName));
    const { BillingMode } = isObject(table.BillingModeSummary) ? table.BillingModeSummary : { BillingMode: undefined };
    if ((billing ?? BillingMode) !== "PAY_PER_REQUEST") return;
    throw DynamoDbError.validation(
      "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    );
  }

  async #create(name: string, wanted: JsonObject, definitions: readonly JsonObject[]): Promise<void> {
    const table = await this.#existing(name);
    const indexes = objectsOf(table.GlobalSecondaryIndexes);
    const all = merged(objectsOf(table.AttributeDefinitions), definitions);
    const keys = objectsOf(wanted.KeySchema).map(({ AttributeName }) => AttributeName);
    if (indexes.some(({ IndexName }) => IndexName === wanted.IndexName)) {
      throw DynamoDbError.validation("Attempting to create an index which already exists");
    }
    const unknown = keys.find((key) => !all.some(({ AttributeName }) => AttributeName === key));
    if (unknown !== undefined) {
      throw DynamoDbError.validation(
        `One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [${keys.join(", ")}]`,
      );
    }
    const isOnDemand = isObject(table.BillingModeSummary) && table.BillingModeSummary.BillingMode === "PAY_PER_REQUEST";
    if (isOnDemand === isObject(wanted.ProvisionedThroughput)) {
      throw DynamoDbError.validation(
        `One or more parameter values were invalid: ProvisionedThroughput ${isOnDemand ? "should not" : "must"} be specified for index: ${wanted.IndexName}`,
      );
    }
    const throughput = isObject(wanted.ProvisionedThroughput)
      ? wanted.ProvisionedThroughput
      : { ReadCapacityUnits: 0, WriteCapacityUnits: 0 };
    const index = {
      ...wanted,
      ProvisionedThroughput: { ...throughput, NumberOfDecreasesToday: 0 },
      IndexArn: `${table.TableArn}/index/${wanted.IndexName}`,
      IndexSizeBytes: 0,
      ItemCount: 0,
      IndexStatus: "CREATING",
      Backfilling: true,
    };
    // An index of this name may have been removed by a process that was killed before its entries were gone.
    await promised((done) => this.#store.deleteIndexDb("Global", name, String(wanted.IndexName), done));
    await this.#change(name, { AttributeDefinitions: all, GlobalSecondaryIndexes: [...indexes, index] });
    await this.#fill(name, String(wanted.IndexName));
  }

  /** Puts every item of the table into a new index. */
  async #fill(name: string, indexName: string): Promise<void> {
    // From now on every write knows of the index; those that do not have ended.
    await this.#settled();
    const table = await this.#existing(name);
    const index = objectsOf(table.GlobalSecondaryIndexes).find(({ IndexName }) => IndexName === indexName);
    if (index === undefined) return;
    const items = this.#store.getItemDb(name);
    const entries = this.#store.getIndexDb("Global", name, indexName);
    for (const key of await keysOf(items)) {
      await promised((done) =>
        items.lock(key, (release) => {
          const end = release(done);
          items.get(key, (error, item) => {
            if (!isObject(item)) return end(isNotFound(error) ? undefined : error);
            if (!fits(item, table, index)) return end(undefined);
            const [put] = this.#db.getIndexActions([index], undefined, item, table).puts;
            return put === undefined ? end(undefined) : entries.put(put.key, put.item, end);
          });
        }),
      );
    }
    await this.#changeIndex(name, indexName, ({ Backfilling, ...rest }) => ({ ...rest, IndexStatus: "ACTIVE" }));
  }

  async #delete(name: string, indexName: string): Promise<void> {
    const table = await this.#existing(name);
    const indexes = objectsOf(table.GlobalSecondaryIndexes);
    const rest = indexes.filter(({ IndexName }) => IndexName !== indexName);
    if (rest.length === indexes.length) throw indexNotFound(indexName);
    await this.#change(name, { GlobalSecondaryIndexes: rest.length > 0 ? rest : undefined });
    await this.#settled();
    await promised((done) => this.#store.deleteIndexDb("Global", name, indexName, done));
  }

  #changeIndex(name: string, indexName: string, change: (index: JsonObject) => JsonObject): Promise<void> {
    return this.#rewrite(name, (table) => ({
      ...table,
      GlobalSecondaryIndexes: objectsOf(table.GlobalSecondaryIndexes).map((index) =>
        index.IndexName === indexName ? change(index) : index,
      ),
    }));
  }

  #change(name: string, members: JsonObject): Promise<void> {
    return this.#rewrite(name, (table) => ({ ...table, ...members }));
  }

  async #rewrite(name: string, change: (table: JsonObject) => JsonObject): Promise<void> {
    const { tableDb } = this.#store;
    const table = withoutUnused(change(await this.#existing(name)));
    await promised((done) => tableDb.put(name, table, done));
  }

  async #existing(name: string): Promise<JsonObject> {
    const table = await tableOf(this.#store, name);
    if (table !== undefined) return table;
    const message = `Requested resource not found: Table: ${name} not found`;
    throw new DynamoDbError("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message);
  }
}

function indexNotFound(indexName: string): DynamoDbError {
  const message = `Requested resource not found: Index: ${indexName} not found`;
  return new DynamoDbError("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message);
}

function keysOf(items: SubDatabase): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const keys: string[] = [];
    items
      .createKeyStream({})
      .on("data", (key) => keys.push(String(key)))
      .on("error", reject)
      .on("end", () => resolve(keys));
  });
}

async function tableOf(store: Store, name: string): Promise<JsonObject | undefined> {
  const table = await promised((done) =>
    store.tableDb.get(name, (error, value) => done(isNotFound(error) ? undefined : error, value)),
  );
  return isObject(table) ? table : undefined;
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === "NotFoundError";
}

/** An item whose value does not suit the key of a new index is left out of it, as on AWS. */
function fits(item: JsonObject, table: JsonObject, index: JsonObject): boolean {
  const types = new Map(objectsOf(table.AttributeDefinitions).map((one) => [one.AttributeName, one.AttributeType]));
  const suits = objectsOf(index.KeySchema).every(({ AttributeName: name }) => {
    const value = item[String(name)];
    return value === undefined || (isObject(value) && String(types.get(name)) in value);
  });
  return suits && indexKeyFault(item, { GlobalSecondaryIndexes: [index] }) === undefined;
}

/** Definitions by name. @throws DynamoDbError if one has two types */
function merged(known: readonly JsonObject[], more: readonly JsonObject[]): JsonObject[] {
  for (const { AttributeName, AttributeType } of more) {
    const other = known.find((one) => one.AttributeName === AttributeName);
    if (other !== undefined && other.AttributeType !== AttributeType) {
      throw DynamoDbError.validation(
        `One or more parameter values were invalid: Attribute ${AttributeName} is of type ${other.AttributeType} in this table`,
      );
    }
  }
  return [...known, ...more.filter((one) => !known.some((other) => other.AttributeName === one.AttributeName))];
}

/** Without the definitions of attributes that stand in no key any more. */
function withoutUnused(table: JsonObject): JsonObject {
  const owners = [table, ...objectsOf(table.GlobalSecondaryIndexes), ...objectsOf(table.LocalSecondaryIndexes)];
  const keys = new Set(owners.flatMap(({ KeySchema }) => objectsOf(KeySchema).map((key) => key.AttributeName)));
  const used = objectsOf(table.AttributeDefinitions).filter(({ AttributeName }) => keys.has(AttributeName));
  return { ...table, AttributeDefinitions: used };
}
