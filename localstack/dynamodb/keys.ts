/** Checks of keys that dynalite leaves out: their length in bytes, and those of secondary indexes. */
import { isObject, type JsonObject, objectsOf } from "../json.ts";

type Db = typeof import("dynalite/db/index.js").default;

const MAX_BYTES = { HASH: 2048, RANGE: 1024 } as const;

/** Makes dynalite check keys as DynamoDB does. A second call changes nothing. */
export function checkKeys(db: Db): void {
  const { validateKey, validateItem, updateIndexes, queryTable } = db;
  if (validateKey.name === "validateKeyInBytes") return;
  db.validateKey = function validateKeyInBytes(key, table, keySchema) {
    const schema = keySchema ?? table.KeySchema;
    return (
      wrapped(db, emptyKeyFault(key, schema)) ??
      validateKey(key, table, schema) ??
      wrapped(db, lengthFault(key, schema))
    );
  };
  db.validateItem = (item, table) =>
    validateItem(item, table) ?? wrapped(db, lengthFault(item, table.KeySchema) ?? indexKeyFault(item, table));
  // The place where every write passes with the item as it will be, and before anything is written. That of a put was checked.
  db.updateIndexes = (store, table, existing, item, done) => {
    const fault = item && wrapped(db, indexKeyFault(item, table, updateOfEmpty));
    const isIndexed = indexesOf(table).some((index) => isIn(index, existing) || isIn(index, item));
    // dynalite would walk through indexes that hold nothing of the item, at a twentieth of the cost of a write.
    if (fault || !isIndexed) done(fault ?? null);
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

/** In dynalite's words such a key is "invalid", in DynamoDB's it is "not valid". */
function emptyKeyFault(key: JsonObject, keySchema: unknown): string | undefined {
  const names = objectsOf(keySchema).map(({ AttributeName }) => String(AttributeName));
  if (Object.keys(key).length !== names.length || !names.every((name) => name in key)) return undefined;
  const name = names.find((one) => emptyType(key[one]) !== undefined);
  return name && `One or more parameter values are not valid. ${cannotBeEmpty(key[name])} Key: ${name}`;
}

/** The fault of a value that stands in the key of an index. @param wordEmpty the sentence about an empty one */
export function indexKeyFault(item: JsonObject, table: JsonObject, wordEmpty = valueOfEmpty): string | undefined {
  for (const index of indexesOf(table)) {
    const names = objectsOf(index.KeySchema).map(({ AttributeName }) => String(AttributeName));
    const name = names.find((one) => emptyType(item[one]) !== undefined);
    if (name !== undefined) return wordEmpty(item[name], `IndexName: ${index.IndexName}, IndexKey: ${name}`);
    const fault = lengthFault(item, index.KeySchema);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function indexesOf(table: JsonObject): JsonObject[] {
  const { GlobalSecondaryIndexes: global, LocalSecondaryIndexes: local } = table;
  return local === undefined ? objectsOf(global) : [...objectsOf(global), ...objectsOf(local)];
}

/** Whether an index has an entry for the item: that is one with all attributes of its key. */
function isIn(index: JsonObject, item: JsonObject | null | undefined): boolean {
  return item ? objectsOf(index.KeySchema).every(({ AttributeName: name }) => isObject(item[String(name)])) : false;
}

function valueOfEmpty(value: unknown, place: string): string {
  return `One or more parameter values are not valid. A value specified for a secondary index key is not supported. ${cannotBeEmpty(value)} ${place}`;
}

function updateOfEmpty(value: unknown): string {
  return `One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. ${cannotBeEmpty(value)}`;
}

function cannotBeEmpty(value: unknown): string {
  return `The AttributeValue for a key attribute cannot contain an empty ${emptyType(value)} value.`;
}

function queryFault({ KeyConditions, IndexName }: JsonObject): string | undefined {
  for (const [name, condition] of Object.entries(isObject(KeyConditions) ? KeyConditions : {})) {
    const values = isObject(condition) ? objectsOf(condition.AttributeValueList) : [];
    const empty = values.find((value) => emptyType(value) !== undefined);
    if (empty === undefined) continue;
    return IndexName === undefined
      ? `One or more parameter values are not valid. ${cannotBeEmpty(empty)} Key: ${name}`
      : valueOfEmpty(empty, `IndexName: ${IndexName}, IndexKey: ${name}`);
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
