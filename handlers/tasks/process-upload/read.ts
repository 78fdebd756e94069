import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Larger chunks are handed on in slices, so that what a reader decodes at once stays small. */
const MAX_CHUNK_BYTES = 256 * 1024;

/** Work done between two turns of the event loop, at most about this long. */
const TURN_MILLISECONDS = 20;

/**
 * The bytes of one fresh stream. The stream is destroyed however the reading ends: at the end, on an error,
 * when the consumer leaves the loop, and at once when `signal` aborts, whose reason is then thrown.
 */
export async function* readChunks(open: () => Promise<Readable>, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const stream = await untilAborted(open, signal, (late) => late.on("error", () => {}).destroy());
  // An error that arrives after the loop concerns nobody, but without a listener it would end the process.
  stream.on("error", () => {});
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  let turnStart = performance.now();
  try {
    // This loop destroys the stream however it is left.
    for await (const chunk of stream) {
      const bytes = toBuffer(chunk);
      for (let at = 0; at < bytes.length; at += MAX_CHUNK_BYTES) {
        signal.throwIfAborted();
        yield bytes.subarray(at, at + MAX_CHUNK_BYTES);
        // A stream that always has data ready never lets a timer run: no abort, no heartbeat of the lease.
        if (performance.now() - turnStart > TURN_MILLISECONDS) {
          await nextTurn();
          turnStart = performance.now();
        }
      }
    }
    signal.throwIfAborted();
  } catch (error) {
    // A destroyed stream reports a premature close; the reason for it is the abort.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Starts `work` and waits for it, but no longer than until `signal` aborts; what comes later goes to `discard`. */
export async function untilAborted<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void = () => {},
): Promise<T> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  // Inside `then`, so that a synchronous throw is a rejection too.
  Promise.resolve()
    .then(work)
    .then((value) => (signal.aborted ? discard(value) : resolve(value)), reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new TypeError(`A file's stream gave ${typeof chunk}: expected bytes. Open it without object mode.`);
}
