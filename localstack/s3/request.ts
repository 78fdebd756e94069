/** An S3 request taken apart: which bucket and key it names, path style, and what it asks of them. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { ByteReader } from "./byte-reader.ts";
import { S3Error } from "./error.ts";

export interface S3Request {
  readonly method: string;
  /** Empty if the request is about the account. */
  readonly bucket: string;
  /** Empty if the request is about a bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
  /** Path and query as they were sent, for the signature. */
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ByteReader;
  readonly sourceIp: string;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Readable;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1024;

/** @throws S3Error if the path is no bucket and key that this S3 takes */
export function parseRequest(message: IncomingMessage): S3Request {
  const url = message.url ?? "/";
  const mark = url.indexOf("?");
  const rawPath = mark === -1 ? url : url.slice(0, mark);
  const rawQuery = mark === -1 ? "" : url.slice(mark + 1);
  const [, rawBucket = "", rawKey = ""] = /^\/([^/]*)\/?(.*)$/s.exec(rawPath) ?? [];
  const query = new URLSearchParams(rawQuery);
  const bucket = decode(rawBucket);
  const key = decode(rawKey);
  if (bucket !== "") requireBucketName(bucket);
  if (key !== "") requireKey(key);
  return {
    method: message.method ?? "GET",
    bucket,
    key,
    query,
    rawPath,
    rawQuery,
    headers: withQueryHeaders(message.headers, query),
    body: new ByteReader(message),
    sourceIp: message.socket.remoteAddress ?? "127.0.0.1",
  };
}

/**
 * Refuses keys with a `.` or `..` segment, however it is encoded. Objects are not stored under their key's name, so nothing
 * could leave the store; but S3 itself normalises or refuses such keys, and they are traps for whoever makes a file of one.
 */
export function requireKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error("KeyTooLongError", "Your key is too long", { MaxSizeAllowed: `${MAX_KEY_BYTES}` });
  }
  for (let text = key, depth = 0; depth < 4; depth++) {
    if (/(^|[/\\])\.{1,2}([/\\]|$)/.test(text) || text.includes("\0")) {
      throw new S3Error("InvalidURI", `Key '${key}' was refused: expected no '.' or '..' between slashes.`);
    }
    text = decodeLeniently(text);
  }
}

/** @throws S3Error InvalidBucketName */
function requireBucketName(name: string): void {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
  const wellFormed = /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/.test(name);
  if (!wellFormed || name.includes("..") || /^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    throw new S3Error("InvalidBucketName", "The specified bucket is not valid.", { BucketName: name });
  }
}

const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;

/** The whole body, for configurations and lists of keys. @throws S3Error MaxMessageLengthExceeded */
export async function readBytes(request: S3Request): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request.body.rest()) {
    size += piece.length;
    if (size > MAX_DOCUMENT_BYTES) throw new S3Error("MaxMessageLengthExceeded", "Your request was too big.");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new S3Error("InvalidURI", "Couldn't parse the specified URI.", { URI: raw });
  }
}

function decodeLeniently(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (encoded) => Buffer.from(encoded.replaceAll("%", ""), "hex").toString());
}

/**
 * A presigned URL carries headers in its query. All but the checksum, which S3 ignores there: the SDK computes it while it
 * signs, when there is no body yet.
 */
function withQueryHeaders(headers: IncomingHttpHeaders, query: URLSearchParams): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of query) {
    const header = name.toLowerCase();
    if (header.startsWith("x-amz-") && !header.startsWith("x-amz-checksum-") && !header.startsWith("x-amz-sdk-")) {
      all[header] = value;
    }
  }
  for (const [name, value] of Object.entries(headers)) {
    all[name] = Array.isArray(value) ? value.join(",") : (value ?? "");
  }
  return all;
}
