/** BatchGetItem, whose answer has 16 MB at most; dynalite's ends at one. */
import { createHash } from "node:crypto";
import { isObject, type JsonObject, objectsOf } from "../json.ts";

type Get = (request: JsonObject) => Promise<JsonObject>;
type SizeOf = (item: JsonObject) => number;

const MAX_BYTES = 16 * 1024 * 1024;

/** @param get reads one item: the request of a GetItem, and its answer */
export async function batchGet(request: JsonObject, get: Get, sizeOf: SizeOf): Promise<JsonObject> {
  const { ReturnConsumedCapacity: capacity } = request;
  const responses: JsonObject = {};
  const unprocessed: JsonObject = {};
  const consumed: JsonObject[] = [];
  let bytes = 0;
  for (const [table, asked] of Object.entries(isObject(request.RequestItems) ? request.RequestItems : {})) {
    const { Keys: keys, ...how } = isObject(asked) ? asked : {};
    const reads = objectsOf(keys).map(async (key) => ({
      key,
      read: await get({ ...how, TableName: table, Key: key, ReturnConsumedCapacity: capacity }),
    }));
    const found: { digest: string; item: JsonObject }[] = [];
    const left: JsonObject[] = [];
    let units = 0;
    for (const { key, read } of await Promise.all(reads)) {
      const { Item: item, ConsumedCapacity: cost } = read;
      bytes += isObject(item) ? sizeOf(item) : 0;
      if (bytes > MAX_BYTES) {
        left.push(key);
        continue;
      }
      units += Number(isObject(cost) ? cost.CapacityUnits : 0);
      if (isObject(item)) found.push({ digest: digestOf(key), item });
    }
    responses[table] = found.toSorted(byDigest).map(({ item }) => item);
    const asSent = Object.entries(how).filter(([name]) => !name.startsWith("_"));
    if (left.length > 0) unprocessed[table] = { ...Object.fromEntries(asSent), Keys: left };
    const perTable = capacity === "INDEXES" ? { Table: { CapacityUnits: units } } : {};
    consumed.push({ TableName: table, CapacityUnits: units, ...perTable });
  }
  const isCounted = capacity === "TOTAL" || capacity === "INDEXES";
  return { Responses: responses, UnprocessedKeys: unprocessed, ...(isCounted && { ConsumedCapacity: consumed }) };
}

/** AWS promises no order, so nobody shall find that of the request. */
function byDigest(one: { digest: string }, other: { digest: string }): number {
  return one.digest < other.digest ? -1 : 1;
}

function digestOf(key: JsonObject): string {
  return createHash("sha256").update(JSON.stringify(key)).digest("base64");
}
