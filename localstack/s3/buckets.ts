/** Operations on buckets: create, head, delete, list them, and delete many of their objects at once. */
import { ACCOUNT_ID } from "../account.ts";
import { S3Error } from "./error.ts";
import { readText, requireKey, type S3Answer, type S3Request } from "./request.ts";
import type { BucketEntry, S3Store } from "./store.ts";
import { childrenOf, parseXml, textOf, toXml } from "./xml.ts";

const MAX_KEYS_PER_DELETE = 1000;
const OWNER = { ID: ACCOUNT_ID, DisplayName: "lovage" };

/** @throws S3Error NoSuchBucket */
export function requireBucket(store: S3Store, name: string): BucketEntry {
  const bucket = store.bucket(name);
  if (bucket === undefined) {
    throw new S3Error("NoSuchBucket", "The specified bucket does not exist", { BucketName: name });
  }
  return bucket;
}

export async function listBuckets(_request: S3Request, store: S3Store): Promise<S3Answer> {
  const Bucket = store
    .buckets()
    .map(({ name, createdAt }) => ({ Name: name, CreationDate: new Date(createdAt).toISOString() }));
  return { status: 200, body: toXml("ListAllMyBucketsResult", { Owner: OWNER, Buckets: { Bucket } }) };
}

/** Creating one's own bucket again succeeds, as in us-east-1. */
export async function createBucket({ bucket }: S3Request, store: S3Store, now: number): Promise<S3Answer> {
  store.createBucket(bucket, now);
  return { status: 200, headers: { location: `/${bucket}` } };
}

export async function headBucket({ bucket }: S3Request, store: S3Store): Promise<S3Answer> {
  requireBucket(store, bucket);
  return { status: 200, headers: { "x-amz-bucket-region": "us-east-1" } };
}

export async function deleteBucket({ bucket }: S3Request, store: S3Store): Promise<S3Answer> {
  if (!store.deleteBucket(bucket)) {
    throw new S3Error("BucketNotEmpty", "The bucket you tried to delete is not empty", { BucketName: bucket });
  }
  return { status: 204 };
}

export async function getBucketLocation(): Promise<S3Answer> {
  return { status: 200, body: toXml("LocationConstraint", {}) };
}

/** DeleteObjects: each key has its own outcome. */
export async function deleteObjects(request: S3Request, store: S3Store): Promise<S3Answer> {
  const { bucket, sourceIp } = request;
  const root = parseXml(await readText(request));
  const objects = root === undefined ? [] : childrenOf(root, "Object");
  if (root?.name !== "Delete" || objects.length === 0 || objects.length > MAX_KEYS_PER_DELETE) {
    throw S3Error.malformedXml();
  }
  const deleted: { Key: string }[] = [];
  const errors: { Key: string; Code: string; Message: string }[] = [];
  for (const object of objects) {
    // Not trimmed: a key may begin or end with a space.
    const key = childrenOf(object, "Key")[0]?.text ?? "";
    try {
      requireKey(key);
      store.delete(bucket, key, sourceIp);
      deleted.push({ Key: key });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      errors.push({ Key: key, Code: error.code, Message: error.message });
    }
  }
  const quiet = textOf(root, "Quiet") === "true";
  return { status: 200, body: toXml("DeleteResult", { Deleted: quiet ? [] : deleted, Error: errors }) };
}
