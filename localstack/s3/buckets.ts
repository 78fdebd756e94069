/** Operations on buckets: create, head, delete, list them, and delete many of their objects at once. */
import { readDocument, requireDigest } from "./checksums.ts";
import { requireDeletable } from "./conditions.ts";
import { S3Error } from "./error.ts";
import { OWNER, parseToken } from "./listing.ts";
import { requireKey, type S3Answer, type S3Request } from "./request.ts";
import { signedRegion } from "./signature.ts";
import type { BucketEntry, S3Store } from "./store.ts";
import { childrenOf, parseXml, textOf, toXml, type XmlElement } from "./xml.ts";

const MAX_KEYS_PER_DELETE = 1000;

/** @throws S3Error NoSuchBucket */
export function requireBucket(store: S3Store, name: string): BucketEntry {
  const bucket = store.bucket(name);
  if (bucket === undefined) {
    throw new S3Error("NoSuchBucket", "The specified bucket does not exist", { BucketName: name });
  }
  return bucket;
}

const MAX_BUCKETS = 10_000;

export async function listBuckets({ query }: S3Request, store: S3Store): Promise<S3Answer> {
  const prefix = query.get("prefix") ?? "";
  const region = query.get("bucket-region");
  const max = Number(query.get("max-buckets") ?? MAX_BUCKETS);
  if (!Number.isInteger(max) || max < 1 || max > MAX_BUCKETS) {
    throw new S3Error("InvalidArgument", `Argument max-buckets must be an integer between 1 and ${MAX_BUCKETS}`);
  }
  const token = query.get("continuation-token");
  const after = token === null ? "" : parseToken(token);
  const found = store
    .buckets()
    .filter(({ name }) => name.startsWith(prefix) && name > after)
    .filter(({ name }) => region === null || regionOf(store, name) === region);
  const page = found.slice(0, max);
  const last = found.length > max ? page.at(-1)?.name : undefined;
  const Bucket = page.map(({ name, createdAt }) => ({
    Name: name,
    CreationDate: new Date(createdAt).toISOString(),
    BucketRegion: regionOf(store, name),
  }));
  return {
    status: 200,
    body: toXml("ListAllMyBucketsResult", {
      Owner: OWNER,
      Buckets: { Bucket },
      ContinuationToken: last === undefined ? undefined : Buffer.from(last).toString("base64url"),
      Prefix: prefix === "" ? undefined : prefix,
    }),
  };
}

const HOME_REGION = "us-east-1";
const LOCATION = "location";

function regionOf(store: S3Store, bucket: string): string {
  return store.setting(bucket, LOCATION) ?? HOME_REGION;
}

/**
 * Creating one's own bucket again succeeds in us-east-1, and nowhere else. The region that a request is signed for is that of the endpoint
 * which AWS would have it sent to, and that one makes buckets in its own region alone, but for us-east-1.
 */
export async function createBucket(request: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  const { bucket } = request;
  const text = await readDocument(request);
  const root = text === "" ? undefined : parseXml(text);
  if (text !== "" && root?.name !== "CreateBucketConfiguration") throw S3Error.malformedXml();
  const other = root?.children.find(({ name }) => name !== "LocationConstraint");
  if (other !== undefined) throw S3Error.notImplemented(`'${other.name}' of CreateBucket`);
  const region = (root && textOf(root, "LocationConstraint")) || HOME_REGION;
  if (!/^(?:EU|[a-z]{2}(?:-[a-z]+)+-\d)$/.test(region)) {
    throw new S3Error("InvalidLocationConstraint", "The specified location-constraint is not valid", {
      LocationConstraint: region,
    });
  }
  requireOwnRegion(signedRegion(request), root && textOf(root, "LocationConstraint"));
  if (store.bucket(bucket) !== undefined && (regionOf(store, bucket) !== HOME_REGION || region !== HOME_REGION)) {
    throw new S3Error(
      "BucketAlreadyOwnedByYou",
      "Your previous request to create the named bucket succeeded and you already own it.",
      { BucketName: bucket },
    );
  }
  store.createBucket(bucket, now);
  if (region !== HOME_REGION) store.putSetting(bucket, LOCATION, region);
  return { status: 200, headers: { location: `/${bucket}` } };
}

/** @throws S3Error for a region that the endpoint is not for */
function requireOwnRegion(endpoint: string | undefined, constraint: string | undefined): void {
  if (endpoint === undefined) return;
  if (endpoint === HOME_REGION) {
    if (constraint !== HOME_REGION) return;
    throw new S3Error("InvalidLocationConstraint", "The specified location-constraint is not valid", {
      LocationConstraint: constraint,
    });
  }
  const isOwn = constraint === endpoint || (constraint === "EU" && endpoint === "eu-west-1");
  if (isOwn) return;
  throw new S3Error(
    "IllegalLocationConstraintException",
    `The ${constraint || "unspecified"} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}

export async function headBucket({ bucket }: S3Request, store: S3Store): Promise<S3Answer> {
  requireBucket(store, bucket);
  return { status: 200, headers: { "x-amz-bucket-region": regionOf(store, bucket) } };
}

export async function deleteBucket({ bucket }: S3Request, store: S3Store): Promise<S3Answer> {
  if (!store.deleteBucket(bucket)) {
    throw new S3Error("BucketNotEmpty", "The bucket you tried to delete is not empty", { BucketName: bucket });
  }
  return { status: 204 };
}

export async function getBucketLocation({ bucket }: S3Request, store: S3Store): Promise<S3Answer> {
  const region = store.setting(bucket, LOCATION);
  return { status: 200, body: toXml("LocationConstraint", {}, undefined, region) };
}

/** DeleteObjects: each key has its own outcome. */
export async function deleteObjects(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, sourceIp } = request;
  requireDigest(request);
  const root = parseXml(await readDocument(request));
  const objects = root === undefined ? [] : childrenOf(root, "Object");
  if (root?.name !== "Delete" || objects.length === 0 || objects.length > MAX_KEYS_PER_DELETE) {
    throw S3Error.malformedXml();
  }
  requireBucket(store, bucket);
  const deleted: { Key: string }[] = [];
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const object of objects) {
    // Not trimmed: a key may begin or end with a space.
    const key = childrenOf(object, "Key")[0]?.text ?? "";
    try {
      requireKey(key);
      const conditions = deleteConditions(object);
      store.delete({ bucket, key, sourceIp }, (existing) => requireDeletable(conditions, existing));
      deleted.push({ Key: key });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      errors.push({ Key: key, Code: error.code, Message: error.message });
    }
  }
  const quiet = textOf(root, "Quiet") === "true";
  return { status: 200, body: toXml("DeleteResult", { Deleted: quiet ? [] : deleted, Error: errors }) };
}

/** The conditions of one key. Sizes and times are for directory buckets; versions there are none. */
function deleteConditions(object: XmlElement): { etag: string | undefined } {
  for (const name of ["Size", "LastModifiedTime"]) {
    if (textOf(object, name) !== undefined) throw S3Error.notImplemented(`'${name}' of DeleteObjects`);
  }
  const version = textOf(object, "VersionId");
  if (version !== undefined && version !== "null") throw S3Error.notImplemented("'VersionId' of DeleteObjects");
  return { etag: textOf(object, "ETag") };
}
