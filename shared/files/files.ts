import type { Readable } from "node:stream";
import type { Bucket, PresignedPost } from "../aws/s3.ts";
import { InvalidOptionError } from "../errors.ts";

/**
 * Where files lie in the bucket: `uploads/<task id>` as they came, `derived/<task id>/<name>` what a task made of them. No
 * part of a key is a user's text: names travel as metadata.
 */
export const UPLOAD_PREFIX = "uploads/";
const DERIVED_PREFIX = "derived/";

/** The largest file that a form takes; a larger one goes in parts (parts.ts). */
const FORM_MAX_BYTES = 100 * 1_048_576;

/** Seconds that a presigned upload form, and a link to a derived file, can be used. */
export const UPLOAD_SECONDS = 600;
const LINK_SECONDS = 900;

const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const CONTENT_TYPE = /^[\w.+-]{1,64}\/[\w.+-]{1,64}(; ?[\w-]{1,32}=[\w."-]{1,64}){0,4}$/;

export interface UploadRequest {
  filename: string;
  contentType: string;
  /** Exact size in bytes, if the client knows it; S3 then refuses any other. */
  size?: number;
}

/** An uploaded file, as its task sees it. */
export interface UploadedFile {
  sizeBytes: number;
  /** The client's name for it; only a label, never a path. */
  filename: string;
  /** The media type that the client named; it may be a lie. */
  contentType: string;
}

export interface Files {
  /** A form for one upload that will be processed by the task `id`. @throws InvalidOptionError */
  presignUpload(id: string, request: UploadRequest): Promise<PresignedPost & { maxBytes: number }>;
  /** Undefined if nothing was uploaded under that key. */
  describe(key: string): Promise<UploadedFile | undefined>;
  /** The file's bytes as a stream, from the start. */
  open(key: string): Promise<Readable>;
  /** Stores a file that the task `id` made. @param name letters, digits, `.`, `_`, `-` */
  saveDerived(id: string, name: string, body: Uint8Array | string, contentType: string): Promise<void>;
  /** A link to the file as it came, to be saved under its name, good for 15 minutes. */
  linkOriginal(key: string, filename: string): Promise<string>;
  /** A link to a derived file, good for 15 minutes. */
  linkDerived(id: string, name: string): Promise<string>;
}

export function createFiles(options: { bucket: () => Bucket; uploadMaxBytes: () => number }): Files {
  const { bucket } = options;
  const derivedKey = (id: string, name: string): string => {
    if (!FILE_NAME.test(name))
      throw new InvalidOptionError("name", name, "a file name of letters, digits, '.', '_', '-'");
    return `${DERIVED_PREFIX}${id}/${name}`;
  };

  return {
    async presignUpload(id, request) {
      const { filename, contentType, size } = request;
      const most = Math.min(FORM_MAX_BYTES, options.uploadMaxBytes());
      const further = most < options.uploadMaxBytes() ? "; a larger file goes in parts: POST /uploads/multipart" : "";
      checkUpload(request, { least: 0, most, further });
      const maxBytes = size ?? most;
      const form = await bucket().presignPost({
        key: uploadKey(id),
        fields: { "Content-Type": contentType, "x-amz-meta-filename": filenameMetadata(filename).filename },
        minBytes: size ?? 0,
        maxBytes,
        seconds: UPLOAD_SECONDS,
      });
      return { ...form, maxBytes };
    },
    async describe(key) {
      const object = await bucket().head(key);
      if (object === undefined) return undefined;
      const { filename } = object.metadata;
      return {
        sizeBytes: object.sizeBytes,
        filename: filename === undefined ? key.slice(key.lastIndexOf("/") + 1) : decodeName(filename),
        contentType: object.contentType,
      };
    },
    open: (key) => bucket().get(key),
    saveDerived: (id, name, body, contentType) => bucket().put(derivedKey(id, name), body, contentType),
    linkOriginal: (key, filename) => bucket().presignGet(key, LINK_SECONDS, filename),
    linkDerived: (id, name) => bucket().presignGet(derivedKey(id, name), LINK_SECONDS),
  };
}

export function uploadKey(id: string): string {
  return `${UPLOAD_PREFIX}${id}`;
}

/** Metadata of the object: it is ASCII on the wire, so the name travels percent-encoded. */
export function filenameMetadata(filename: string): { filename: string } {
  return { filename: encodeURIComponent(filename) };
}

/** @param further what to do about a larger file, as the end of a sentence. @throws InvalidOptionError */
export function checkUpload(
  request: UploadRequest,
  { least, most, further = "" }: { least: number; most: number; further?: string },
): void {
  const { filename, contentType, size } = request;
  if (typeof filename !== "string" || !isFilename(filename)) {
    throw new InvalidOptionError(
      "filename",
      filename,
      "1 to 255 characters, none of them a control character, up to 1800 bytes as a URL",
    );
  }
  if (typeof contentType !== "string" || !CONTENT_TYPE.test(contentType)) {
    throw new InvalidOptionError("contentType", contentType, "a media type such as 'text/csv'");
  }
  if (size !== undefined && (!Number.isSafeInteger(size) || size < least || size > most)) {
    throw new InvalidOptionError("size", size, `a whole number of bytes from ${least} to ${most}${further}`);
  }
}

/** Metadata ends at 2 KB: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
function isFilename(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here.
  const characters = /^[^\u0000-\u001f\u007f]{1,255}$/u.test(name) && name.isWellFormed();
  return characters && encodeURIComponent(name).length <= 1800;
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
