/** Requests whose headers and parameters change what is meant: done as on AWS, or refused, never dropped. */
import { randomBytes } from "node:crypto";
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { createBucket, keysOf, MIB, put, read, s3, sendRaw } from "./s3-ground.ts";

/** An object of two parts. */
async function twoParts(Bucket: string, Key: string) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const bodies = [randomBytes(5 * MIB), Buffer.from("the end")];
  const Parts: CompletedPart[] = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.push({ ETag, PartNumber });
  }
  const complete = () =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  return { UploadId, complete };
}

describe("a delete", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
  it("of another ETag leaves the object, and one of what is gone is refused", async () => {
    const Bucket = await createBucket();
    const { ETag } = await put(Bucket, "a", "1");

    expect(await errorOf(s3.send(new DeleteObjectCommand({ Bucket, Key: "a", IfMatch: '"other"' })))).toMatchObject({
      name: "PreconditionFailed",
      $metadata: { httpStatusCode: 412 },
    });
    expect(await keysOf(Bucket)).toEqual(["a"]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a", IfMatch: ETag }));
    expect(await errorOf(s3.send(new DeleteObjectCommand({ Bucket, Key: "a", IfMatch: ETag })))).toMatchObject({
      name: "NoSuchKey",
    });
    expect(await keysOf(Bucket)).toEqual([]);
  });

  it("of many judges each by its own ETag", async () => {
    const Bucket = await createBucket();
    const { ETag } = await put(Bucket, "a", "1");
    await put(Bucket, "b", "2");
    const Objects = [
      { Key: "a", ETag },
      { Key: "b", ETag: '"other"' },
      { Key: "b", Size: 1 },
    ];
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));

    expect(Deleted).toEqual([{ Key: "a" }]);
    expect(Errors?.map(({ Code }) => Code)).toEqual(["PreconditionFailed", "NotImplemented"]);
    expect(await keysOf(Bucket)).toEqual(["b"]);
  });
});

describe("a header or parameter that is not done", () => {
  it.each<[string, object, string]>([
    ["an offset to append at", { WriteOffsetBytes: 1 }, "NotImplemented"],
    ["a customer's key", { SSECustomerAlgorithm: "AES256", SSECustomerKey: "k".repeat(32) }, "NotImplemented"],
    ["the bucket of somebody else", { ExpectedBucketOwner: "111122223333" }, "AccessDenied"],
    ["an unknown storage class", { StorageClass: "COLD" }, "InvalidStorageClass"],
    ["an object lock", { ObjectLockLegalHoldStatus: "ON" }, "NotImplemented"],
    ["an ACL for everybody", { ACL: "public-read" }, "NotImplemented"],
    ["a redirect", { WebsiteRedirectLocation: "/b" }, "NotImplemented"],
  ])("refuses a put with %s", async (_, more, name) => {
    const Bucket = await createBucket();

    expect(await errorOf(put(Bucket, "a", "1", more))).toMatchObject({ name });
    expect(await keysOf(Bucket)).toEqual([]);
  });

  it("refuses a read of somebody else's bucket, and a parameter of another operation", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "a", "1");
    const get = new GetObjectCommand({ Bucket, Key: "a", ExpectedBucketOwner: "111122223333" });

    expect(await errorOf(s3.send(get))).toMatchObject({ name: "AccessDenied" });
    const list = new ListObjectsV2Command({ Bucket });
    list.middlewareStack.add(
      (next) => (args) => {
        Object.assign(Object(args.request).query, { "max-uploads": "1" });
        return next(args);
      },
      { step: "build" },
    );
    expect(await errorOf(s3.send(list))).toMatchObject({ name: "NotImplemented" });
  });

  it.each([
    ["GetBucketAnalyticsConfiguration", "?analytics&id=x", "'GET ?analytics&#38;id'"],
    ["GetObjectTagging of a version", "/a?tagging&versionId=x", "Parameter 'versionId'"],
  ])("is named: %s", async (_, path, what) => {
    const Bucket = await createBucket();
    const { status, text } = await sendRaw("GET", `/${Bucket}${path}`);

    expect(status).toBe(501);
    expect(text).toContain(what);
  });

  it("takes what the owner's own rights and the bucket's encryption are", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "a", "1", {
      ACL: "private",
      ServerSideEncryption: "AES256",
      ExpectedBucketOwner: "000000000000",
    });

    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }))).toMatchObject({
      ServerSideEncryption: "AES256",
    });
  });

  it("says that signature version 2 is off", async () => {
    const Bucket = await createBucket();
    const { status, text } = await sendRaw("GET", `/${Bucket}/a?AWSAccessKeyId=test&Signature=x&Expires=9999999999`);

    expect(status).toBe(400);
    expect(text).toContain(
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
  });
});

describe("parts", () => {
  it("are read one by one", async () => {
    const Bucket = await createBucket();
    const { complete } = await twoParts(Bucket, "big");
    await complete();

    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "big", PartNumber: 2 }))).toMatchObject({
      ContentLength: 7,
      PartsCount: 2,
      ContentRange: `bytes ${5 * MIB}-${5 * MIB + 6}/${5 * MIB + 7}`,
      $metadata: { httpStatusCode: 206 },
    });
    expect(await read(Bucket, "big", { PartNumber: 2 })).toBe("the end");
    expect(await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "big", PartNumber: 3 })))).toMatchObject({
      name: "InvalidPartNumber",
    });
    await put(Bucket, "small", "1");
    expect(await read(Bucket, "small", { PartNumber: 1 })).toBe("1");
  });

  it("whose completion was not heard of are completed again, with the same answer", async () => {
    const Bucket = await createBucket();
    const { complete } = await twoParts(Bucket, "big");
    const first = await complete();

    expect((await complete()).ETag).toBe(first.ETag);
  });

  it("can be copies of other objects, or of ranges of them", async () => {
    const Bucket = await createBucket();
    const body = randomBytes(6 * MIB);
    await put(Bucket, "source", body);
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "copy" }));
    const from = { Bucket, Key: "copy", UploadId, CopySource: `${Bucket}/source` };
    const Parts = [];
    for (const [index, CopySourceRange] of [`bytes=0-${5 * MIB - 1}`, `bytes=${5 * MIB}-${6 * MIB - 1}`].entries()) {
      const PartNumber = index + 1;
      const { CopyPartResult } = await s3.send(new UploadPartCopyCommand({ ...from, PartNumber, CopySourceRange }));
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...from, MultipartUpload: { Parts } }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "copy" }));

    expect(Buffer.from((await Body?.transformToByteArray()) ?? [])).toEqual(body);
    const beyond = { ...from, PartNumber: 3, CopySourceRange: `bytes=0-${7 * MIB}` };
    expect(await errorOf(s3.send(new UploadPartCopyCommand(beyond)))).toMatchObject({ name: "NoSuchUpload" });
  });

  it("are listed in pages, and so are uploads", async () => {
    const Bucket = await createBucket();
    const { UploadId } = await twoParts(Bucket, "b/big");
    await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "a" }));
    const of = { Bucket, Key: "b/big", UploadId };

    const page = await s3.send(new ListPartsCommand({ ...of, MaxParts: 1 }));
    expect(page).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: "1",
      MaxParts: 1,
      Parts: [{ PartNumber: 1 }],
    });
    const rest = await s3.send(new ListPartsCommand({ ...of, PartNumberMarker: "1" }));
    expect(rest).toMatchObject({ IsTruncated: false, Parts: [{ PartNumber: 2 }] });
    const list = async (more: object) => s3.send(new ListMultipartUploadsCommand({ Bucket, ...more }));
    expect((await list({})).Uploads?.map(({ Key }) => Key)).toEqual(["a", "b/big"]);
    expect((await list({ Prefix: "b" })).Uploads?.map(({ Key }) => Key)).toEqual(["b/big"]);
    expect((await list({ Delimiter: "/" })).CommonPrefixes).toEqual([{ Prefix: "b/" }]);
    const first = await list({ MaxUploads: 1 });
    expect(first).toMatchObject({ IsTruncated: true, Uploads: [{ Key: "a" }] });
    const next = { KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker };
    expect((await list(next)).Uploads?.map(({ Key }) => Key)).toEqual(["b/big"]);
  });
});

describe("a copy", () => {
  it("has conditions, and a storage class of its own", async () => {
    const Bucket = await createBucket();
    const { ETag } = await put(Bucket, "a", "1", { StorageClass: "STANDARD_IA", ChecksumAlgorithm: "SHA256" });
    const copy = (more: object) =>
      s3.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a`, ...more }));

    expect(await errorOf(copy({ CopySourceIfMatch: '"other"' }))).toMatchObject({ name: "PreconditionFailed" });
    expect(await errorOf(copy({ CopySourceIfNoneMatch: ETag }))).toMatchObject({ name: "PreconditionFailed" });
    expect(await errorOf(copy({ CopySourceIfUnmodifiedSince: new Date(0) }))).toMatchObject({
      name: "PreconditionFailed",
    });
    const { CopyObjectResult } = await copy({ CopySourceIfMatch: ETag });
    expect(CopyObjectResult?.ChecksumSHA256).toEqual(expect.any(String));
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "b" }))).StorageClass).toBeUndefined();
    expect(await errorOf(copy({ Key: "a" }))).toMatchObject({ name: "InvalidRequest" });
    await copy({ Key: "a", StorageClass: "GLACIER_IR" });
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }))).StorageClass).toBe("GLACIER_IR");
  });
});

describe("attributes and tags", () => {
  it("of an object are told", async () => {
    const Bucket = await createBucket();
    const { complete } = await twoParts(Bucket, "big");
    await complete();
    await put(Bucket, "a", "1", { Tagging: "x=1&y=2" });
    const ask = (Key: string) =>
      s3.send(
        new GetObjectAttributesCommand({
          Bucket,
          Key,
          ObjectAttributes: ["ETag", "ObjectSize", "ObjectParts", "StorageClass", "Checksum"],
        }),
      );

    expect(await ask("big")).toMatchObject({
      ObjectSize: 5 * MIB + 7,
      ObjectParts: { TotalPartsCount: 2 },
      StorageClass: "STANDARD",
    });
    expect(await ask("a")).toMatchObject({ ObjectSize: 1, ETag: "c4ca4238a0b923820dcc509a6f75849b" });
    expect((await s3.send(new GetObjectCommand({ Bucket, Key: "a" }))).TagCount).toBe(2);
  });

  it.each<[string, { Key: string; Value: string }[], string]>([
    ["11 of them", Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: "" })), "BadRequest"],
    ["two of one key", [1, 2].map((value) => ({ Key: "k", Value: `${value}` })), "InvalidTag"],
    ["AWS's own prefix", [{ Key: "aws:a", Value: "" }], "InvalidTag"],
    ["a key too long", [{ Key: "k".repeat(129), Value: "" }], "InvalidTag"],
    ["a value too long", [{ Key: "k", Value: "v".repeat(257) }], "InvalidTag"],
    ["characters that no tag has", [{ Key: "k", Value: "<>" }], "InvalidTag"],
  ])("refuse %s", async (_, TagSet, name) => {
    const Bucket = await createBucket();
    await put(Bucket, "a", "1");

    expect(
      await errorOf(s3.send(new PutObjectTaggingCommand({ Bucket, Key: "a", Tagging: { TagSet } }))),
    ).toMatchObject({
      name,
    });
    const Tagging = new URLSearchParams(TagSet.map(({ Key, Value }): [string, string] => [Key, Value])).toString();
    expect(await errorOf(s3.send(new PutObjectCommand({ Bucket, Key: "b", Body: "1", Tagging })))).toMatchObject({
      name,
    });
  });
});

describe("buckets", () => {
  it("have a region, in which one's own is not made twice", async () => {
    const Bucket = uniqueName();
    const elsewhere = { Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } as const };
    await s3.send(new CreateBucketCommand(elsewhere));

    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe("eu-central-1");
    expect(await errorOf(s3.send(new CreateBucketCommand(elsewhere)))).toMatchObject({
      name: "BucketAlreadyOwnedByYou",
    });
    const home = await createBucket();
    expect((await s3.send(new GetBucketLocationCommand({ Bucket: home }))).LocationConstraint).toBeUndefined();
    await s3.send(new CreateBucketCommand({ Bucket: home }));
  });

  it("are listed by prefix, in pages", async () => {
    const prefix = uniqueName().slice(0, 40);
    const names = ["a", "b", "c"].map((end) => `${prefix}-${end}`);
    for (const Bucket of names) await s3.send(new CreateBucketCommand({ Bucket }));
    const page = await s3.send(new ListBucketsCommand({ Prefix: prefix, MaxBuckets: 2 }));

    expect(page.Buckets?.map(({ Name }) => Name)).toEqual(names.slice(0, 2));
    const { ContinuationToken } = page;
    const rest = await s3.send(new ListBucketsCommand({ Prefix: prefix, ContinuationToken }));
    expect(rest.Buckets?.map(({ Name }) => Name)).toEqual(names.slice(2));
    expect(rest.ContinuationToken).toBeUndefined();
  });

  it("take at most 100 CORS rules", async () => {
    const Bucket = await createBucket();
    const CORSRules = Array.from({ length: 101 }, () => ({ AllowedOrigins: ["*"], AllowedMethods: ["GET"] }));

    expect(
      await errorOf(s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))),
    ).toMatchObject({ name: "InvalidRequest" });
  });
});
