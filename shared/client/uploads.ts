/** Files: a form of the service's, which the bucket takes. */

import type { Json } from "../message/json.ts";
import { ClientError, NoAnswerError, RefusedError } from "./errors.ts";
import { createResult } from "./results.ts";
import type { Transport } from "./transport.ts";
import type { Abortable, RecordOf, TaskResult } from "./types.ts";

export interface UploadOptions extends Abortable {
  /** @defaultValue the file's own name, or `file` */
  filename?: string;
  /** A media type. @defaultValue the file's own, or `application/octet-stream` */
  contentType?: string;
  /** Told of the bytes that were sent; from 0 again when the file is sent again. */
  onProgress?: (sentBytes: number, totalBytes: number) => void;
}

/** The record of an upload's task, with links to the file as it came and to what was made of it, good for 15 minutes. */
export type UploadRecord<Result> = RecordOf<Result> & {
  links: Record<string, string>;
  filename?: string;
  original?: string;
};

/** A handle on the task that an uploaded file was given to. */
export interface UploadResult<Result = Json> extends TaskResult<Result> {
  fetch(options?: Abortable): Promise<UploadRecord<Result>>;
}

export interface Uploads {
  /**
   * Sends a file to the bucket; resolves when it is there, and its task has still to run. A try that fails is repeated from the start, with a
   * new form.
   * @throws RefusedError, NoAnswerError; ClientError (`UPLOAD_REFUSED`) if the bucket does not take it; the signal's reason
   */
  send<Result = Json>(file: Blob, options?: UploadOptions): Promise<UploadResult<Result>>;
  /** A handle on an upload that was sent before. */
  result<Result = Json>(id: string): UploadResult<Result>;
}

interface Form {
  id: string;
  upload: { url: string; fields: Record<string, string> };
}

/** A file to be sent with a form, and who is told of it. */
interface Sending {
  form: FormData;
  total: number;
  signal: AbortSignal | undefined;
  onProgress: (sentBytes: number, totalBytes: number) => void;
}

const TRIES = 4;
const PAUSE = 500;
/** A file is read in such pieces, and its progress told after each. */
const CHUNK_BYTES = 131_072;

export function createUploads(transport: Transport): Uploads {
  const { call, sleep } = transport;
  const handle = <Result>(id: string): UploadResult<Result> => {
    const at = `/uploads/${encodeURIComponent(id)}`;
    return {
      ...createResult<Result>(transport, { id }, at),
      fetch: ({ signal } = {}) => call<UploadRecord<Result>>("GET", at, { signal }),
    };
  };

  return {
    result: handle,
    async send<Result>(file: Blob, options: UploadOptions = {}) {
      const { signal, onProgress = () => {} } = options;
      const {
        filename = file instanceof File && file.name !== "" ? file.name : "file",
        contentType = file.type || "application/octet-stream",
      } = options;
      const body = { filename, contentType, size: file.size };
      // Made twice it would be two tasks, of which one waits in vain for its file.
      let form = await call<Form>("POST", "/uploads", { body, signal, repeatable: false });
      const { id } = form;
      for (let tried = 1; ; tried++) {
        const outcome = await post(transport, form.upload.url, {
          form: formOf(form, file, filename, onProgress),
          total: file.size,
          signal,
          onProgress,
        }).catch((error: unknown) => {
          signal?.throwIfAborted();
          return error instanceof Error ? error : new Error(String(error));
        });
        if (typeof outcome === "number" && outcome < 300) {
          onProgress(file.size, file.size);
          return handle<Result>(id);
        }
        if (tried === TRIES) {
          if (typeof outcome !== "number") throw new NoAnswerError(`The upload of '${filename}'`, tried, outcome);
          const sentence = `The bucket refused '${filename}' with ${outcome}, in ${tried} tries with a form each.`;
          throw new ClientError("ClientError", "UPLOAD_REFUSED", sentence);
        }
        await sleep(PAUSE * 2 ** tried * transport.random(), signal);
        try {
          form = await call<Form>("POST", `/uploads/${encodeURIComponent(id)}`, { body, signal });
        } catch (error) {
          // The file came after all, and only the answer was lost.
          if (error instanceof RefusedError && error.code === "UPLOAD_TAKEN") return handle<Result>(id);
          throw error;
        }
      }
    },
  };
}

function formOf({ upload }: Form, file: Blob, filename: string, onProgress: Sending["onProgress"]): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append("file", typeof XMLHttpRequest === "undefined" ? new CountedFile(file, filename, onProgress) : file);
  return form;
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
      send(form: FormData): void;
      abort(): void;
    });

/** Answers with the bucket's status. */
function post(transport: Transport, url: string, { form, total, signal, onProgress }: Sending): Promise<number> {
  if (typeof XMLHttpRequest === "undefined") {
    const answer = transport.send(url, { method: "POST", body: form, ...(signal && { signal }) });
    return answer.then(async ({ status, body }) => {
      await body?.cancel();
      return status;
    });
  }
  const request = new XMLHttpRequest();
  return new Promise<number>((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    // The form's own fields are sent, too.
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, total), total);
    request.onload = () => resolve(request.status);
    request.onabort = () => reject(signal?.reason);
    request.onerror = () => reject(new Error("the bucket did not answer, or takes no files from this page"));
    request.open("POST", url);
    request.send(form);
  });
}

/** A file that tells how much of it was read: `fetch` tells nothing of what it sends, but reads as it sends. */
class CountedFile extends File {
  readonly #onProgress: Sending["onProgress"];

  constructor(file: Blob, filename: string, onProgress: Sending["onProgress"]) {
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
        this.#onProgress(read, this.size);
        controller.enqueue(chunk);
      },
    });
  }
}
