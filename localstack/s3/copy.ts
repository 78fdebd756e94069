/** Copies of objects. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
import { constants, copyFileSync, createReadStream } from "node:fs";
import { storeBytes } from "./body.ts";
import { requireCopySource, requireIfMatch } from "./conditions.ts";
import { encryptionOf, withoutEncryption } from "./encryption.ts";
import { S3Error } from "./error.ts";
import { requireKey, type S3Answer, type S3Request } from "./request.ts";
import type { S3Store, StoredObject } from "./store.ts";
import { archiveOf, checksumFields, keptHeaders, requireObject, typeOf } from "./stored-object.ts";
import { tagsOf } from "./tags.ts";
import { toXml } from "./xml.ts";

export async function copyObject(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
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
    ...source,
    bucket,
    key,
    blob,
    checksum,
    modifiedAt: now,
    parts: undefined,
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
  asked: string | undefined,
  store: S3Store,
): Promise<Pick<StoredObject, "blob" | "checksum">> {
  const { checksum } = source;
  // A copy has no parts, so its checksum is that of its bytes.
  const isOfParts = checksum !== undefined && typeOf(checksum) === "COMPOSITE";
  const algorithm = asked ?? (isOfParts ? checksum.algorithm : undefined);
  if (algorithm === undefined || (algorithm === checksum?.algorithm && !isOfParts)) {
    const blob = store.newBlob();
    copyFileSync(store.blobPath(source.blob), store.blobPath(blob), constants.COPYFILE_FICLONE);
    return { blob, checksum };
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
  const [, sourceBucket, sourceKey] = /^\/?([^/]+)\/(.+)$/s.exec(decoded(named)) ?? [];
  if (sourceBucket === undefined || sourceKey === undefined) {
    throw new S3Error("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey", {
      ArgumentName: "x-amz-copy-source",
      ArgumentValue: named,
    });
  }
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

/** Nothing where the text is no URL's. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
