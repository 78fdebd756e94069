/** Whether two calls have the same content: the same key or id with another content is another call. */

import { createHash } from "node:crypto";
import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
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

/** Text that stands for itself, among values that are still to be written. */
class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
const COMMA = new Written(",");
const END_OF_LIST = new Written("]");
const END_OF_OBJECT = new Written("}");
const CHUNK_CHARS = 65_536;

/**
 * Hash of a value's JSON with the fields of each object sorted. Takes about as long as parsing it: 30 ms for 1 MB. It calls nothing
 * within itself, so no depth is too much for it.
 */
export function sortedHash(value: Json): string {
  const digest = createHash("sha256");
  const left: (Json | Written)[] = [value];
  let text = "";
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part instanceof Written) text += part.text;
    else if (Array.isArray(part)) {
      text += "[";
      left.push(END_OF_LIST);
      for (const one of part.toReversed()) left.push(COMMA, one);
    } else if (typeof part === "object" && part !== null) {
      text += "{";
      left.push(END_OF_OBJECT);
      for (const name of Object.keys(part).sort().reverse()) {
        left.push(COMMA, part[name] ?? null, new Written(`${JSON.stringify(name)}:`));
      }
    } else text += JSON.stringify(part);
    // Stryker disable next-line ConditionalExpression,EqualityOperator: the hash is the same in pieces of any size.
    if (text.length > CHUNK_CHARS) {
      digest.update(text);
      text = "";
    }
  }
  return digest.update(text).digest("base64");
}
