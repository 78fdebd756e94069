/** The way of bytes to the bucket, with progress where it can be told. */

import type { Transport } from "./transport.ts";

export interface Transfer {
  method: "POST" | "PUT";
  url: string;
  body: FormData | Blob;
  signal: AbortSignal | undefined;
  /** Told of the bytes of the body that were sent. */
  onProgress: (sentBytes: number) => void;
}

/** A browser's own, which tells how much was sent; elsewhere there is none. Types of browsers are not loaded here. */
declare const XMLHttpRequest:
  | undefined
  | (new () => {
      readonly status: number;
      readonly upload: { onprogress: ((event: { loaded: number }) => void) | null };
      onload: (() => void) | null;
      onerror: (() => void) | null;
      onabort: (() => void) | null;
      open(method: string, url: string): void;
      send(body: FormData | Blob): void;
      abort(): void;
    });

/** Whether `transfer` tells of progress by itself. */
export const TELLS_PROGRESS = typeof XMLHttpRequest !== "undefined";

/** Answers with the bucket's status, or with why none came. @throws the signal's reason */
export async function transfer(transport: Transport, sending: Transfer): Promise<number | Error> {
  const { signal } = sending;
  try {
    signal?.throwIfAborted();
    return await send(transport, sending);
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function send(transport: Transport, { method, url, body, signal, onProgress }: Transfer): Promise<number> {
  if (typeof XMLHttpRequest === "undefined") {
    const answer = await transport.send(url, { method, body, ...(signal && { signal }) });
    await answer.body?.cancel();
    return answer.status;
  }
  const request = new XMLHttpRequest();
  const stop = (): void => request.abort();
  signal?.addEventListener("abort", stop, { once: true });
  return new Promise<number>((resolve, reject) => {
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => resolve(request.status);
    request.onabort = () => reject(signal?.reason);
    request.onerror = () => reject(new Error("the bucket did not answer, or takes no files from this page"));
    request.open(method, url);
    request.send(body);
  }).finally(() => signal?.removeEventListener("abort", stop));
}

/** A file is read in such pieces, and its progress told after each. */
const CHUNK_BYTES = 131_072;

/** A file that tells how much of it was read: `fetch` tells nothing of what it sends, but reads as it sends. */
export class CountedFile extends File {
  readonly #onProgress: (readBytes: number) => void;

  constructor(file: Blob, filename: string, onProgress: (readBytes: number) => void) {
    super([file], filename, { type: file.type });
    this.#onProgress = onProgress;
  }

  override stream(): ReturnType<Blob["stream"]> {
    let read = 0;
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        if (read >= this.size) return controller.close();
        const chunk = new Uint8Array(await this.slice(read, read + CHUNK_BYTES).arrayBuffer());
        read += chunk.byteLength;
        this.#onProgress(read);
        controller.enqueue(chunk);
      },
    });
  }
}
