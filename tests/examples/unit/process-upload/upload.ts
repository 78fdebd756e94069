import { Readable } from "node:stream";
import {
  summariseFile,
  type TextOptions,
  type UploadSummary,
} from "../../../../handlers/examples/process-upload/summarise.ts";

/** How a test uploads a file. */
export interface UploadOptions {
  filename?: string;
  contentType?: string;
  chunkBytes?: number;
  text?: TextOptions;
}

/** The outcome of an upload. */
export interface Outcome {
  summary: UploadSummary;
  saved: Map<string, { body: Buffer; contentType: string }>;
  /** How often the file was read. */
  opened: number;
}

/** Sums up the given bytes as the task would, from a stream of small chunks. */
export async function upload(bytes: Buffer | string, options: UploadOptions = {}): Promise<Outcome> {
  const body = Buffer.from(bytes);
  const saved: Outcome["saved"] = new Map();
  let opened = 0;
  const source = {
    async open() {
      opened += 1;
      return Readable.from(chunksOf(body, options.chunkBytes ?? 64 * 1024));
    },
    sizeBytes: body.length,
    filename: options.filename ?? "upload.bin",
    contentType: options.contentType ?? "application/octet-stream",
  };
  const summary = await summariseFile(source, {
    signal: new AbortController().signal,
    text: options.text,
    async saveDerived(name, derived, contentType) {
      saved.set(name, { body: derived, contentType });
    },
  });
  return { summary, saved, opened };
}

/** The bytes in pieces of the given size. */
export function* chunksOf(bytes: Buffer, chunkBytes: number): Generator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** The summary, if the upload was taken for a CSV. */
export async function uploadCsv(bytes: Buffer | string, options: UploadOptions = {}) {
  const { summary, saved } = await upload(bytes, { filename: "table.csv", contentType: "text/csv", ...options });
  if (summary.kind !== "csv") throw new Error(`Taken for ${summary.kind} ${summary.contentType}, not a CSV.`);
  return { ...summary.csv, saved };
}

/** Pseudo-random integers below `limit`, the same ones for the same seed (xorshift32). */
export function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Bytes that are no text and no known file, the same ones for the same seed. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const next = seeded(seed);
  return Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, i) => (i === 0 ? 0xff : next(256))));
}
