/** Operations on one object: put, copy, get, head, delete, and its tags. */
import { constants, copyFileSync, createReadStream, openSync } from "node:fs";
import type { Readable } from "node:stream";
import { receiveBody } from "./body.ts";
import { requireIfMatch, requireUnmodified, selectRange, unchangedSince } from "./conditions.ts";
import { S3Error } from "./error.ts";
import { readText, requireKey, type S3Answer, type S3Request } from "./request.ts";
import type { S3Store, StoredObject } from "./store.ts";
import { parseXml, toXml } from "./xml.ts";

/** Headers that S3 keeps with an object and gives back with it. */
const KEPT_HEADERS = [
  ...["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"],
  "x-amz-storage-class",
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

/** Tags given as `a=1&b=2` in a header, as the document that GetObjectTagging answers. */
export function tagsOf(headers: Readonly<Record<string, string>>): string | undefined {
  const tagging = headers["x-amz-tagging"];
  if (tagging === undefined || tagging === "") return undefined;
  const tags = [...new URLSearchParams(tagging)].map(([Key, Value]) => ({ Key, Value }));
  return toXml("Tagging", { TagSet: { Tag: tags } });
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
  const kept = keptHeaders(headers);
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
  return { status: 200, headers: { etag: object.etag, ...checksumHeaders(object) } };
}

function copyObject(request: S3Request, store: S3Store, now: number): S3Answer {
  const { bucket, key, headers, sourceIp } = request;
  if (Object.keys(headers).some((name) => name.startsWith("x-amz-copy-source-"))) {
    throw S3Error.notImplemented("CopyObject with conditions or ranges");
  }
  const path = decodeURIComponent(headers["x-amz-copy-source"] ?? "").replace(/^\//, "");
  const slash = path.indexOf("/");
  const sourceBucket = path.slice(0, Math.max(slash, 0));
  const sourceKey = path.slice(slash + 1);
  requireKey(sourceKey);
  if (store.bucket(sourceBucket) === undefined) {
    throw new S3Error("NoSuchBucket", "The specified bucket does not exist", { BucketName: sourceBucket });
  }
  const source = requireObject(store, sourceBucket, sourceKey);
  const replaces = headers["x-amz-metadata-directive"] === "REPLACE";
  if (!replaces && sourceBucket === bucket && sourceKey === key) {
    throw new S3Error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
    );
  }
  const blob = store.newBlob();
  copyFileSync(store.blobPath(source.blob), store.blobPath(blob), constants.COPYFILE_FICLONE);
  const object = {
    ...{ ...source, bucket, key, blob, modifiedAt: now },
    headers: replaces ? keptHeaders(headers) : source.headers,
    tags: headers["x-amz-tagging-directive"] === "REPLACE" ? tagsOf(headers) : source.tags,
  };
  store.put(object, "ObjectCreated:Copy", sourceIp);
  const result = { LastModified: new Date(now).toISOString(), ETag: object.etag };
  return { status: 200, body: toXml("CopyObjectResult", result) };
}

/** GetObject and HeadObject. */
export async function getObject(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, key, headers, query, method } = request;
  const object = requireObject(store, bucket, key);
  requireUnmodified(headers, object);
  const shown = {
    etag: object.etag,
    "last-modified": new Date(object.modifiedAt).toUTCString(),
    "accept-ranges": "bytes",
  };
  if (unchangedSince(headers, object)) return { status: 304, headers: shown };
  const range = selectRange(headers.range, object.size);
  const length = range === undefined ? object.size : range.end - range.start + 1;
  const answer = {
    status: range === undefined ? 200 : 206,
    headers: {
      ...shown,
      ...object.headers,
      ...(headers["x-amz-checksum-mode"] === "ENABLED" && range === undefined ? checksumHeaders(object) : {}),
      ...(range === undefined ? {} : { "content-range": `bytes ${range.start}-${range.end}/${object.size}` }),
      ...overriddenHeaders(query),
      "content-length": length,
    },
  };
  return method === "HEAD" || length === 0 ? answer : { ...answer, body: openBlob(store, object, range) };
}

export async function deleteObject({ bucket, key, sourceIp }: S3Request, store: S3Store): Promise<S3Answer> {
  store.delete(bucket, key, sourceIp);
  return { status: 204 };
}

export async function getObjectTagging({ bucket, key }: S3Request, store: S3Store): Promise<S3Answer> {
  return { status: 200, body: requireObject(store, bucket, key).tags ?? toXml("Tagging", { TagSet: "" }) };
}

export async function putObjectTagging(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, key } = request;
  requireObject(store, bucket, key);
  const tags = await readText(request);
  if (parseXml(tags)?.name !== "Tagging") throw S3Error.malformedXml();
  store.setTags(bucket, key, tags);
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
