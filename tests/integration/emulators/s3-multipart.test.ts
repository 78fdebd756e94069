import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { errorOf, openCloud, temporaryDirectory } from "./cloud.ts";
import { createBucket, keysOf, MIB, put, read, s3, sendRaw } from "./s3-ground.ts";

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
    const { ETag } = await complete(two);
    // A client that did not hear the answer asks again: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    const again = await complete(two);

    expect(missing).toMatchObject({ name: "InvalidPart" });
    expect(disordered).toMatchObject({ name: "InvalidPartOrder" });
    expect(small).toMatchObject({ name: "EntityTooSmall" });
    expect(again.ETag).toBe(ETag);
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
