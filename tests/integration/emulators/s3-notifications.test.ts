import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  type Event,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  type QueueConfiguration,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { DeleteMessageCommand, DeleteQueueCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arnOf, type Cloud, createQueue, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let s3: S3Client;
let sqs: SQSClient;

beforeAll(async () => {
  cloud = await openCloud();
  ({ s3, sqs } = cloud);
});

afterAll(() => cloud.gateway.close());

async function createBucket(client = s3): Promise<string> {
  const Bucket = uniqueName();
  await client.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

const configure = (Bucket: string, QueueConfigurations: QueueConfiguration[], client = s3) =>
  client.send(
    new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: { QueueConfigurations } }),
  );

const put = (Bucket: string, Key: string, Body = "x", client = s3) =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }));

function configurationFor(queueUrl: string, events: Event[], filter: Record<string, string> = {}): QueueConfiguration {
  const FilterRules = Object.entries(filter).map(([name, Value]) => ({
    Name: name === "prefix" ? ("prefix" as const) : ("suffix" as const),
    Value,
  }));
  return { Id: "uploads", QueueArn: arnOf(queueUrl), Events: events, Filter: { Key: { FilterRules } } };
}

/** Takes the next message off a queue. */
async function nextBody(QueueUrl: string, client = sqs): Promise<string> {
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  const { Body, ReceiptHandle } = Messages[0] ?? {};
  if (Body === undefined) {
    throw new Error("No notification came within 10 seconds.");
  }
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return Body;
}

async function next(QueueUrl: string, client = sqs): Promise<Record<string, unknown>> {
  return JSON.parse(await nextBody(QueueUrl, client));
}

interface EventRecord {
  eventName: string;
  s3: { object: { key: string; sequencer: string; size?: number; eTag?: string } };
}

async function nextRecord(QueueUrl: string, client = sqs): Promise<EventRecord> {
  const { Records }: { Records: [EventRecord] } = JSON.parse(await nextBody(QueueUrl, client));
  return Records[0];
}

/** The keys of the next `count` events, sorted: their order is not promised. */
async function nextKeys(QueueUrl: string, count: number): Promise<string[]> {
  const keys: string[] = [];
  while (keys.length < count) {
    keys.push((await nextRecord(QueueUrl)).s3.object.key);
  }
  return keys.sort();
}

describe("a notification configuration", () => {
  it("is given back, and announced to its queue by a test event", async () => {
    const Bucket = await createBucket();
    const url = await createQueue(sqs);
    const configuration = configurationFor(url, ["s3:ObjectCreated:*"], { prefix: "in/", suffix: ".png" });

    const before = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    await configure(Bucket, [configuration]);
    const after = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    const test = await next(url);

    expect(before.QueueConfigurations).toBeUndefined();
    expect(after.QueueConfigurations).toMatchObject([configuration]);
    expect(test).toMatchObject({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket });
    expect(Object.keys(test).sort()).toEqual(["Bucket", "Event", "HostId", "RequestId", "Service", "Time"]);
  });

  it("is refused when two of its rules would tell of one change", async () => {
    const Bucket = await createBucket();
    const [one, other] = [await createQueue(sqs), await createQueue(sqs)];
    const both = (first: QueueConfiguration, second: QueueConfiguration) =>
      configure(Bucket, [first, { ...second, Id: "second" }]);
    const created: Event[] = ["s3:ObjectCreated:*"];

    const prefixes = await errorOf(
      both(configurationFor(one, created, { prefix: "in/" }), configurationFor(other, created, { prefix: "in/a" })),
    );
    const kinds = await errorOf(
      both(configurationFor(one, created), configurationFor(other, ["s3:ObjectCreated:Put"], { suffix: ".png" })),
    );
    await both(
      configurationFor(one, created, { prefix: "in/", suffix: ".png" }),
      configurationFor(other, created, { prefix: "in/a", suffix: ".jpg" }),
    );
    await both(configurationFor(one, ["s3:ObjectCreated:Put"]), configurationFor(other, ["s3:ObjectRemoved:*"]));

    expect(prefixes).toMatchObject({ name: "InvalidArgument", message: expect.stringContaining("overlap") });
    expect(kinds).toMatchObject({ name: "InvalidArgument", message: expect.stringContaining("overlap") });
  });

  it("is refused when its queue is missing or no queue, and the old one stays", async () => {
    const Bucket = await createBucket();
    const url = await createQueue(sqs);
    await configure(Bucket, [configurationFor(url, ["s3:ObjectCreated:*"])]);
    const lambda = { LambdaFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:f", Events: [] };

    const missing = await errorOf(configure(Bucket, [configurationFor(`${url}-missing`, ["s3:ObjectCreated:*"])]));
    const fifo = await errorOf(configure(Bucket, [configurationFor(`${url}.fifo`, ["s3:ObjectCreated:*"])]));
    const other = await errorOf(
      s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          NotificationConfiguration: { LambdaFunctionConfigurations: [lambda] },
        }),
      ),
    );
    const { QueueConfigurations } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));

    expect(missing).toMatchObject({ name: "InvalidArgument", message: expect.stringContaining("Unable to validate") });
    expect(fifo).toMatchObject({ name: "InvalidArgument" });
    expect(other).toMatchObject({ name: "NotImplemented" });
    expect(QueueConfigurations).toMatchObject([{ QueueArn: arnOf(url) }]);
  });
});

describe("event messages", () => {
  it("say what S3 says", async () => {
    const Bucket = await createBucket();
    const url = await createQueue(sqs);
    await configure(Bucket, [configurationFor(url, ["s3:ObjectCreated:Put"])]);
    await next(url);

    const { ETag } = await put(Bucket, "in/red flower+ü(1).txt", "hello");
    const message = await next(url);

    expect(message).toEqual({
      Records: [
        {
          eventVersion: "2.1",
          eventSource: "aws:s3",
          awsRegion: "us-east-1",
          eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
          eventName: "ObjectCreated:Put",
          userIdentity: { principalId: expect.any(String) },
          requestParameters: { sourceIPAddress: "127.0.0.1" },
          responseElements: { "x-amz-request-id": expect.any(String), "x-amz-id-2": expect.any(String) },
          s3: {
            s3SchemaVersion: "1.0",
            configurationId: "uploads",
            bucket: {
              name: Bucket,
              ownerIdentity: { principalId: expect.any(String) },
              arn: `arn:aws:s3:::${Bucket}`,
            },
            object: {
              key: "in/red+flower%2B%C3%BC%281%29.txt",
              size: 5,
              eTag: ETag?.replaceAll('"', ""),
              sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
            },
          },
        },
      ],
    });
  });

  it("name every way in which an object comes and goes", async () => {
    const Bucket = await createBucket();
    const url = await createQueue(sqs);
    await configure(Bucket, [configurationFor(url, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])]);
    await next(url);
    const records: EventRecord[] = [];
    const tell = async (work: Promise<unknown>) => {
      await work;
      records.push(await nextRecord(url));
    };

    await tell(put(Bucket, "put"));
    await tell(s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/put` })));
    await tell(upload(Bucket, "multipart"));
    await tell(post(Bucket, "post"));
    await tell(s3.send(new DeleteObjectCommand({ Bucket, Key: "put" })));
    await tell(s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "copy" }] } })));

    expect(records.map(({ eventName, s3: { object } }) => [eventName, object.key])).toEqual([
      ["ObjectCreated:Put", "put"],
      ["ObjectCreated:Copy", "copy"],
      ["ObjectCreated:CompleteMultipartUpload", "multipart"],
      ["ObjectCreated:Post", "post"],
      ["ObjectRemoved:Delete", "put"],
      ["ObjectRemoved:Delete", "copy"],
    ]);
    expect(records[4]?.s3.object).not.toHaveProperty("size");
    const sequencers = records.map(({ s3: { object } }) => object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
  });

  it("go to the queue whose prefix, suffix and events fit, and to no other", async () => {
    const Bucket = await createBucket();
    const [images, texts] = [await createQueue(sqs), await createQueue(sqs)];
    await configure(Bucket, [
      configurationFor(images, ["s3:ObjectCreated:*"], { prefix: "in/", suffix: ".png" }),
      { ...configurationFor(texts, ["s3:ObjectCreated:Put"], { suffix: ".txt" }), Id: "texts" },
    ]);
    await Promise.all([next(images), next(texts)]);

    for (const key of ["in/a.png", "out/b.png", "in/c.gif", "d.txt", "in/e.png", "in/f.txt"]) {
      await put(Bucket, key);
    }
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "in/a.png" }));

    expect(await nextKeys(images, 2)).toEqual(["in/a.png", "in/e.png"]);
    expect(await nextKeys(texts, 2)).toEqual(["d.txt", "in/f.txt"]);
    for (const QueueUrl of [images, texts]) {
      expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
    }
  });

  it("come for every one of many uploads", async () => {
    const Bucket = await createBucket();
    const url = await createQueue(sqs);
    await configure(Bucket, [configurationFor(url, ["s3:ObjectCreated:*"])]);
    await next(url);
    const keys = Array.from({ length: 60 }, (_, n) => `key-${String(n).padStart(2, "0")}`);

    await Promise.all(keys.map((key) => put(Bucket, key)));

    expect(await nextKeys(url, keys.length)).toEqual(keys);
  });

  it("wait for a queue that is away, without holding up the others", async () => {
    const lines: string[] = [];
    const other = await openCloud({ log: (line) => lines.push(line) });
    const Bucket = await createBucket(other.s3);
    const name = uniqueName();
    const [away, here] = [await createQueue(other.sqs, {}, name), await createQueue(other.sqs)];
    await configure(
      Bucket,
      [
        configurationFor(away, ["s3:ObjectCreated:*"], { prefix: "away/" }),
        { ...configurationFor(here, ["s3:ObjectCreated:*"], { prefix: "here/" }), Id: "here" },
      ],
      other.s3,
    );
    await Promise.all([next(away, other.sqs), next(here, other.sqs)]);

    await other.sqs.send(new DeleteQueueCommand({ QueueUrl: away }));
    await put(Bucket, "away/1", "x", other.s3);
    await expect.poll(() => lines.join(), { timeout: 10_000 }).toContain("tried again");
    await put(Bucket, "here/1", "x", other.s3);
    const passed = await nextRecord(here, other.sqs);
    await createQueue(other.sqs, {}, name);
    const waited = await nextRecord(away, other.sqs);
    await other.gateway.close();

    expect(passed.s3.object.key).toBe("here/1");
    expect(waited.s3.object.key).toBe("away/1");
    expect(lines[0]).toContain(`s3: event notification to ${arnOf(away)} failed`);
  });

  it("go on growing in sequence after a restart, and are sent then if they were not before", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const Bucket = await createBucket(before.s3);
    const url = await createQueue(before.sqs, {}, "events");
    await configure(Bucket, [configurationFor(url, ["s3:ObjectCreated:*"])], before.s3);
    await next(url, before.sqs);
    await put(Bucket, "x", "1", before.s3);
    const first = await nextRecord(url, before.sqs);
    await before.sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
    await put(Bucket, "x", "2", before.s3);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const again = await createQueue(after.sqs, {}, "events");
    const second = await nextRecord(again, after.sqs);
    await put(Bucket, "x", "3", after.s3);
    const third = await nextRecord(again, after.sqs);
    await after.gateway.close();

    const sequencers = [first, second, third].map(({ s3: { object } }) => object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
  });
});

async function upload(Bucket: string, Key: string): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" }));
  const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
  const abandoned = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: abandoned.UploadId }));
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
}

async function post(Bucket: string, Key: string): Promise<void> {
  const { url, fields } = await createPresignedPost(s3, { Bucket, Key });
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, value);
  }
  form.append("file", new Blob(["x"]), "x");
  await fetch(url, { method: "POST", body: form });
}
