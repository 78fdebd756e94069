/** Operations on one object: put, get, head, delete, and its tags; a copy is in copy.ts. */
import { closeSync, createReadStream, fstatSync, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { receiveBody } from "./body.ts";
import { readDocument } from "./checksums.ts";
import {
  mayBeRange,
  requireDeletable,
  requireIfMatch,
  requireUnmodified,
  selectRange,
  unchangedSince,
} from "./conditions.ts";
import { copyObject } from "./copy.ts";
import { encryptionHeaders, encryptionOf } from "./encryption.ts";
import { S3Error } from "./error.ts";
import type { S3Answer, S3Request } from "./request.ts";
import type { S3Store, StoredObject } from "./store.ts";
import { archiveOf, checksumFields, checksumHeaders, keptHeaders, requireObject } from "./stored-object.ts";
import { readTags, tagCount, tagsOf } from "./tags.ts";
import { toXml } from "./xml.ts";

export async function putObject(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  if (request.headers["x-amz-copy-source"] !== undefined) return copyObject(request, store, now);
  const { bucket, key, headers, sourceIp } = request;
  const kept = { ...keptHeaders(headers), ...encryptionOf(headers, store, bucket) };
  requireIfMatch(headers, store.object(bucket, key));
  const { blob, size, md5, checksum } = await receiveBody(request, store);
  const object = {
    bucket,
    key,
    blob,
    size,
    etag: `"${md5}"`,
    modifiedAt: now,
    headers: kept,
    checksum,
    tags: tagsOf(headers),
  };
  try {
    store.put(object, "ObjectCreated:Put", sourceIp, (existing) => requireIfMatch(headers, existing));
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
  return { status: 200, headers: { etag: object.etag, ...encryptionHeaders(kept), ...checksumHeaders(object) } };
}

/** GetObject and HeadObject. */
export async function getObject(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, key, headers, query, method } = request;
  const object = requireObject(store, bucket, key);
  requireUnmodified(headers, object);
  const storageClass = archiveOf(object);
  if (storageClass !== undefined && method === "GET") {
    throw new S3Error("InvalidObjectState", "The operation is not valid for the object's storage class", {
      StorageClass: storageClass,
    });
  }
  const shown = {
    etag: object.etag,
    "last-modified": new Date(object.modifiedAt).toUTCString(),
    "accept-ranges": "bytes",
  };
  if (unchangedSince(headers, object)) return { status: 304, headers: shown };
  const part = selectPart(query.get("partNumber"), headers.range, object);
  const range = part ?? selectRange(mayBeRange(headers, object) ? headers.range : undefined, object.size);
  const length = range === undefined ? object.size : range.end - range.start + 1;
  const tags = tagCount(object.tags);
  const isWhole = range === undefined;
  const answer = {
    status: isWhole ? 200 : 206,
    headers: {
      ...shown,
      ...object.headers,
      ...(headers["x-amz-checksum-mode"] === "ENABLED" && isWhole ? checksumHeaders(object) : {}),
      ...(tags > 0 && method === "GET" && { "x-amz-tagging-count": tags }),
      ...(part && object.parts && { "x-amz-mp-parts-count": object.parts.length }),
      ...(isWhole || object.size === 0 ? {} : { "content-range": `bytes ${range.start}-${range.end}/${object.size}` }),
      ...overriddenHeaders(query),
      "content-length": length,
    },
  };
  return method === "HEAD" || length === 0 ? answer : { ...answer, body: openBlob(store, object, range) };
}

/** The bytes of one part; those of an object that was sent in one piece are its first part. @throws S3Error */
function selectPart(
  text: string | null,
  range: string | undefined,
  { size, parts = [size] }: StoredObject,
): { start: number; end: number } | undefined {
  if (text === null) return undefined;
  if (range !== undefined) {
    throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw new S3Error("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive");
  }
  const bytes = parts[number - 1];
  if (bytes === undefined) {
    throw new S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable", {
      PartNumberRequested: text,
      ActualPartCount: `${parts.length}`,
    });
  }
  const start = parts.slice(0, number - 1).reduce((sum, one) => sum + one, 0);
  return { start, end: start + bytes - 1 };
}

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export async function getObjectAttributes({ bucket, key, headers }: S3Request, store: S3Store): Promise<S3Answer> {
  const object = requireObject(store, bucket, key);
  const asked = (headers["x-amz-object-attributes"] ?? "").split(",").map((name) => name.trim());
  if (!asked.every((name) => ATTRIBUTES.includes(name))) {
    throw new S3Error("InvalidArgument", "Invalid attribute name specified.");
  }
  requireUnmodified(headers, object);
  const is = (name: string): boolean => asked.includes(name);
  const { parts } = object;
  // Without the number of its parts, which stands beside it.
  const checksum = Object.entries(checksumFields(object)).map(([name, value]) => [name, value.replace(/-\d+$/, "")]);
  return {
    status: 200,
    headers: { "last-modified": new Date(object.modifiedAt).toUTCString() },
    body: toXml("GetObjectAttributesResponse", {
      ETag: is("ETag") ? object.etag.replaceAll('"', "") : undefined,
      Checksum: is("Checksum") && checksum.length > 0 ? Object.fromEntries(checksum) : undefined,
      ObjectParts: is("ObjectParts") && parts ? { PartsCount: parts.length } : undefined,
      StorageClass: is("StorageClass") ? (object.headers["x-amz-storage-class"] ?? "STANDARD") : undefined,
      ObjectSize: is("ObjectSize") ? object.size : undefined,
    }),
  };
}

export async function deleteObject({ bucket, key, headers, sourceIp }: S3Request, store: S3Store): Promise<S3Answer> {
  store.delete({ bucket, key, sourceIp }, (existing) => requireDeletable({ etag: headers["if-match"] }, existing));
  return { status: 204 };
}

export async function getObjectTagging({ bucket, key }: S3Request, store: S3Store): Promise<S3Answer> {
  return { status: 200, body: requireObject(store, bucket, key).tags ?? toXml("Tagging", { TagSet: "" }) };
}

export async function putObjectTagging(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, key } = request;
  requireObject(store, bucket, key);
  store.setTags(bucket, key, readTags(await readDocument(request)));
  return { status: 200 };
}

export async function deleteObjectTagging({ bucket, key }: S3Request, store: S3Store): Promise<S3Answer> {
  requireObject(store, bucket, key);
  store.setTags(bucket, key, undefined);
  return { status: 204 };
}

/**
 * Opened at once: whoever replaces the object meanwhile removes its file, but what is open is still read to its end.
 * @throws S3Error NoSuchKey if somebody else has removed or cut the file
 */
function openBlob(
  store: S3Store,
  { key, blob, size }: StoredObject,
  range: { start: number; end: number } | undefined,
): Readable {
  let fd: number | undefined;
  try {
    fd = openSync(store.blobPath(blob), "r");
    if (fstatSync(fd).size === size) return createReadStream("", { fd, ...range });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  if (fd !== undefined) closeSync(fd);
  throw new S3Error("NoSuchKey", "The object is damaged: its file in the data folder was removed or cut.", {
    Key: key,
  });
}

/** `response-content-disposition` and its like, which make a presigned URL a download with a name. */
function overriddenHeaders(query: URLSearchParams): Record<string, string> {
  const overridden: Record<string, string> = {};
  for (const [name, value] of query) {
    if (/^response-(content-(type|language|disposition|encoding)|cache-control|expires)$/.test(name)) {
      overridden[name.slice("response-".length)] = value;
    }
  }
  return overridden;
}
