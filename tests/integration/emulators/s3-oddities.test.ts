/** Requests that no SDK makes, or none that is in order: each is answered in S3's words, or not half done. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, it } from "vitest";
import { errorOf } from "./cloud.ts";
import { createBucket, keysOf, put, read, s3, sendWith } from "./s3-ground.ts";

describe("a range", () => {
  it("is given of the very object that If-Range names, and else all of it", async () => {
    const Bucket = await createBucket();
    const { ETag = "" } = await put(Bucket, "a", "hello world");
    const { LastModified } = await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }));
    const first = (ifRange: string) =>
      sendWith({ "if-range": ifRange }, () => read(Bucket, "a", { Range: "bytes=0-4" }));

    expect(await first(ETag)).toBe("hello");
    expect(await first(LastModified?.toUTCString() ?? "")).toBe("hello");
    expect(await first('"other"')).toBe("hello world");
    expect(await first(`W/${ETag}`)).toBe("hello world");
    expect(await first("Thu, 01 Jan 2015 00:00:00 GMT")).toBe("hello world");
  });
});

describe("a put", () => {
  it.each([
    ["a Content-MD5 that is none", { "content-md5": "abc" }, "InvalidDigest"],
    ["the Content-MD5 of other bytes", { "content-md5": Buffer.alloc(16).toString("base64") }, "BadDigest"],
    ["an encryption that is none", { "x-amz-server-side-encryption": "rot13" }, "InvalidArgument"],
    ["a key of KMS and no KMS", { "x-amz-server-side-encryption-aws-kms-key-id": "k" }, "InvalidArgument"],
    ["a hash that is none", { "x-amz-content-sha256": "none" }, "InvalidArgument"],
    ["an unknown checksum", { "x-amz-sdk-checksum-algorithm": "CRC99" }, "InvalidRequest"],
    [
      "a checksum that is not there",
      { "x-amz-checksum-crc32": "", "x-amz-sdk-checksum-algorithm": "CRC32" },
      "InvalidRequest",
    ],
    ["an unknown directive", { "x-amz-metadata-directive": "MERGE" }, "InvalidArgument"],
    ["an unknown directive for tags", { "x-amz-tagging-directive": "MERGE" }, "InvalidArgument"],
    ["a source without a key", { "x-amz-copy-source": "somewhere" }, "InvalidArgument"],
    ["a source that is no URL's path", { "x-amz-copy-source": "bucket/%zz" }, "InvalidArgument"],
  ])("with %s is refused", async (_, headers, name) => {
    const Bucket = await createBucket();

    expect(await errorOf(sendWith(headers, () => put(Bucket, "a", "1")))).toMatchObject({
      name,
      $metadata: { httpStatusCode: 400 },
    });
    expect(await keysOf(Bucket)).toEqual([]);
  });

  it("keeps no encoding of the way, wherever it stands in the list", async () => {
    const Bucket = await createBucket();
    await sendWith({ "content-encoding": "gzip, aws-chunked" }, () => put(Bucket, "a", "1"));

    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }))).ContentEncoding).toBe("gzip");
  });

  it("copies from a source with or without a slash before it", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "a/b c", "1");
    for (const [index, path] of [`${Bucket}/a/b%20c`, `/${Bucket}/a/b%20c`].entries()) {
      await s3.send(new CopyObjectCommand({ Bucket, Key: `${index}`, CopySource: path }));
    }

    expect(await keysOf(Bucket)).toEqual(["0", "1", "a/b c"]);
  });
});

describe("a delete of many", () => {
  it("without a digest of its list is refused", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "a", "1");
    const send = () => s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a" }] } }));

    expect(
      await errorOf(sendWith({ "x-amz-checksum-crc32": "", "x-amz-sdk-checksum-algorithm": "" }, send)),
    ).toMatchObject({
      name: "InvalidRequest",
      message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
    expect(await keysOf(Bucket)).toEqual(["a"]);
  });
});

describe("a list", () => {
  it("of a type that there is not is refused", async () => {
    const Bucket = await createBucket();
    const list = new ListObjectsV2Command({ Bucket });
    list.middlewareStack.add(
      (next) => (args) => {
        Object.assign(Object(args.request).query, { "list-type": "3" });
        return next(args);
      },
      { step: "build" },
    );

    expect(await errorOf(s3.send(list))).toMatchObject({ name: "NotImplemented" });
  });
});

describe("a completion", () => {
  it("that is repeated needs a list of parts, too", async () => {
    const Bucket = await createBucket();
    const upload = { Bucket, Key: "a" };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload));
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: "1" }));
    const complete = (Parts: object[]) =>
      s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload: { Parts } }));
    await complete([{ ETag, PartNumber: 1 }]);

    expect(await errorOf(complete([]))).toMatchObject({ name: "MalformedXML" });
    expect(await complete([{ ETag, PartNumber: 1 }])).toMatchObject({ Key: "a" });
  });
});

describe("a presigned URL", () => {
  it.each([
    [(url: string) => url.replace("X-Amz-Expires=60", "X-Amz-Expires=-1"), "X-Amz-Expires must be non-negative"],
    [(url: string) => url.replace("X-Amz-Expires=60", "X-Amz-Expires=soon"), "X-Amz-Expires should be a number"],
    [(url: string) => url.replace("X-Amz-Expires=60", "X-Amz-Expires=604801"), "must be less than 604800 seconds"],
    [(url: string) => url.replace("X-Amz-Expires=60&", ""), "requires the X-Amz-Algorithm"],
  ])("whose time is changed says what is wrong (%#)", async (changed, message) => {
    const Bucket = await createBucket();
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "a" }), { expiresIn: 60 });
    const response = await fetch(changed(url));

    expect(response.status).toBe(400);
    expect(await response.text()).toContain(message);
  });

  it("does not go with an Authorization header", async () => {
    const Bucket = await createBucket();
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "a" }), { expiresIn: 60 });
    const response = await fetch(url, { headers: { authorization: "Bearer x" } });

    expect(response.status).toBe(400);
    expect(await response.text()).toContain("Only one auth mechanism allowed");
  });
});
