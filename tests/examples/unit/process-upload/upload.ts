import { Readable } from "node:stream";
import type { Upload } from "../../../../handlers/examples/process-upload/upload.ts";
import { summariseUpload } from "../../../../handlers/examples/process-upload.ts";

/** How a test uploads a file. */
export interface UploadOptions {
  filename?: string;
  contentType?: string;
  chunkBytes?: number;
  said?: Upload["said"];
}

/** The outcome of an upload. */
export interface Outcome {
  summary: Awaited<ReturnType<typeof summariseUpload>>;
  saved: Map<string, { body: Buffer; contentType: string }>;
  /** How often the file was read. */
  opened: number;
}

/** An upload as the task has it, of which nobody says anything. */
export function uploadOf(stream: () => Readable, changes: Partial<Upload> = {}): Upload {
  return {
    open: async () => stream(),
    sizeBytes: 100,
    filename: "upload.bin",
    contentType: "application/octet-stream",
    said: {},
    signal: new AbortController().signal,
    save: async () => {},
    progress: async () => {},
    ...changes,
  };
}

/** Sums up the given bytes as the task would, from a stream of small chunks. */
export async function upload(bytes: Buffer | string, options: UploadOptions = {}): Promise<Outcome> {
  const { chunkBytes = 64 * 1024, ...changes } = options;
  const body = Buffer.from(bytes);
  const saved: Outcome["saved"] = new Map();
  let opened = 0;
  const stream = (): Readable => {
    opened += 1;
    return Readable.from(chunksOf(body, chunkBytes));
  };
  const save: Upload["save"] = async (name, derived, contentType) => {
    saved.set(name, { body: derived, contentType });
  };
  const summary = await summariseUpload(uploadOf(stream, { sizeBytes: body.length, save, ...changes }));
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
