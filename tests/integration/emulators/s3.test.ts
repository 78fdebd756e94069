import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  CreateBucketCommand,
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
  PutBucketAclCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, it } from "vitest";
import { errorOf } from "./cloud.ts";
import { createBucket, keysOf, MIB, put, read, s3 } from "./s3-ground.ts";

describe("buckets", () => {
  it("are created, again without harm, found, listed and deleted when empty", async () => {
    const Bucket = await createBucket();

    await s3.send(new CreateBucketCommand({ Bucket }));
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

  it.each([
    ["CRC32C", "4waSgw=="],
    ["CRC64NVME", "rosUhgp5mIg="],
  ] as const)("are held to the %s that came with them", async (algorithm, right) => {
    const Bucket = await createBucket();
    const field = `Checksum${algorithm}`;

    const wrong = await errorOf(put(Bucket, "x", "123456780", { [field]: right }));
    const trailing = await put(Bucket, "y", Readable.from(["123456789"]), {
      ContentLength: 9,
      ChecksumAlgorithm: algorithm,
    });
    const copy = { Bucket, Key: "z", CopySource: `${Bucket}/y`, ChecksumAlgorithm: "SHA1" } as const;
    await s3.send(new CopyObjectCommand(copy));
    const again = { ...copy, CopySource: `${Bucket}/z`, Key: "w", ChecksumAlgorithm: algorithm };
    const copied = await s3.send(new CopyObjectCommand(again));

    expect(wrong).toMatchObject({ name: "BadDigest" });
    expect(await keysOf(Bucket)).toEqual(["w", "y", "z"]);
    expect(trailing).toMatchObject({ [field]: right });
    expect(copied.CopyObjectResult).toMatchObject({ [field]: right });
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
    const TagSet = [{ Key: "k", Value: "v = ü / w" }];

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
        Bucket,
        Prefix: "in/",
        Delimiter: "/",
        MaxKeys: 3,
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
