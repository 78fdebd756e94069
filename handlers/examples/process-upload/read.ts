import { addAbortSignal, type Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Limits and tools for reading a file as its kind. */
export interface ReadOptions {
  filename: string;
  /** Stops the work at once; its reason is thrown. */
  signal: AbortSignal;
  /** Stores a file made of the upload, such as `thumbnail.webp`. */
  saveDerived(name: string, body: Buffer, contentType: string): Promise<void>;
}

/**
 * The bytes of one fresh stream in blocks of `blockBytes`, the last one shorter: nothing may depend on where the storage has cut them.
 * The stream is destroyed however the reading ends: at its end, on an error, when the consumer leaves the loop, and at
 * once when `signal` aborts.
 */
export async function* readBlocks(
  open: () => Promise<Readable>,
  blockBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const stream = await open();
  // An error that arrives outside the loop concerns nobody, but without a listener it would end the process.
  stream.on("error", () => {});
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of addAbortSignal(signal, stream)) {
    let rest = Buffer.from(piece);
    while (bytes + rest.length >= blockBytes) {
      const end = blockBytes - bytes;
      const last = rest.subarray(0, end);
      yield pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
      rest = rest.subarray(end);
      [pieces, bytes] = [[], 0];
    }
    if (rest.length > 0) pieces.push(rest);
    bytes += rest.length;
    // A stream that always has data ready never lets a timer run: no abort, and the time limit would not hold.
    await nextTurn();
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}

/** Does `work`, but waits for it no longer than until `signal` aborts, and then throws its reason. */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
