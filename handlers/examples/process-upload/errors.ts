/** Why an uploaded file is refused: stable across releases, and what callers should test. */
export type UploadErrorCode =
  /** Nothing was uploaded before the deadline. */
  | "UPLOAD_MISSING"
  /** It has no bytes. */
  | "UPLOAD_EMPTY"
  /** It is truncated, corrupt, or cannot be decoded in time. */
  | "IMAGE_BROKEN"
  /** It has more pixels, or more bytes, than may be held in memory. */
  | "IMAGE_TOO_LARGE"
  /** A quote is never closed, a record has no end. */
  | "CSV_BROKEN"
  /** It says that it is a CSV, and its bytes are no text. */
  | "CSV_NO_TABLE";

/**
 * An uploaded file that is refused. Always final: the same file fails the same way, so a retry cannot help. A failed read, or a file
 * that could not be saved, is thrown as it came and may be retried.
 */
export class UploadError extends Error {
  readonly code: UploadErrorCode;

  constructor(code: UploadErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UploadError";
    this.code = code;
  }
}

const MAX_NAME_CHARS = 100;

/** A file's name, for a sentence. It is the user's own text: it is cut, and no control character comes into a line of a log. */
export function quote(filename: string): string {
  const name = filename.length > MAX_NAME_CHARS ? `${filename.slice(0, MAX_NAME_CHARS)}…` : filename;
  return `'${name.replace(/\p{Cc}/gu, "?").toWellFormed()}'`;
}
