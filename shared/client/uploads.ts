/** Files: by a form of the service's, or in parts; the bucket takes them. */

import type { Json } from "../message/json.ts";
import { RefusedError } from "./errors.ts";
import { refusal, type Sending, sendParts } from "./parts.ts";
import { createResult } from "./results.ts";
import { CountedFile, TELLS_PROGRESS, transfer } from "./transfer.ts";
import type { Transport } from "./transport.ts";
import type { Abortable, RecordOf, TaskResult } from "./types.ts";

export interface UploadOptions extends Abortable {
  /** @defaultValue the file's own name, or `file` */
  filename?: string;
  /** A media type. @defaultValue the file's own, or `application/octet-stream` */
  contentType?: string;
  /** Told of the bytes that were sent; fewer again when a try has failed. */
  onProgress?: (sentBytes: number, totalBytes: number) => void;
  /** Told of the upload's id as soon as there is one: a program that keeps it can `resume`. */
  onBegin?: (id: string) => void;
  /** The id of an upload in parts that was cut off, within a day: only what is missing is sent. */
  resume?: string;
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
   * Sends a file to the bucket; resolves when it is there, and its task has still to run. A file above 16 MiB goes in parts, of which each
   * that fails is sent again; of a smaller one, all.
   * @throws RefusedError, NoAnswerError; ClientError (`UPLOAD_REFUSED`) if the bucket does not take it; the signal's reason
   */
  send<Result = Json>(file: Blob, options?: UploadOptions): Promise<UploadResult<Result>>;
  /** A handle on an upload that was sent before. */
  result<Result = Json>(id: string): UploadResult<Result>;
  /** Gives up an upload whose file has not come: what came of it is removed, and its task is revoked. @throws RefusedError (`UPLOAD_TAKEN`) */
  giveUp(id: string, options?: Abortable): Promise<void>;
}

interface Form {
  id: string;
  upload: { url: string; fields: Record<string, string> };
}

/** A larger file goes in parts: it is worth the calls not to begin again. */
export const FORM_BYTES = 16 * 1_048_576;
const TRIES = 4;
const PAUSE = 500;

export function createUploads(transport: Transport): Uploads {
  const { call } = transport;
  const at = (id: string): `/${string}` => `/uploads/${encodeURIComponent(id)}`;
  const handle = <Result>(id: string): UploadResult<Result> => ({
    ...createResult<Result>(transport, { id }, at(id)),
    fetch: ({ signal } = {}) => call<UploadRecord<Result>>("GET", at(id), { signal }),
  });

  return {
    result: handle,
    async send<Result>(file: Blob, options: UploadOptions = {}) {
      const { signal, resume, onProgress = () => {}, onBegin = () => {} } = options;
      const {
        filename = file instanceof File && file.name !== "" ? file.name : "file",
        contentType = file.type || "application/octet-stream",
      } = options;
      let id = resume;
      const sending: Sending = {
        file,
        filename,
        body: { filename, contentType, size: file.size },
        signal,
        onProgress,
        onBegin(begun) {
          id = begun;
          onBegin(begun);
        },
      };
      try {
        const inParts = resume !== undefined || file.size > FORM_BYTES;
        return handle<Result>(await (inParts ? sendParts(transport, sending, resume) : sendForm(transport, sending)));
      } catch (error) {
        // The file came after all, and only the answer was lost.
        if (id !== undefined && error instanceof RefusedError && error.code === "UPLOAD_TAKEN")
          return handle<Result>(id);
        throw error;
      }
    },
    giveUp: async (id, { signal } = {}) => void (await call("DELETE", at(id), { signal })),
  };
}

/** Answers with the upload's id. */
async function sendForm(transport: Transport, sending: Sending): Promise<string> {
  const { call, sleep, random } = transport;
  const { file, filename, body, signal, onProgress } = sending;
  // Made twice it would be two tasks, of which one waits in vain for its file.
  let form = await call<Form>("POST", "/uploads", { body, signal, repeatable: false });
  const { id } = form;
  sending.onBegin(id);
  // The form's own fields are sent, too.
  const tell = (sentBytes: number): void => onProgress(Math.min(sentBytes, file.size), file.size);
  for (let tried = 1; ; tried++) {
    const outcome = await transfer(transport, {
      method: "POST",
      url: form.upload.url,
      body: formOf(form, file, filename, tell),
      signal,
      onProgress: tell,
    });
    if (typeof outcome === "number" && outcome < 300) {
      tell(file.size);
      return id;
    }
    if (tried === TRIES) throw refusal(filename, outcome);
    await sleep(PAUSE * 2 ** tried * random(), signal);
    form = await call<Form>("POST", `/uploads/${encodeURIComponent(id)}`, { body, signal });
  }
}

function formOf({ upload }: Form, file: Blob, filename: string, onRead: (bytes: number) => void): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append("file", TELLS_PROGRESS ? file : new CountedFile(file, filename, onRead));
  return form;
}
