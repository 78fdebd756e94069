import { Readable } from "node:stream";
import type { Bucket } from "../aws/s3.ts";

export interface MemoryBucket extends Bucket {
  keys(): string[];
  /** The text of an object; undefined if there is none. */
  textOf(key: string): string | undefined;
  /** Deletes the objects whose lifetime is over, as serverless.yml has it. */
  expire(now: Date): void;
}

/** S3's own name for it, by which the engine knows it. */
class NoSuchKey extends Error {
  override name = "NoSuchKey";
}

interface Stored {
  body: Buffer;
  contentType: string;
  storedAt: number;
}

const DAY = 86_400_000;
/** The days that an object lives, by its key: large values say theirs. */
const lifetimeOf = (key: string): number =>
  Number(/^claims\/(\d+)d\//.exec(key)?.[1] ?? (/^(uploads|derived)\//.test(key) ? 30 : Number.POSITIVE_INFINITY));

/** A bucket in memory. Its links and forms have the address of no server. */
export function createMemoryBucket(clock: () => Date): MemoryBucket {
  const objects = new Map<string, Stored>();
  const urlOf = (key: string): string => `https://bucket.invalid/${key}`;
  return {
    keys: () => [...objects.keys()],
    textOf: (key) => objects.get(key)?.body.toString("utf8"),
    expire(now) {
      for (const [key, { storedAt }] of objects) {
        if (storedAt + lifetimeOf(key) * DAY <= now.getTime()) objects.delete(key);
      }
    },
    async head(key) {
      const found = objects.get(key);
      return found && { sizeBytes: found.body.byteLength, contentType: found.contentType, metadata: {} };
    },
    async get(key) {
      const found = objects.get(key);
      if (found === undefined) throw new NoSuchKey(`Object '${key}' does not exist.`);
      return Readable.from([found.body]);
    },
    async put(key, body, contentType) {
      objects.set(key, { body: Buffer.from(body), contentType, storedAt: clock().getTime() });
    },
    async remove(key) {
      objects.delete(key);
    },
    presignGet: async (key) => urlOf(key),
    presignPost: async ({ key, fields }) => ({ url: urlOf(""), fields: { ...fields, key } }),
  };
}
