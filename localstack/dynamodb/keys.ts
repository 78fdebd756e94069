/** Checks of keys that dynalite leaves out: their length in bytes, and those of secondary indexes. */
import { isObject, type JsonObject, objectsOf } from "../json.ts";

type Db = typeof import("dynalite/db/index.js").default;

const MAX_BYTES = { HASH: 2048, RANGE: 1024 } as const;

/** Makes dynalite check keys as DynamoDB does. A second call changes nothing. */
export function checkKeys(db: Db): void {
  const { validateKey, validateItem, updateIndexes, queryTable } = db;
  if (validateKey.name === "validateKeyInBytes") return;
  db.validateKey = function validateKeyInBytes(key, table, keySchema) {
    return validateKey(key, table, keySchema) ?? wrapped(db, lengthFault(key, keySchema ?? table.KeySchema));
  };
  db.validateItem = (item, table) => validateItem(item, table) ?? wrapped(db, lengthFault(item, table.KeySchema));
  // The place where every write passes with the item as it will be, and before anything is written.
  db.updateIndexes = (store, table, existing, item, done) => {
    // dynalite would walk through the indexes of a table that has none, at a twentieth of the cost of a write.
    if (!table.GlobalSecondaryIndexes && !table.LocalSecondaryIndexes) return done(null);
    const fault = item && wrapped(db, indexKeyFault(item, table));
    if (fault) done(fault);
    else updateIndexes(store, table, existing, item, done);
  };
  db.queryTable = (store, table, data, ...rest) => {
    const fault = wrapped(db, queryFault(data));
    const done = rest.at(-1);
    if (fault && typeof done === "function") done(fault);
    else queryTable(store, table, data, ...rest);
  };
}

function wrapped(db: Db, fault: string | undefined): Error | undefined {
  return fault === undefined ? undefined : db.validationError(fault);
}

function lengthFault(item: JsonObject, keySchema: unknown): string | undefined {
  for (const { AttributeName: name, KeyType: type } of objectsOf(keySchema)) {
    if (bytesOf(item[String(name)]) <= (type === "HASH" ? MAX_BYTES.HASH : MAX_BYTES.RANGE)) continue;
    return type === "HASH"
      ? "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
      : "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes";
  }
  return undefined;
}

/** The fault of a value that stands in the key of an index. */
export function indexKeyFault(item: JsonObject, table: JsonObject): string | undefined {
  for (const index of [...objectsOf(table.GlobalSecondaryIndexes), ...objectsOf(table.LocalSecondaryIndexes)]) {
    for (const { AttributeName } of objectsOf(index.KeySchema)) {
      const name = String(AttributeName);
      const value = item[name];
      const empty = emptyType(value);
      if (empty !== undefined) {
        return `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${empty} value. IndexName: ${index.IndexName}, IndexKey: ${name}`;
      }
    }
    const fault = lengthFault(item, index.KeySchema);
    if (fault !== undefined) return `${fault}. IndexName: ${index.IndexName}`;
  }
  return undefined;
}

function queryFault({ KeyConditions, IndexName }: JsonObject): string | undefined {
  for (const [name, condition] of Object.entries(isObject(KeyConditions) ? KeyConditions : {})) {
    const values = isObject(condition) ? objectsOf(condition.AttributeValueList) : [];
    const empty = values.map(emptyType).find((type) => type !== undefined);
    if (empty === undefined) continue;
    const what = `The AttributeValue for a key attribute cannot contain an empty ${empty} value.`;
    return IndexName === undefined
      ? `One or more parameter values are not valid. ${what} Key: ${name}`
      : `One or more parameter values are not valid. A value specified for a secondary index key is not supported. ${what} IndexName: ${IndexName}, IndexKey: ${name}`;
  }
  return undefined;
}

function emptyType(value: unknown): "string" | "binary" | undefined {
  if (!isObject(value)) return undefined;
  return value.S === "" ? "string" : value.B === "" ? "binary" : undefined;
}

function bytesOf(value: unknown): number {
  if (!isObject(value)) return 0;
  if (typeof value.S === "string") return Buffer.byteLength(value.S);
  return typeof value.B === "string" ? Buffer.byteLength(value.B, "base64") : 0;
}
