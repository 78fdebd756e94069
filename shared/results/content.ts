/** The content of a task, by which a repeated send of an id is told from another caller's. */

import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { sortedHash } from "./idempotency-keys.ts";
import type { StoredRecord } from "./record.ts";

/** 128 bits as text, of a task's name and its payload in whatever order its fields stand. */
export function contentHashOf(task: string, payload: Json): string {
  return Buffer.from(sortedHash([task, payload]), "base64")
    .toString("hex")
    .slice(0, 32);
}

/** Whether a message is one of the task that its record tells of: always, unless the caller has made its id. */
export function isSameContent({ contentHash }: Pick<Message, "contentHash">, record: StoredRecord): boolean {
  if (contentHash === undefined) return true;
  if (record.contentHash !== undefined) return record.contentHash === contentHash;
  // A worker of an older version wrote the record, while one is deployed for the other; or its id is none that a caller made.
  const stored = record.refs.payload?.key;
  return stored === undefined
    ? contentHashOf(record.task, record.payload) === contentHash
    : stored.endsWith(`/payload-${contentHash}`);
}
