/**
 * Why an uploaded file is refused.
 *
 * ```text
 * UploadError                 code, details, cause
 *   MissingUploadError        UPLOAD_MISSING     nothing was uploaded before the deadline
 *   EmptyUploadError          UPLOAD_EMPTY       no bytes
 *   BrokenImageError          IMAGE_BROKEN       truncated, corrupt, or not decodable in time
 *   ImageTooLargeError        IMAGE_TOO_LARGE    more pixels, or more bytes, than may be held in memory
 *   BrokenCsvError            CSV_BROKEN         a quote never closed, a record without end
 *   NoTableError              CSV_NO_TABLE       it says that it is a CSV, and its bytes are no text
 * ```
 *
 * All are final: the same file fails the same way, so a retry cannot help. A failed read or a failed
 * `saveDerived` is not among them; it is thrown as it came and may be retried.
 */

export type UploadErrorCode =
  | "UPLOAD_MISSING"
  | "UPLOAD_EMPTY"
  | "IMAGE_BROKEN"
  | "IMAGE_TOO_LARGE"
  | "CSV_BROKEN"
  | "CSV_NO_TABLE";

/** The base of every refusal of an uploaded file. */
export class UploadError extends Error {
  /** Stable across releases; what callers should test. */
  readonly code: UploadErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: UploadErrorCode, message: string, details: Readonly<Record<string, unknown>>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** The deadline came and no file. */
export class MissingUploadError extends UploadError {
  constructor() {
    super("UPLOAD_MISSING", "No file was uploaded before the form expired: ask for a new one with POST /uploads.", {});
  }
}

/** The file has no bytes. */
export class EmptyUploadError extends UploadError {
  constructor(filename: string) {
    super(
      "UPLOAD_EMPTY",
      `Upload ${quote(filename)} has 0 bytes: expected at least 1. The transfer probably broke off; upload it again.`,
      { filename },
    );
  }
}

/** The file begins as an image, but cannot be decoded to its end. */
export class BrokenImageError extends UploadError {
  constructor(filename: string, reason: string, cause?: unknown) {
    super(
      "IMAGE_BROKEN",
      `Image ${quote(filename)} cannot be decoded (${reason}): expected a complete JPEG, PNG, WebP, GIF, AVIF, HEIC or TIFF. Save it again and upload the new file.`,
      { filename, reason },
      cause,
    );
  }
}

/** The image would need more memory than a task may use. */
export class ImageTooLargeError extends UploadError {
  /** @param measured e.g. `30000 x 30000 pixels` */
  constructor(filename: string, measured: string, limit: string) {
    super(
      "IMAGE_TOO_LARGE",
      `Image ${quote(filename)} has ${measured}: at most ${limit} are accepted. Scale it down and upload it again.`,
      { filename, measured, limit },
    );
  }
}

/** The file says it is a CSV, but its records cannot be told apart. */
export class BrokenCsvError extends UploadError {
  constructor(filename: string, reason: string, recordNumber: number) {
    super(
      "CSV_BROKEN",
      `CSV ${quote(filename)} is broken at record ${recordNumber}: ${reason}. Correct the file there and upload it again.`,
      { filename, reason, recordNumber },
    );
  }
}

/** The file says it is a CSV, but it is none that can be read. */
export class NoTableError extends UploadError {
  /** @param found what its bytes are */
  constructor(filename: string, found: string) {
    super(
      "CSV_NO_TABLE",
      `CSV ${quote(filename)} is no table: ${found}. Save it as a CSV in UTF-8, or replay the task with the payload's 'encoding', and see the file again.`,
      { filename, found },
    );
  }
}

const MAX_NAME_CHARS = 100;

/** A file name is the user's own text: cut it, and let no control character into a log line. */
function quote(filename: string): string {
  const name = filename.length > MAX_NAME_CHARS ? `${filename.slice(0, MAX_NAME_CHARS)}…` : filename;
  return `'${name.replace(/\p{Cc}/gu, "?").toWellFormed()}'`;
}
