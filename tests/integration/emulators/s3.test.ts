import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  AbortMultipartUploadCommand,
  type BucketLocationConstraint,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let s3: S3Client;

beforeAll(async () => {
  cloud = await openCloud();
  s3 = cloud.s3;
});

afterAll(() => cloud.gateway.close());

const MIB = 1024 * 1024;

async function createBucket(client = s3): Promise<string> {
  const Bucket = uniqueName();
  await client.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

const put = (Bucket: string, Key: string, Body: string | Buffer | Readable, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));

async function read(Bucket: string, Key: string, more = {}, client = s3): Promise<string | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return Body?.transformToString();
}

async function keysOf(Bucket: string, more = {}): Promise<(string | undefined)[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, ...more }));
  return Contents.map(({ Key }) => Key);
}

/** Sends a path as it is: `fetch` would normalise it. */
function sendRaw(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const { port } = cloud.gateway;
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject);
    });
    request.once("error", reject).end(body);
  });
}

describe("buckets", () => {
  it("are created, again without harm, found, listed and deleted when empty", async () => {
    const Bucket = await createBucket();

    await s3.send(
      new CreateBucketCommand({
        Bucket,
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" satisfies BucketLocationConstraint },
      }),
    );
    const head = await s3.send(new HeadBucketCommand({ Bucket }));
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    await put(Bucket, "x", "x");
    const full = await errorOf(s3.send(new DeleteBucketCommand({ Bucket })));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "x" }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
    const gone = await errorOf(s3.send(new HeadBucketCommand({ Bucket })));

    expect(head.$metadata.httpStatusCode).toBe(200);
    expect(Buckets?.map(({ Name }) => Name)).toContain(Bucket);
    expect(full).toMatchObject({ name: "BucketNotEmpty" });
    expect(gone).toMatchObject({ name: "NotFound" });
  });

  it("keep settings word for word", async () => {
    const Bucket = await createBucket();
    const unset = await errorOf(s3.send(new GetPublicAccessBlockCommand({ Bucket })));
    const block = {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    };
    const encryption = { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] } as const;
    const lifecycle = {
      Rules: [{ ID: "old", Status: "Enabled", Filter: { Prefix: "tmp/" }, Expiration: { Days: 1 } }],
    };

    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: block }));
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { ...encryption, Rules: [...encryption.Rules] },
      }),
    );
    await s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: lifecycle.Rules.map((rule) => ({ ...rule, Status: "Enabled" as const })) },
      }),
    );
    await s3.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      }),
    );

    expect(unset).toMatchObject({ name: "NoSuchPublicAccessBlockConfiguration" });
    expect(await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).toMatchObject({
      PublicAccessBlockConfiguration: block,
    });
    expect(await s3.send(new GetBucketEncryptionCommand({ Bucket }))).toMatchObject({
      ServerSideEncryptionConfiguration: encryption,
    });
    expect(await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).toMatchObject(lifecycle);
    expect(await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).toMatchObject({
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    });
    expect(await keysOf(Bucket)).toEqual([]);
  });

  it("refuse what is not emulated instead of ignoring it", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "x", "kept");

    const versioning = await errorOf(
      s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } })),
    );
    const acl = await errorOf(s3.send(new PutBucketAclCommand({ Bucket, ACL: "private" })));
    const version = await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "x", VersionId: "1" })));
    const nameless = await errorOf(s3.send(new CreateBucketCommand({ Bucket: "Not_A_Bucket" })));

    expect(versioning).toMatchObject({ name: "NotImplemented", $metadata: { httpStatusCode: 501 } });
    expect(acl).toMatchObject({ name: "NotImplemented" });
    expect(version).toMatchObject({ name: "NotImplemented" });
    expect(nameless).toMatchObject({ name: "InvalidBucketName" });
    expect(await read(Bucket, "x")).toBe("kept");
  });
});

describe("objects", () => {
  it("come back with their type, metadata and checksum", async () => {
    const Bucket = await createBucket();
    const Metadata = { owner: "ada", purpose: "test" };

    const { ETag, ChecksumCRC32 } = await put(Bucket, "a b/ü+%.txt", "hello", { ContentType: "text/plain", Metadata });
    const object = await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü+%.txt" }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "a b/ü+%.txt" }));
    const missing = await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "missing" })));

    expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
    expect(await object.Body?.transformToString()).toBe("hello");
    expect(object).toMatchObject({ ContentType: "text/plain", Metadata, ETag, ChecksumCRC32, ContentLength: 5 });
    expect(head).toMatchObject({ ContentType: "text/plain", Metadata, ETag, ContentLength: 5 });
    expect(missing).toMatchObject({ name: "NoSuchKey" });
  });

  it("of 12 MiB go in one request, and a stream goes with a trailing checksum", async () => {
    const Bucket = await createBucket();
    const large = randomBytes(12 * MIB);

    await put(Bucket, "large", large);
    const streamed = await put(Bucket, "streamed", Readable.from([large.subarray(0, MIB), large.subarray(MIB)]), {
      ContentLength: large.length,
    });
    const back = await s3.send(new GetObjectCommand({ Bucket, Key: "large" }));
    const backStreamed = await s3.send(new GetObjectCommand({ Bucket, Key: "streamed" }));

    expect(large.equals((await back.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(large.equals((await backStreamed.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(streamed.ChecksumCRC32).toMatch(/^\S{6}==$/);
    expect(backStreamed.ContentEncoding).toBeUndefined();
  });

  it("may be empty", async () => {
    const Bucket = await createBucket();

    await put(Bucket, "empty", Buffer.alloc(0));

    expect(await read(Bucket, "empty")).toBe("");
  });

  it.each([
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=-99", "0123456789", "bytes 0-9/10"],
    ["bytes=8-99", "89", "bytes 8-9/10"],
  ])("are read in part: %s", async (Range, part, contentRange) => {
    const Bucket = await createBucket();
    await put(Bucket, "digits", "0123456789");

    const { Body, ContentRange, $metadata } = await s3.send(new GetObjectCommand({ Bucket, Key: "digits", Range }));

    expect(await Body?.transformToString()).toBe(part);
    expect(ContentRange).toBe(contentRange);
    expect($metadata.httpStatusCode).toBe(206);
  });

  it("have nothing to give past their end", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "digits", "0123456789");

    const beyond = await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "digits", Range: "bytes=10-" })));

    expect(beyond).toMatchObject({ name: "InvalidRange", $metadata: { httpStatusCode: 416 } });
  });

  it("are written on condition", async () => {
    const Bucket = await createBucket();
    const { ETag } = await put(Bucket, "x", "first", { IfNoneMatch: "*" });

    const exists = await errorOf(put(Bucket, "x", "second", { IfNoneMatch: "*" }));
    const other = await errorOf(put(Bucket, "x", "second", { IfMatch: '"0123"' }));
    const race = await Promise.allSettled(
      ["a", "b", "c"].map((body) => put(Bucket, "new", body, { IfNoneMatch: "*" })),
    );
    await put(Bucket, "x", "third", { IfMatch: ETag });

    expect(exists).toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412 } });
    expect(other).toMatchObject({ name: "PreconditionFailed" });
    expect(race.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await read(Bucket, "x")).toBe("third");
  });

  it("are read on condition", async () => {
    const Bucket = await createBucket();
    const { ETag } = await put(Bucket, "x", "x");

    const same = await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "x", IfNoneMatch: ETag })));
    const other = await errorOf(s3.send(new GetObjectCommand({ Bucket, Key: "x", IfMatch: '"0123"' })));

    expect(same).toMatchObject({ $metadata: { httpStatusCode: 304 } });
    expect(other).toMatchObject({ $metadata: { httpStatusCode: 412 } });
  });

  it("are copied, with their metadata or with new ones", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "from here", "x", { Metadata: { a: "1" } });
    const CopySource = `${Bucket}/from%20here`;

    await s3.send(new CopyObjectCommand({ Bucket, Key: "same", CopySource }));
    await s3.send(
      new CopyObjectCommand({ Bucket, Key: "new", CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } }),
    );

    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "same" }))).toMatchObject({ Metadata: { a: "1" } });
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "new" }))).toMatchObject({ Metadata: { b: "2" } });
    expect(await read(Bucket, "new")).toBe("x");
  });

  it("have tags beside their content", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "x", "content");
    const TagSet = [{ Key: "k", Value: "v & w" }];

    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: "x", Tagging: { TagSet } }));

    expect(await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "x" }))).toMatchObject({ TagSet });
    expect(await read(Bucket, "x")).toBe("content");
  });

  it("are not replaced by an upload that is corrupt or breaks off", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "x", "whole");

    const corrupt = await errorOf(put(Bucket, "x", "broken", { ChecksumCRC32: "AAAAAA==" }));
    const wrongMd5 = await errorOf(put(Bucket, "x", "broken", { ContentMD5: "XUFAKrxLKna5cZ2REBfFkg==" }));
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "x" }), { expiresIn: 60 });
    const torn = httpRequest(url, { method: "PUT", headers: { "content-length": 2 * MIB } }).on("error", () => {});
    await new Promise((resolve) => torn.write(Buffer.alloc(MIB), resolve));
    torn.destroy();

    expect(corrupt).toMatchObject({ name: "BadDigest" });
    expect(wrongMd5).toMatchObject({ name: "BadDigest" });
    expect(await read(Bucket, "x")).toBe("whole");
  });
});

describe("listing", () => {
  it("goes through many keys page by page, in the order of their bytes", async () => {
    const Bucket = await createBucket();
    const keys = ["Z", "a", "a/b", "ab", "ä", "～", "🙂"];
    await Promise.all([...keys].reverse().map((key) => put(Bucket, key, key)));
    const listed: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;

    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }));
      listed.push(...(page.Contents ?? []).map(({ Key }) => Key));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);

    expect(listed).toEqual(keys);
  });

  it("folds what has a common prefix", async () => {
    const Bucket = await createBucket();
    for (const key of ["in/1", "in/2", "in/deep/3", "in/deep/4", "in/wide/5", "out"]) {
      await put(Bucket, key, "x");
    }

    const first = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "in/", Delimiter: "/", MaxKeys: 3 }));
    const second = await s3.send(
      new ListObjectsV2Command({
        ...{ Bucket, Prefix: "in/", Delimiter: "/", MaxKeys: 3 },
        ContinuationToken: first.NextContinuationToken,
      }),
    );

    expect(first).toMatchObject({ KeyCount: 3, IsTruncated: true, CommonPrefixes: [{ Prefix: "in/deep/" }] });
    expect(first.Contents?.map(({ Key }) => Key)).toEqual(["in/1", "in/2"]);
    expect(second).toMatchObject({ KeyCount: 1, IsTruncated: false, CommonPrefixes: [{ Prefix: "in/wide/" }] });
  });

  it("starts after a key, and knows every key as it was written", async () => {
    const Bucket = await createBucket();
    const odd = ["a//b", "/lead", "trail/", "x ", "<&>\"'", "cr\rlf\n", "1", "k".repeat(1024)];
    await Promise.all(odd.map((key) => put(Bucket, key, key)));

    expect((await keysOf(Bucket)).sort()).toEqual([...odd].sort());
    expect(await keysOf(Bucket, { StartAfter: "trail/" })).toEqual(["x "]);
    for (const key of odd) {
      expect(await read(Bucket, key)).toBe(key);
    }
  });

  it("is empty after many keys were deleted at once", async () => {
    const Bucket = await createBucket();
    const keys = ["a", "b c", "0012", "<&>"];
    await Promise.all(keys.map((key) => put(Bucket, key, key)));

    const { Deleted, Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [...keys, "missing"].map((Key) => ({ Key })) } }),
    );

    expect(Deleted?.map(({ Key }) => Key)).toEqual([...keys, "missing"]);
    expect(Errors).toBeUndefined();
    expect(await keysOf(Bucket)).toEqual([]);
  });
});

describe("multipart uploads", () => {
  const start = (Bucket: string, Key: string, more = {}) =>
    s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));

  it("put their parts together in order", async () => {
    const Bucket = await createBucket();
    const parts = [randomBytes(5 * MIB), randomBytes(1000)];
    const { UploadId } = await start(Bucket, "big", { ContentType: "video/mp4", Metadata: { a: "1" } });

    const tags = await Promise.all(
      parts.map((Body, index) =>
        s3.send(new UploadPartCommand({ Bucket, Key: "big", UploadId, PartNumber: index + 1, Body })),
      ),
    );
    const Parts = tags.map(({ ETag }, index) => ({ ETag, PartNumber: index + 1 }));
    const listed = await s3.send(new ListPartsCommand({ Bucket, Key: "big", UploadId }));
    const before = await keysOf(Bucket);
    const done = await s3.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: "big", UploadId, MultipartUpload: { Parts } }),
    );
    const object = await s3.send(new GetObjectCommand({ Bucket, Key: "big" }));

    expect(listed.Parts?.map(({ Size }) => Size)).toEqual([5 * MIB, 1000]);
    expect(before).toEqual([]);
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect(object).toMatchObject({ ContentType: "video/mp4", Metadata: { a: "1" }, ETag: done.ETag });
    expect(Buffer.concat(parts).equals((await object.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
  });

  it("fail over parts that are missing, too small or out of order, and can be tried again", async () => {
    const Bucket = await createBucket();
    const { UploadId } = await start(Bucket, "x");
    const upload = (PartNumber: number) =>
      s3.send(new UploadPartCommand({ Bucket, Key: "x", UploadId, PartNumber, Body: `part ${PartNumber}` }));
    const complete = (...Parts: { ETag: string | undefined; PartNumber: number }[]) =>
      s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "x", UploadId, MultipartUpload: { Parts } }));
    const one = { ETag: (await upload(1)).ETag, PartNumber: 1 };
    const two = { ETag: (await upload(2)).ETag, PartNumber: 2 };

    const missing = await errorOf(complete(one, { ETag: '"00"', PartNumber: 7 }));
    const disordered = await errorOf(complete(two, one));
    const small = await errorOf(complete(one, two));
    await complete(two);
    const again = await errorOf(complete(two));

    expect(missing).toMatchObject({ name: "InvalidPart" });
    expect(disordered).toMatchObject({ name: "InvalidPartOrder" });
    expect(small).toMatchObject({ name: "EntityTooSmall" });
    expect(again).toMatchObject({ name: "NoSuchUpload" });
    expect(await read(Bucket, "x")).toBe("part 2");
  });

  it("leave nothing when they are aborted", async () => {
    const Bucket = await createBucket();
    const { UploadId } = await start(Bucket, "x");
    await s3.send(new UploadPartCommand({ Bucket, Key: "x", UploadId, PartNumber: 1, Body: "x" }));

    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "x", UploadId }));
    const gone = await errorOf(s3.send(new ListPartsCommand({ Bucket, Key: "x", UploadId })));

    expect(gone).toMatchObject({ name: "NoSuchUpload" });
    expect(await keysOf(Bucket)).toEqual([]);
  });
});

describe("keys that lead out of the bucket", () => {
  it.each([
    "../evil",
    "a/../../evil",
    "./x",
    "a/.",
    "..",
    "%2e%2e/evil",
    "%2e%2e%2fevil",
    "..%2Fevil",
    "%252e%252e%252fevil",
    "..%5cevil",
    "a%00b",
  ])("are refused: %s", async (path) => {
    const bucket = await createBucket();

    const answers = await Promise.all(["PUT", "GET", "DELETE"].map((method) => sendRaw(method, `/${bucket}/${path}`)));

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(answers[0]?.text).toContain("<Code>InvalidURI</Code>");
  });

  it("are refused wherever a request can name them", async () => {
    const Bucket = await createBucket();
    const key = "../../evil";

    const bySdk = await errorOf(put(Bucket, key, "x"));
    const copied = await errorOf(s3.send(new CopyObjectCommand({ Bucket, Key: "x", CopySource: `${Bucket}/${key}` })));
    const part = { Bucket, Key: "x", UploadId: "../../../evil", PartNumber: 1, Body: "x" };
    const uploaded = await errorOf(s3.send(new UploadPartCommand(part)));
    const { Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: key }] } }));
    const bucket = await sendRaw("DELETE", "/%2e%2e");

    expect(bySdk).toMatchObject({ name: "InvalidURI", $metadata: { httpStatusCode: 400 } });
    expect(copied).toMatchObject({ name: "InvalidURI" });
    expect(uploaded).toMatchObject({ name: "NoSuchUpload" });
    expect(Errors).toMatchObject([{ Key: key, Code: "InvalidURI" }]);
    expect(bucket).toMatchObject({ status: 400, text: expect.stringContaining("InvalidBucketName") });
  });

  it("may only look like it, and never become file names", async () => {
    const dataDir = await temporaryDirectory();
    const other = await openCloud({ dataDir });
    const Bucket = await createBucket(other.s3);
    const keys = ["..a", "a..", ".hidden", "a/...", "s3.db", "x.meta.json"];

    for (const Key of keys) {
      await other.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
    }
    await other.gateway.close();

    const names = await readdir(join(dataDir, "s3", "blobs"));
    expect(names).toHaveLength(keys.length);
    expect(names.every((name) => /^[0-9a-f-]{36}$/.test(name))).toBe(true);
  });
});

describe("buckets on disk", () => {
  it("outlive the process, without the bytes of what was replaced", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const Bucket = await createBucket(before.s3);
    for (const Body of ["first", "second"]) {
      await before.s3.send(new PutObjectCommand({ Bucket, Key: "x", Body, Metadata: { n: Body } }));
    }
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const body = await read(Bucket, "x", {}, after.s3);
    const head = await after.s3.send(new HeadObjectCommand({ Bucket, Key: "x" }));
    await after.gateway.close();

    expect(body).toBe("second");
    expect(head.Metadata).toEqual({ n: "second" });
    expect(await readdir(join(dataDir, "s3", "blobs"))).toHaveLength(1);
  });
});
