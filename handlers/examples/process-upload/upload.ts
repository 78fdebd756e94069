import { addAbortSignal, type Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Words } from "../unknown-text/words.ts";

/** An uploaded file, and the task's means to read it. */
export interface Upload {
  filename: string;
  /** As the uploader says; the summary tells the real one. */
  contentType: string;
  sizeBytes: number;
  /** Words of a person, in the place of guesses. */
  said: Words;
  /** Gives the file's bytes from the start, in a fresh stream each time. */
  open(): Promise<Readable>;
  /** Stores a file made of the upload, such as `thumbnail.webp`. */
  save(name: string, body: Buffer, contentType: string): Promise<void>;
  /** Told at most about ten times per file, as each may cost a write. */
  progress(meta: { bytes: number; totalBytes: number }): Promise<void>;
  /** Stops the work at once; its reason is thrown. */
  signal: AbortSignal;
}

/** Of each block; the first one shows all signatures, and enough lines of a table. */
export const BLOCK_BYTES = 64 * 1024;

/**
 * The bytes of a file, from the start, in blocks of `BLOCK_BYTES`, the last one shorter: nothing may depend on where the storage has
 * cut them. The stream is destroyed however the reading ends: at its end, on an error, when the consumer leaves the loop, and at once
 * when `signal` aborts.
 */
export async function* readBlocks({ open, signal }: Upload): AsyncGenerator<Buffer, void> {
  const stream = await open();
  // An error that arrives outside the loop concerns nobody, but without a listener it would end the process.
  stream.on("error", () => {});
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of addAbortSignal(signal, stream)) {
    pieces.push(Buffer.from(piece));
    bytes += piece.length;
    if (bytes >= BLOCK_BYTES) {
      const all = Buffer.concat(pieces);
      const end = bytes - (bytes % BLOCK_BYTES);
      for (let at = 0; at < end; at += BLOCK_BYTES) yield all.subarray(at, at + BLOCK_BYTES);
      pieces = [all.subarray(end)];
      bytes -= end;
    }
    // A stream that always has data ready never lets a timer run: no abort, and the time limit would not hold.
    await nextTurn();
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}
