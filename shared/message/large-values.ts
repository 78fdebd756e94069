/**
 * Large values: payloads, results and errors that lie in S3, while the message or record carries a reference, the key of an object.
 *
 * A message or record that carries a value pays for it at every step: DynamoDB bills each write by the whole item (1 KB a
 * unit), SQS each 64 KB. An object is paid once.
 */

import type { Bucket } from "../aws/s3.ts";
import { ValueExpiredError } from "../errors.ts";
import { byteLength, type Json, parseJson } from "./json.ts";

/** Values up to this many bytes of JSON stay in the message and the record (docs/decisions/0013-large-values.md). */
export const MAX_INLINE_BYTES = 8 * 1024;

/** The largest payload, result or error, in bytes of JSON. */
export const MAX_VALUE_BYTES = 50 * 1024 * 1024;

/** Where a large value lies. */
export interface ValueRef {
  key: string;
  sizeBytes: number;
  /** The bucket may remove it from then on. */
  until: string;
  /** It lies in so many objects, whose keys are this one's and a number. */
  parts?: number;
}

/** JSON text, or where it lies. */
export type StoredValue = { text: string } | { ref: ValueRef };

/** The value that is stored, and its task. Ids and versions are ours, so no key is made of a user's text. */
interface ValueName {
  id: string;
  part: "payload" | "result" | "error" | "definition";
  /** Tells values of one part apart, so that a stale run overwrites nothing. */
  version: string;
}

/** A value that is written bit by bit. */
interface ValueWriter {
  /** Adds text; it may be written once this has come back. */
  push(text: string): Promise<void>;
  /** The end of the value, which is to be kept at least until `until`. */
  close(until: Date): Promise<StoredValue>;
}

export interface LargeValues {
  /** Stores a large value, to be kept at least until `until`; a small one is answered as it is. May be repeated. */
  store(name: ValueName, text: string, until: Date): Promise<StoredValue>;
  /** Stores a value that nobody has whole: no more than a part of it, 256 KB, is in memory. */
  write(name: ValueName): ValueWriter;
  /** @throws ValueExpiredError if the object is gone */
  load(ref: ValueRef): Promise<string>;
  /** Copies a payload that would not live until `until` to where it does. */
  renew(name: ValueName, ref: ValueRef, until: Date): Promise<ValueRef>;
  /** A link to the value, for whoever cannot be sent it. */
  link(ref: ValueRef): Promise<string>;
}

/** Of their keys: the name of the pattern, "claim check". A message that was sent by an older version names a key below it. */
const PREFIX = "claims";

/** Days after which the bucket's lifecycle rules remove an object, by its prefix; serverless.yml has the rules. */
const LONGEST = 460;
const LIFETIMES_DAYS = [2, 30, LONGEST];
const DAY = 86_400_000;
const LINK_SECONDS = 900;

/** The text of one part, in characters. */
const PART_CHARS = 256 * 1024;

export function createLargeValues(options: { bucket: Bucket; clock: () => Date }): LargeValues {
  const { bucket, clock } = options;
  const values: LargeValues = {
    async store(name, text, until) {
      const sizeBytes = byteLength(text);
      if (sizeBytes <= MAX_INLINE_BYTES) return { text };
      const now = clock().getTime();
      const days = (until.getTime() - now) / DAY;
      const lifetime = LIFETIMES_DAYS.find((one) => days < one) ?? LONGEST;
      const key = keyOf(lifetime, name);
      // Dying after this leaves an object that nobody refers to; its lifecycle rule removes it.
      await bucket.put(key, text, "application/json");
      return { ref: { key, sizeBytes, until: new Date(now + lifetime * DAY).toISOString() } };
    },
    write(name) {
      // Nobody knows yet how long all of it is needed.
      const prefix = keyOf(LONGEST, name);
      let [waiting, parts, sizeBytes] = ["", 0, 0];
      const flush = async (): Promise<void> => {
        // Dying after this leaves a part that nobody refers to, as in `store`.
        await bucket.put(partKey(prefix, parts), waiting, "application/json");
        sizeBytes += byteLength(waiting);
        parts += 1;
        waiting = "";
      };
      return {
        async push(text) {
          waiting += text;
          if (waiting.length >= PART_CHARS) await flush();
        },
        async close(until) {
          if (parts === 0) return values.store(name, waiting, until);
          await flush();
          const end = new Date(clock().getTime() + LONGEST * DAY).toISOString();
          return { ref: { key: prefix, sizeBytes, until: end, parts } };
        },
      };
    },
    async load({ key, sizeBytes, parts }) {
      const keys = parts === undefined ? [key] : Array.from({ length: parts }, (_, part) => partKey(key, part));
      try {
        const chunks: Buffer[] = [];
        for (const one of keys) {
          for await (const chunk of await bucket.get(one)) chunks.push(Buffer.from(chunk));
        }
        return Buffer.concat(chunks).toString("utf8");
      } catch (error) {
        throw error instanceof Error && error.name === "NoSuchKey" ? new ValueExpiredError(key, sizeBytes) : error;
      }
    },
    async renew(name, ref, until) {
      if (Date.parse(ref.until) >= until.getTime()) return ref;
      const stored = await values.store(name, await values.load(ref), until);
      return "ref" in stored ? stored.ref : ref;
    },
    link: ({ key }) => bucket.presignGet(key, LINK_SECONDS),
  };
  return values;
}

function keyOf(days: number, { id, part, version }: ValueName): string {
  return `${PREFIX}/${days}d/${id}/${part}-${version}`;
}

function partKey(key: string, part: number): string {
  return `${key}.${part}`;
}

/** A value that was stored as JSON. @throws ValueExpiredError if it is gone, or damaged */
export async function loadJson(values: Pick<LargeValues, "load">, ref: ValueRef): Promise<Json> {
  const text = await values.load(ref);
  try {
    return parseJson(text);
  } catch {
    throw new ValueExpiredError(ref.key, ref.sizeBytes, true);
  }
}

/** Whether a key is one that `store` makes: a message may come from elsewhere, and must not name any other object. */
export function isValueKey(key: string): boolean {
  return /^claims\/\d{1,3}d\/[0-9a-f-]{36}\/(payload|result|error)-[0-9a-z-]{1,40}$/.test(key);
}
