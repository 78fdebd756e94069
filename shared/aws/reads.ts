/**
 * Reads of one moment share a call: the SDK spends 0.4 ms of a core on each call, and `BatchGetItem` takes 100 keys. One that is alone in its
 * moment goes as `GetItem`. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 */

import { setTimeout as wait } from "node:timers/promises";
import { BatchGetItemCommand, type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { describeError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Item, Key } from "./change.ts";
import { fromAttributes, toAttributes } from "./items.ts";
import { isRefusal } from "./refusal.ts";

const MAX_KEYS = 100;
/** Keys that DynamoDB had no room for are asked for again, after pauses that double. */
const FIRST_PAUSE_MILLISECONDS = 50;
const MAX_ASKS = 6;

/** A key whose item somebody waits for. */
interface Pending {
  key: Key;
  resolve: (item: Item | undefined) => void;
  reject: (error: unknown) => void;
}

/** Strongly consistent reads of single items. @param client of a table that is named when the first read is made */
export function createReads(options: {
  client: () => DynamoDBClient;
  tableName: () => string;
  log: Log;
}): (key: Key) => Promise<Item | undefined> {
  const { client, tableName, log } = options;
  let gathered: Pending[] = [];
  let shares = true;

  const alone = async ({ key, resolve, reject }: Pending): Promise<void> => {
    const command = new GetItemCommand({ TableName: tableName(), Key: toAttributes({ ...key }), ConsistentRead: true });
    await client()
      .send(command)
      .then(({ Item: item }) => resolve(item && fromAttributes(item)), reject);
  };

  const ask = async (keys: readonly Key[]): Promise<Map<string, Item>> => {
    const found = new Map<string, Item>();
    const table = tableName();
    let left = keys.map((key) => toAttributes({ ...key }));
    for (let asks = 1; left.length > 0; asks++) {
      const answer = await client().send(
        new BatchGetItemCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: true } } }),
      );
      for (const one of answer.Responses?.[table] ?? []) {
        const item = fromAttributes(one);
        found.set(nameOf({ pk: String(item.pk), sk: String(item.sk) }), item);
      }
      left = answer.UnprocessedKeys?.[table]?.Keys ?? [];
      if (left.length > 0 && asks === MAX_ASKS) {
        throw new Error(`DynamoDB left ${left.length} of ${keys.length} items of a batch unread, ${MAX_ASKS} times.`);
      }
      if (left.length > 0) await wait(FIRST_PAUSE_MILLISECONDS * 2 ** (asks - 1));
    }
    return found;
  };

  const together = async (batch: readonly Pending[]): Promise<void> => {
    // Two of one key would refuse the whole batch.
    const keys = new Map(batch.map(({ key }) => [nameOf(key), key]));
    try {
      const found = await ask([...keys.values()]);
      for (const { key, resolve } of batch) resolve(found.get(nameOf(key)));
    } catch (error) {
      if (!isRefusal(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      // A role from before allows GetItem alone.
      shares = false;
      log.warn("DynamoDB refused to read several items in one call: each is read alone from now on", {
        error: describeError(error),
      });
      await Promise.all(batch.map(alone));
    }
  };

  const send = (): void => {
    const reads = gathered;
    gathered = [];
    if (!shares || reads.length === 1) {
      for (const one of reads) void alone(one);
      return;
    }
    for (let first = 0; first < reads.length; first += MAX_KEYS) void together(reads.slice(first, first + MAX_KEYS));
  };

  return (key) =>
    new Promise((resolve, reject) => {
      gathered.push({ key, resolve, reject });
      // After the callbacks that are due now: whatever else they read joins this call, and nobody waits longer.
      if (gathered.length === 1) setImmediate(send);
    });
}

function nameOf({ pk, sk }: Key): string {
  return JSON.stringify([pk, sk]);
}
