import { Readable } from "node:stream";
import type { Bucket } from "../aws/s3.ts";

export interface MemoryBucket extends Bucket {
  /** The text of an object; undefined if there is none. */
  textOf(key: string): string | undefined;
}

/** S3's own name for it, by which the engine knows it. */
class NoSuchKey extends Error {
  override name = "NoSuchKey";
}

interface Stored {
  body: Buffer;
  contentType: string;
}

/** A bucket in memory. Its links and forms have the address of no server. */
export function createMemoryBucket(): MemoryBucket {
  const objects = new Map<string, Stored>();
  const urlOf = (key: string): string => `https://bucket.invalid/${key}`;
  return {
    textOf: (key) => objects.get(key)?.body.toString("utf8"),
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
      objects.set(key, { body: Buffer.from(body), contentType });
    },
    async remove(key) {
      objects.delete(key);
    },
    presignGet: async (key) => urlOf(key),
    presignPost: async ({ key, fields }) => ({ url: urlOf(""), fields: { ...fields, key } }),
  };
}
