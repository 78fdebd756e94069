/** Digests and checksums that a request names: held against its bytes, or refused, never dropped. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { createBucket, keysOf, MIB, s3, sendWith } from "./s3-ground.ts";

const base64 = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest("base64");

function crc(bytes: Buffer): string {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(crc32(bytes));
  return word.toString("base64");
}

describe("the checksum of an object", () => {
  const Body = Buffer.from("123456789");

  const put = (Bucket: string, Key: string) => () => s3.send(new PutObjectCommand({ Bucket, Key, Body }));

  it.each(["sha512", "md5"])("may be its %s", async (algorithm) => {
    const Bucket = await createBucket();
    const headers = (value: string) => ({ [`x-amz-checksum-${algorithm}`]: value, "x-amz-checksum-crc32": "" });

    await sendWith(headers(base64(algorithm, Body)), put(Bucket, "good"));

    expect(await errorOf(sendWith(headers("AAAA"), put(Bucket, "bad")))).toMatchObject({ name: "BadDigest" });
    expect(await keysOf(Bucket)).toEqual(["good"]);
  });

  it.each([
    ["header", { "x-amz-checksum-xxhash64": "AAAA" }, "Header 'x-amz-checksum-xxhash64'"],
    ["trailer", { "x-amz-trailer": "x-amz-checksum-xxhash3" }, "Trailer 'x-amz-checksum-xxhash3'"],
  ])("is refused where it cannot be checked: as %s", async (_, headers, what) => {
    const Bucket = await createBucket();

    expect(await errorOf(sendWith(headers, put(Bucket, "a")))).toMatchObject({
      name: "NotImplemented",
      message: expect.stringContaining(what),
    });
    expect(await keysOf(Bucket)).toEqual([]);
  });

  it("is one alone", async () => {
    const Bucket = await createBucket();
    const headers = { "x-amz-checksum-sha512": base64("sha512", Body) };

    expect(await errorOf(sendWith(headers, put(Bucket, "a")))).toMatchObject({ name: "InvalidRequest" });
  });
});

const PARTS = [Buffer.alloc(5 * MIB, "a"), Buffer.from("the end")] as const;
const WHOLE = Buffer.concat(PARTS);

/** Sends an object in two parts. */
async function sendParts(
  asked: { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType },
  last: Partial<CompleteMultipartUploadCommandInput> = {},
  change: (part: CompletedPart) => CompletedPart = (part) => part,
) {
  const Bucket = await createBucket();
  const Key = "a";
  const { ChecksumAlgorithm } = asked;
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...asked }));
  const Parts: CompletedPart[] = [];
  for (const [index, Body] of PARTS.entries()) {
    const PartNumber = index + 1;
    const part = new UploadPartCommand({
      Bucket,
      Key,
      UploadId,
      PartNumber,
      Body,
      ...(ChecksumAlgorithm && { ChecksumAlgorithm }),
    });
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = await s3.send(part);
    Parts.push(change({ ETag, PartNumber, ...(ChecksumAlgorithm && { ChecksumCRC32, ChecksumSHA256 }) }));
  }
  const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...last });
  return { Bucket, Key, completed: await s3.send(complete) };
}

describe("the checksum of an object of several parts", () => {
  it.each<[ChecksumAlgorithm, ChecksumType | undefined, object]>([
    [
      "CRC32",
      undefined,
      {
        ChecksumCRC32: `${crc(Buffer.concat(PARTS.map((one) => Buffer.from(crc(one), "base64"))))}-2`,
        ChecksumType: "COMPOSITE",
      },
    ],
    ["CRC32", "FULL_OBJECT", { ChecksumCRC32: crc(WHOLE), ChecksumType: "FULL_OBJECT" }],
    [
      "SHA256",
      undefined,
      {
        ChecksumSHA256: `${base64("sha256", Buffer.concat(PARTS.map((one) => createHash("sha256").update(one).digest())))}-2`,
        ChecksumType: "COMPOSITE",
      },
    ],
    ["CRC64NVME", undefined, { ChecksumType: "FULL_OBJECT" }],
  ])("is what its upload asked for: %s, %s", async (ChecksumAlgorithm, ChecksumType, expected) => {
    const asked = { ChecksumAlgorithm, ...(ChecksumType && { ChecksumType }) };
    const { Bucket, Key, completed } = await sendParts(asked);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));

    expect(completed).toMatchObject(expected);
    expect(head).toMatchObject(expected);
  });

  it("is told among attributes without the number of parts, and is that of the bytes in a copy", async () => {
    const { Bucket, Key, completed } = await sendParts({ ChecksumAlgorithm: "SHA256" });
    const CopySource = `${Bucket}/${Key}`;
    const { CopyObjectResult } = await s3.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource }));
    const ask = new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ["Checksum"] });

    expect((await s3.send(ask)).Checksum).toEqual({
      ChecksumSHA256: completed.ChecksumSHA256?.replace("-2", ""),
      ChecksumType: "COMPOSITE",
    });
    expect(CopyObjectResult).toMatchObject({ ChecksumSHA256: base64("sha256", WHOLE), ChecksumType: "FULL_OBJECT" });
  });

  it("is told of the upload while it is under way", async () => {
    const upload = { Bucket: await createBucket(), Key: "a" };
    const asked = { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } as const;
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...upload, ...asked }));

    const { Uploads } = await s3.send(new ListMultipartUploadsCommand(upload));

    expect(Uploads).toMatchObject([asked]);
    expect(await s3.send(new ListPartsCommand({ ...upload, UploadId }))).toMatchObject(asked);
  });

  it("is checked at the completion, though no upload asked for one", async () => {
    const { completed } = await sendParts({}, { ChecksumCRC32: crc(WHOLE) });

    expect(completed).toMatchObject({ ChecksumCRC32: crc(WHOLE), ChecksumType: "FULL_OBJECT" });
    expect(await errorOf(sendParts({}, { ChecksumCRC32: "AAAAAA==" }))).toMatchObject({ name: "BadDigest" });
  });

  it("is checked part by part", async () => {
    const wrong = (part: CompletedPart): CompletedPart =>
      part.PartNumber === 2 ? { ...part, ChecksumCRC32: "AAAAAA==" } : part;

    expect(await errorOf(sendParts({ ChecksumAlgorithm: "CRC32" }, {}, wrong))).toMatchObject({ name: "InvalidPart" });
  });

  it.each<[object, string]>([
    [{ ChecksumType: "COMPOSITE" }, "InvalidRequest"],
    [{ ChecksumAlgorithm: "SHA256", ChecksumType: "FULL_OBJECT" }, "InvalidRequest"],
    [{ ChecksumAlgorithm: "CRC64NVME", ChecksumType: "COMPOSITE" }, "InvalidRequest"],
    [{ ChecksumAlgorithm: "XXHASH64" }, "NotImplemented"],
  ])("is refused at the beginning where there is none such: %j", async (asked, name) => {
    const Bucket = await createBucket();

    expect(await errorOf(s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "a", ...asked })))).toMatchObject({
      name,
    });
  });
});

describe("a document", () => {
  const Tagging = { TagSet: [{ Key: "a", Value: "1" }] };

  it.each([
    ["content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="],
    ["x-amz-checksum-crc32", "AAAAAA=="],
  ])("is refused when it is not what %s says", async (name, value) => {
    const Bucket = await createBucket();
    await s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "1" }));
    const ofMany = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "a" }] } });
    const sends = [
      () => s3.send(new PutBucketTaggingCommand({ Bucket, Tagging })),
      () => s3.send(new PutObjectTaggingCommand({ Bucket, Key: "a", Tagging })),
      () => s3.send(ofMany),
    ];

    for (const send of sends) {
      expect(await errorOf(sendWith({ [name]: value }, send))).toMatchObject({ name: "BadDigest" });
    }
    expect(await keysOf(Bucket)).toEqual(["a"]);
  });

  it("that makes a bucket asks for nothing that is not done", async () => {
    const Bucket = uniqueName();
    const CreateBucketConfiguration = { Tags: [{ Key: "a", Value: "1" }] };

    expect(await errorOf(s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration })))).toMatchObject({
      name: "NotImplemented",
      message: expect.stringContaining("'Tags' of CreateBucket"),
    });
  });
});

describe("a list", () => {
  it("goes on after a token that a list has given, and no other", async () => {
    const Bucket = await createBucket();
    const made = { ContinuationToken: "zz" };

    for (const command of [
      s3.send(new ListObjectsV2Command({ Bucket, ...made })),
      s3.send(new ListBucketsCommand(made)),
    ]) {
      expect(await errorOf(command)).toMatchObject({ name: "InvalidArgument" });
    }
  });

  it("shows names in no encoding but that of URLs", async () => {
    const Bucket = await createBucket();
    const input = { Bucket, EncodingType: "base64" };

    expect(await errorOf(s3.send(new ListObjectsV2Command(JSON.parse(JSON.stringify(input)))))).toMatchObject({
      name: "InvalidArgument",
    });
  });
});
