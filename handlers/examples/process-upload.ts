import { once } from "node:events";
import { files, task } from "lovage";
import * as z from "zod";
import type { CsvSummary } from "./process-upload/csv.ts";
import { UploadError } from "./process-upload/errors.ts";
import type { ImageSummary } from "./process-upload/image.ts";
import type { Kind } from "./process-upload/kind.ts";
import type { TextSummary } from "./process-upload/text.ts";
import type { Upload } from "./process-upload/upload.ts";
import { words } from "./unknown-text/words.ts";

/**
 * Processes an uploaded file: sent when S3 says that it has arrived, and once more at the upload's deadline, whichever
 * comes first. Its result describes the file; files that it derives are listed there as `derived`.
 */
export const processUpload = task({
  name: "process_upload",
  // The words are a person's, who corrects a guess about a text by a replay with another payload.
  payload: z.object({ key: z.string().startsWith("uploads/").max(1024), ...words }),
  retry: { maxRetries: 3, backoff: { base: 1, max: 60 }, notOn: [UploadError] },
  run: async ({ key, ...said }, { id, signal, progress }) => {
    const file = await files.describe(key);
    if (file === undefined) {
      const sentence = "No file was uploaded before the form expired: ask for a new one with POST /uploads.";
      throw new UploadError("UPLOAD_MISSING", sentence);
    }
    const derived: string[] = [];
    const summary = await summariseUpload({
      ...file,
      said,
      signal,
      progress,
      open: () => files.open(key),
      async save(name, body, contentType) {
        // Work that could not be stopped, such as a decoding, goes on unheard, but must not save any more.
        signal.throwIfAborted();
        await files.saveDerived(id, name, body, contentType);
        derived.push(name);
      },
    });
    return { filename: file.filename, ...summary, derived };
  },
});

/** A summary for each kind of file. */
type Made =
  | { kind: "csv"; contentType: string; csv: CsvSummary }
  | { kind: "image"; contentType: string; image: ImageSummary }
  | { kind: "text"; contentType: string; text: TextSummary }
  | { kind: "file"; contentType: string; file: { extension: string | null } };

/** The summary of an upload: plain JSON of 1 to 4 KB. */
type Summary = Made & {
  sizeBytes: number;
  /** Hexadecimal. */
  sha256: string;
  /** The type that the uploader named; `contentType` is that of its bytes. */
  declaredContentType: string;
};

/**
 * Sums up an upload as what it really is, in bounded memory. Faults of the storage are thrown as they come.
 * @throws {UploadError} when the file itself is refused; the same file would be refused again
 */
export async function summariseUpload(upload: Upload): Promise<Summary> {
  const { signal } = upload;
  signal.throwIfAborted();
  const aborted = once(signal, "abort").then(() => Promise.reject(signal.reason));
  return await Promise.race([summarise(upload), aborted]);
}

/** Reads the file once to know it, and a second time to make something of it. */
async function summarise(upload: Upload): Promise<Summary> {
  // Loaded when a file comes, as is all that is made below: every function that knows the task's schema would pay for it at its start.
  const { kindOf, look } = await import("./process-upload/kind.ts");
  const seen = await look(upload);
  const kind = await kindOf(seen, upload);
  const { sizeBytes, sha256 } = seen;
  const declaredContentType = upload.contentType.slice(0, 100).toWellFormed();
  const made = await make(kind, { ...upload, sizeBytes });
  return { ...made, sizeBytes, sha256, declaredContentType };
}

async function make(kind: Kind, upload: Upload): Promise<Made> {
  const { contentType } = kind;
  switch (kind.kind) {
    case "image": {
      const { summariseImage } = await import("./process-upload/image.ts");
      return { kind: "image", contentType, image: await summariseImage(upload) };
    }
    case "csv": {
      const { summariseCsv } = await import("./process-upload/csv.ts");
      try {
        return { kind: "csv", contentType, csv: await summariseCsv(kind, upload) };
      } catch (error) {
        // That it is a CSV was only a guess from its beginning: then it is a text.
        if (kind.isSaid || !(error instanceof UploadError)) throw error;
        return await make({ ...kind, kind: "text", contentType: "text/plain" }, upload);
      }
    }
    case "text": {
      const { summariseText } = await import("./process-upload/text.ts");
      return { kind: "text", contentType, text: await summariseText(kind, upload) };
    }
    case "file":
      return { kind: "file", contentType, file: { extension: kind.extension } };
  }
}
