import type { Key } from "../aws/dynamodb.ts";
import { idTime } from "../message/id.ts";

/**
 * The key of a task record follows from its id alone, so that `GetItem` needs no look-up and the table itself is a list,
 * newest first: the partition is the id's day and its last hex digit, the sort key is the id.
 *
 * 16 partitions a day bear about 5,000 tasks/s (1,000 writes/s each, three writes a task). An index on time would cost
 * one more write per task (docs/decisions/0003-record-keys.md).
 */
export function recordKey(id: string): Key {
  const time = idTime(id);
  // An SQS message id (a poison message's record) carries no time: it lies in a partition of its own and is not listed.
  return { pk: time ? dayPartition(time, id.slice(-1)) : `task#${id}`, sk: id };
}

export const SHARDS = [..."0123456789abcdef"];

export function dayPartition(day: Date, shard: string): string {
  return `task#${day.toISOString().slice(0, 10)}#${shard}`;
}

/** Key of the item that remembers which task a key stands for. */
export function reservationKey(kind: "idempotency" | "throttle", task: string, key: string): Key {
  return { pk: `${kind}#${task}#${key}`, sk: kind };
}

/** Key of the ledger entry of something that a task does once. */
export function onceKey(id: string, key: string): Key {
  return { pk: `once#${id}`, sk: key };
}
