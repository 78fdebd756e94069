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
 * The bytes of one fresh stream, the first ones in one piece: more than `headBytes` of them, unless there are no more.
 * The stream is destroyed however the reading ends: at its end, on an error, when the consumer leaves the loop, and at
 * once when `signal` aborts.
 */
export async function* readChunks(
  open: () => Promise<Readable>,
  headBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const stream = await open();
  // An error that arrives outside the loop concerns nobody, but without a listener it would end the process.
  stream.on("error", () => {});
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const piece of addAbortSignal(signal, stream)) {
    let chunk = Buffer.from(piece);
    if (head !== undefined) {
      head = chunk = Buffer.concat([head, chunk]);
      if (head.length <= headBytes) continue;
      head = undefined;
    }
    yield chunk;
    // A stream that always has data ready never lets a timer run: no abort, and the time limit would not hold.
    await nextTurn();
  }
  if (head !== undefined && head.length > 0) yield head;
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
