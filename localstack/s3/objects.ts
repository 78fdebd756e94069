/** Operations on one object: put, copy, get, head, delete, and its tags. */
import { constants, copyFileSync, createReadStream, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { receiveBody, storeBytes } from "./body.ts";
import {
  requireCopySource,
  requireDeletable,
  requireIfMatch,
  requireUnmodified,
  selectRange,
  unchangedSince,
} from "./conditions.ts";
import { encryptionHeaders, encryptionOf, withoutEncryption } from "./encryption.ts";
import { S3Error } from "./error.ts";
import { readText, requireKey, type S3Answer, type S3Request } from "./request.ts";
import type { S3Store, StoredObject } from "./store.ts";
import { readTags, tagCount, tagsOf } from "./tags.ts";
import { toXml } from "./xml.ts";

/** Headers that S3 keeps with an object and gives back with it. */
const KEPT_HEADERS = [
  ...["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"],
  ...["x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"],
  "x-amz-server-side-encryption-bucket-key-enabled",
];
const MAX_METADATA_BYTES = 2048;

/** The headers of an upload that stay with the object. @throws S3Error MetadataTooLarge */
export function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = { "content-type": "binary/octet-stream" };
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith("x-amz-meta-")) {
      metadataBytes += name.length - "x-amz-meta-".length + Buffer.byteLength(value);
      kept[name] = value;
    } else if (KEPT_HEADERS.includes(name) && value !== "") {
      kept[name] = value;
    }
  }
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  }
  // How the bytes travelled, not what they are.
  const encoding = kept["content-encoding"]?.replace(/aws-chunked,?\s*/, "");
  delete kept["content-encoding"];
  return encoding === undefined || encoding === "" ? kept : { ...kept, "content-encoding": encoding };
}

/** The archive in which an object lies: until it is restored, which is not done here, its bytes are not read. */
function archiveOf({ headers }: StoredObject): string | undefined {
  const storageClass = headers["x-amz-storage-class"];
  return storageClass === "GLACIER" || storageClass === "DEEP_ARCHIVE" ? storageClass : undefined;
}

/** The object that a request names. @throws S3Error NoSuchKey */
function requireObject(store: S3Store, bucket: string, key: string): StoredObject {
  const object = store.object(bucket, key);
  if (object === undefined) throw new S3Error("NoSuchKey", "The specified key does not exist.", { Key: key });
  return object;
}

export async function putObject(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  if (request.headers["x-amz-copy-source"] !== undefined) return copyObject(request, store, now);
  const { bucket, key, headers, sourceIp } = request;
  const kept = { ...keptHeaders(headers), ...encryptionOf(headers, store, bucket) };
  requireIfMatch(headers, store.object(bucket, key));
  const { blob, size, md5, checksum } = await receiveBody(request, store);
  const object = {
    ...{ bucket, key, blob, size, etag: `"${md5}"`, modifiedAt: now },
    ...{ headers: kept, checksum, tags: tagsOf(headers) },
  };
  try {
    store.put(object, "ObjectCreated:Put", sourceIp, (existing) => requireIfMatch(headers, existing));
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
  return { status: 200, headers: { etag: object.etag, ...encryptionHeaders(kept), ...checksumHeaders(object) } };
}

async function copyObject(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { bucket, key, headers, sourceIp } = request;
  if (headers["x-amz-copy-source-range"] !== undefined) throw S3Error.notImplemented("CopyObject of a range");
  const source = copySource(request, store);
  const replaces = headers["x-amz-metadata-directive"] === "REPLACE";
  const storageClass = headers["x-amz-storage-class"];
  const encryption = encryptionOf(headers, store, bucket);
  const isEncryptionGiven =
    headers["x-amz-server-side-encryption"] !== undefined || store.setting(bucket, "encryption") !== undefined;
  const changes = replaces || storageClass !== undefined || isEncryptionGiven;
  if (!changes && source.bucket === bucket && source.key === key) {
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  requireIfMatch(headers, store.object(bucket, key));
  const { blob, checksum } = await copyBytes(source, headers["x-amz-checksum-algorithm"]?.toLowerCase(), store);
  // The class is the copy's own: without a word about it, the standard one.
  const { "x-amz-storage-class": _, ...sourceHeaders } = withoutEncryption(source.headers);
  const kept = replaces
    ? keptHeaders(headers)
    : { ...sourceHeaders, ...(storageClass !== undefined && { "x-amz-storage-class": storageClass }) };
  const object = {
    ...{ ...source, bucket, key, blob, checksum, modifiedAt: now, parts: undefined },
    headers: { ...kept, ...encryption },
    tags: headers["x-amz-tagging-directive"] === "REPLACE" ? tagsOf(headers) : source.tags,
  };
  try {
    store.put(object, "ObjectCreated:Copy", sourceIp, (existing) => requireIfMatch(headers, existing));
  } catch (error) {
    store.removeBlobs(blob);
    throw error;
  }
  const result = {
    LastModified: new Date(now).toISOString(),
    ETag: object.etag,
    ...checksumFields(object),
  };
  return { status: 200, headers: encryption, body: toXml("CopyObjectResult", result) };
}

/** The bytes of an object once more, with its checksum, or another one that was asked for. */
async function copyBytes(
  source: StoredObject,
  algorithm: string | undefined,
  store: S3Store,
): Promise<Pick<StoredObject, "blob" | "checksum">> {
  if (algorithm === undefined || algorithm === source.checksum?.algorithm) {
    const blob = store.newBlob();
    copyFileSync(store.blobPath(source.blob), store.blobPath(blob), constants.COPYFILE_FICLONE);
    return { blob, checksum: source.checksum };
  }
  const { blob, digests } = await storeBytes(createReadStream(store.blobPath(source.blob)), store, [algorithm]);
  const value = digests.get(algorithm);
  if (value !== undefined) return { blob, checksum: { algorithm, value } };
  store.removeBlobs(blob);
  throw S3Error.notImplemented(`A copy with a checksum of ${algorithm.toUpperCase()}`);
}

/** The object that `x-amz-copy-source` names, if its conditions hold. @throws S3Error */
export function copySource({ headers }: S3Request, store: S3Store): StoredObject {
  const [named = "", version] = (headers["x-amz-copy-source"] ?? "").split("?versionId=");
  if (version !== undefined && version !== "null") throw S3Error.notImplemented("A copy of a version");
  const path = decodeURIComponent(named).replace(/^\//, "");
  const slash = path.indexOf("/");
  const sourceBucket = path.slice(0, Math.max(slash, 0));
  const sourceKey = path.slice(slash + 1);
  requireKey(sourceKey);
  if (store.bucket(sourceBucket) === undefined) {
    throw new S3Error("NoSuchBucket", "The specified bucket does not exist", { BucketName: sourceBucket });
  }
  const source = requireObject(store, sourceBucket, sourceKey);
  requireCopySource(headers, source);
  if (archiveOf(source) !== undefined) {
    throw new S3Error(
      "ObjectNotInActiveTierError",
      "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier.",
    );
  }
  return source;
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
  const range = part ?? selectRange(headers.range, object.size);
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
  const checksum = checksumFields(object);
  return {
    status: 200,
    headers: { "last-modified": new Date(object.modifiedAt).toUTCString() },
    body: toXml("GetObjectAttributesResponse", {
      ETag: is("ETag") ? object.etag.replaceAll('"', "") : undefined,
      Checksum: is("Checksum") && Object.keys(checksum).length > 0 ? checksum : undefined,
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
  store.setTags(bucket, key, readTags(await readText(request)));
  return { status: 200 };
}

export async function deleteObjectTagging({ bucket, key }: S3Request, store: S3Store): Promise<S3Answer> {
  requireObject(store, bucket, key);
  store.setTags(bucket, key, undefined);
  return { status: 204 };
}

/** Opened at once: whoever replaces the object meanwhile removes its file, but what is open is still read to its end. */
function openBlob(store: S3Store, { blob }: StoredObject, range: { start: number; end: number } | undefined): Readable {
  return createReadStream("", { fd: openSync(store.blobPath(blob), "r"), ...range });
}

function checksumHeaders({ checksum }: Pick<StoredObject, "checksum">): Record<string, string> {
  return checksum === undefined
    ? {}
    : { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, "x-amz-checksum-type": "FULL_OBJECT" };
}

/** `ChecksumSHA256` and its like, in an answer's document. */
function checksumFields({ checksum }: Pick<StoredObject, "checksum">): Record<string, string> {
  return checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm.toUpperCase()}`]: checksum.value, ChecksumType: "FULL_OBJECT" };
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
