/** Regions, settings and encryption of buckets, as AWS tells and refuses them. */
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectsCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  type LifecycleRule,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { createBucket, put, read, s3 } from "./s3-ground.ts";

/** A client of another region's endpoint. */
async function clientIn(region: string): Promise<S3Client> {
  const endpoint = await s3.config.endpoint?.();
  if (endpoint === undefined) throw new Error("The client of the tests has no endpoint.");
  return new S3Client({ region, endpoint, forcePathStyle: true, credentials: s3.config.credentials });
}

/** CreateBucket with this body and no other: the SDK adds the region of its client. */
function createWith(body: string): CreateBucketCommand {
  const command = new CreateBucketCommand({ Bucket: uniqueName() });
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request === "object" && request !== null) Object.assign(request, { body });
      return next(args);
    },
    // Before the length is counted.
    { step: "build", priority: "high" },
  );
  return command;
}

const constraint = (region: string): string =>
  `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;

describe("a bucket is made", () => {
  it("by the endpoint of its own region, which has to be named", async () => {
    const north = await clientIn("eu-north-1");
    const illegal = (which: string) => ({
      name: "IllegalLocationConstraintException",
      message: `The ${which} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    });

    await north.send(createWith(constraint("eu-north-1")));
    expect(await errorOf(north.send(createWith(constraint("eu-central-1"))))).toMatchObject(illegal("eu-central-1"));
    expect(await errorOf(north.send(createWith("<CreateBucketConfiguration/>")))).toMatchObject(illegal("unspecified"));
  });

  it("in any region by the endpoint of us-east-1, whose own is never named", async () => {
    await s3.send(createWith(constraint("eu-north-1")));
    expect(await errorOf(s3.send(createWith(constraint("us-east-1"))))).toMatchObject({
      name: "InvalidLocationConstraint",
    });
  });

  it("once: its owner hears so from every other region", async () => {
    const Bucket = await createBucket();
    const north = await clientIn("eu-north-1");

    expect(await errorOf(north.send(new CreateBucketCommand({ Bucket })))).toMatchObject({
      name: "BucketAlreadyOwnedByYou",
    });
  });
});

describe("a setting", () => {
  it("that nobody has put is told missing in its own sentence", async () => {
    const input = { Bucket: await createBucket() };
    const missing = [
      [() => s3.send(new GetBucketCorsCommand(input)), "The CORS configuration does not exist"],
      [() => s3.send(new GetBucketLifecycleConfigurationCommand(input)), "The lifecycle configuration does not exist"],
      [() => s3.send(new GetBucketOwnershipControlsCommand(input)), "The bucket ownership controls were not found"],
      [() => s3.send(new GetBucketPolicyCommand(input)), "The bucket policy does not exist"],
      [() => s3.send(new GetBucketTaggingCommand(input)), "The TagSet does not exist"],
      [() => s3.send(new GetPublicAccessBlockCommand(input)), "The public access block configuration was not found"],
    ] as const;

    for (const [read, message] of missing) {
      expect(await errorOf(read())).toMatchObject({ message, $metadata: { httpStatusCode: 404 } });
    }
  });

  it("of public access has four switches, of which one at least is named", async () => {
    const Bucket = await createBucket();
    const put = (PublicAccessBlockConfiguration: { BlockPublicAcls?: boolean }) =>
      s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
    await put({ BlockPublicAcls: true });
    const { PublicAccessBlockConfiguration } = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));

    expect(PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: false,
      BlockPublicPolicy: false,
      RestrictPublicBuckets: false,
    });
    expect(await errorOf(put({}))).toMatchObject({ name: "InvalidRequest" });
  });

  it("of tags is checked, and gone when it is empty", async () => {
    const Bucket = await createBucket();
    const tag = (TagSet: { Key: string; Value: string }[]) =>
      s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    const read = () => s3.send(new GetBucketTaggingCommand({ Bucket }));
    const twelve = Array.from({ length: 12 }, (_, index) => ({ Key: `k${index}`, Value: "" }));

    await tag(twelve);
    expect((await read()).TagSet).toHaveLength(12);
    for (const [tags, message] of [
      [[{ Key: "aws:x", Value: "" }], "System tags cannot be added/updated by requester"],
      [
        [
          { Key: "a", Value: "1" },
          { Key: "a", Value: "2" },
        ],
        "Cannot provide multiple Tags with the same key",
      ],
    ] as const) {
      expect(await errorOf(tag([...tags]))).toMatchObject({ name: "InvalidTag", message });
    }
    await tag([]);
    expect(await errorOf(read())).toMatchObject({ name: "NoSuchTagSet" });
    await tag(twelve);
    await s3.send(new DeleteBucketTaggingCommand({ Bucket }));
    expect(await errorOf(read())).toMatchObject({ name: "NoSuchTagSet" });
  });
});

describe("a lifecycle configuration", () => {
  const rule = { ID: "a", Status: "Enabled", Filter: { Prefix: "" }, Expiration: { Days: 7 } } as const;
  const configure = async (Rules: LifecycleRule[]) => {
    const Bucket = await createBucket();
    await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    return s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  };

  it("is given back as it was put", async () => {
    const transition: LifecycleRule = {
      ID: "b",
      Status: "Disabled",
      Filter: { Tag: { Key: "k", Value: "v" } },
      Transitions: [{ Days: 30, StorageClass: "GLACIER" }],
    };
    expect((await configure([rule, transition])).Rules).toMatchObject([rule, transition]);
  });

  it.each<[string, LifecycleRule[]]>([
    ["has no rule", []],
    ["has a rule for nothing", [{ ID: "a", Status: "Enabled", Expiration: { Days: 7 } }]],
    ["has a filter beside a prefix", [{ ...rule, Prefix: "" }]],
    ["has two conditions without And", [{ ...rule, Filter: { Prefix: "a", Tag: { Key: "k", Value: "v" } } }]],
    ["expires by two rules at once", [{ ...rule, Expiration: { Days: 7, ExpiredObjectDeleteMarker: true } }]],
    ["moves to nowhere", [{ ...rule, NoncurrentVersionTransitions: [{ NoncurrentDays: 7 }] } as LifecycleRule]],
  ])("that %s is refused", async (_, rules) => {
    expect(await errorOf(configure(rules))).toMatchObject({ name: "MalformedXML" });
  });

  it("that has two rules of one name is refused", async () => {
    expect(await errorOf(configure([rule, rule]))).toMatchObject({ name: "InvalidArgument" });
  });
});

it("an archived object is told and not read", async () => {
  const Bucket = await createBucket();
  await put(Bucket, "a", "1", { StorageClass: "GLACIER" });
  const copy = new CopyObjectCommand({ Bucket, Key: "b", CopySource: `${Bucket}/a` });

  expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }))).toMatchObject({ StorageClass: "GLACIER" });
  expect(await errorOf(read(Bucket, "a"))).toMatchObject({ name: "InvalidObjectState", StorageClass: "GLACIER" });
  expect(await errorOf(s3.send(copy))).toMatchObject({ name: "ObjectNotInActiveTierError" });
});

describe("encryption", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
  it("is S3's own where nobody has asked for another", async () => {
    const Bucket = await createBucket();
    const written = await put(Bucket, "a", "1");
    const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket }));

    expect(written.ServerSideEncryption).toBe("AES256");
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "a" }))).toMatchObject({
      ServerSideEncryption: "AES256",
    });
    expect(ServerSideEncryptionConfiguration?.Rules).toEqual([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: false },
    ]);
  });

  it("is that of the bucket for what comes after it, copies and parts too, and that of the request first", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "before", "1");
    const byDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: "a-key" } as const;
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: byDefault }] },
      }),
    );
    const kms = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "a-key" };
    const copy = new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/before` });

    expect(await put(Bucket, "after", "1")).toMatchObject(kms);
    expect(await s3.send(copy)).toMatchObject(kms);
    expect(await put(Bucket, "own", "1", { ServerSideEncryption: "AES256" })).toMatchObject({
      ServerSideEncryption: "AES256",
    });
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: "before" }))).toMatchObject({
      ServerSideEncryption: "AES256",
    });

    const Key = "parts";
    const { UploadId, ...begun } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "1" }));
    const Parts = [{ PartNumber: 1, ETag: part.ETag }];
    const complete = new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    expect([begun, part, await s3.send(complete)]).toMatchObject([kms, kms, kms]);
  });
});

describe("a request", () => {
  it("for a copy with a checksum gets that one", async () => {
    const Bucket = await createBucket();
    await put(Bucket, "a", "test-checksum");
    const CopySource = `${Bucket}/a`;
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: "b", CopySource, ChecksumAlgorithm: "SHA256" }));
    const read = await s3.send(new HeadObjectCommand({ Bucket, Key: "b", ChecksumMode: "ENABLED" }));

    const ChecksumSHA256 = "1YQo81vx2VFUl0q5ccWISq8AkSBQQ0WO80S82TmfdIQ=";
    expect(copied.CopyObjectResult).toMatchObject({ ChecksumSHA256 });
    expect(read).toMatchObject({ ChecksumSHA256 });
  });

  it("is refused with what it named", async () => {
    const Bucket = await createBucket();
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "a" }));
    const upload = { Bucket, Key: "a", UploadId };

    expect(await errorOf(s3.send(new UploadPartCommand({ ...upload, PartNumber: 10_001, Body: "1" })))).toMatchObject({
      name: "InvalidArgument",
      ArgumentName: "partNumber",
      ArgumentValue: "10001",
    });
    expect(await errorOf(s3.send(new ListPartsCommand({ ...upload, MaxParts: 2_147_483_648 })))).toMatchObject({
      message: "Provided max-parts not an integer or within integer range",
    });
    expect(await errorOf(s3.send(new ListPartsCommand({ ...upload, UploadId: "other" })))).toMatchObject({
      name: "NoSuchUpload",
      message: expect.stringContaining("may have been aborted or completed"),
    });
    expect(
      await errorOf(s3.send(new DeleteObjectsCommand({ Bucket: uniqueName(), Delete: { Objects: [] } }))),
    ).toMatchObject({ name: "MalformedXML" });
  });

  it("that goes on with a list does not hear again where that began", async () => {
    const Bucket = await createBucket();
    for (const key of ["a", "b", "c"]) await put(Bucket, key, "1");
    const list = { Bucket, MaxKeys: 1, StartAfter: "a" };
    const first = await s3.send(new ListObjectsV2Command(list));
    const second = await s3.send(new ListObjectsV2Command({ ...list, ContinuationToken: first.NextContinuationToken }));

    expect([first.StartAfter, second.StartAfter]).toEqual(["a", undefined]);
    expect(second.Contents?.map(({ Key }) => Key)).toEqual(["c"]);
  });
});
