/**
 * Lovage's demands on a cloud, asked of two others with the plain AWS SDK: where this passes, a failure of Lovage's own
 * tests against that cloud is Lovage's. `docs/other-clouds.md` tells where they differ from AWS.
 */

import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { S3Event } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { type Missing, type Peer, startLocalStack, startMoto } from "./peers.ts";

const starts = [
  ["moto", startMoto],
  ["LocalStack", startLocalStack],
] as const;

describe.each(starts)("%s", (_name, start) => {
  let started: Peer | Missing;

  beforeAll(async () => {
    started = await start();
    if ("missing" in started) console.warn(started.missing);
  });

  afterAll(async () => {
    if ("stop" in started) await started.stop();
  });

  /** Clients of the peer; without one, the test is skipped with the reason as its note. */
  function clients({ skip }: TestContext) {
    if ("missing" in started) return skip(started.missing);
    const { AWS_ENDPOINT_URL: endpoint = "", AWS_REGION: region = "" } = started.environment;
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = started.environment;
    const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
    return {
      endpoint,
      sqs: new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }),
      dynamodb: new DynamoDBClient(settings),
      s3: new S3Client(settings),
    };
  }

  it("moves a message that is received too often to the dead-letter queue", async (context) => {
    const { sqs } = clients(context);
    const dead = await createQueue(sqs, "redrive-dead");
    const queue = await createQueue(sqs, "redrive", {
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
    });
    await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: "poison" }));
    for (const attempt of ["1", "2"]) {
      const [message] = await receive(sqs, queue.url, { VisibilityTimeout: 0 });
      expect(message?.Attributes?.ApproximateReceiveCount).toBe(attempt);
    }
    expect(await receive(sqs, queue.url, { WaitTimeSeconds: 1 })).toEqual([]);
    expect(await receive(sqs, dead.url)).toMatchObject([{ Body: "poison" }]);
  });

  it("holds a delayed message back, and forgets a deleted one", async (context) => {
    const { sqs } = clients(context);
    const { url } = await createQueue(sqs, "delays", { DelaySeconds: "0", VisibilityTimeout: "1" });
    const sent = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: "now", MessageBody: "now" },
          { Id: "later", MessageBody: "later", DelaySeconds: 2 },
        ],
      }),
    );
    expect(sent.Successful).toHaveLength(2);
    const [now] = await receive(sqs, url);
    expect(now?.Body).toBe("now");
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: now?.ReceiptHandle }));
    expect(await receive(sqs, url, { WaitTimeSeconds: 5 })).toMatchObject([{ Body: "later" }]);
  });

  it("keeps the system attributes that a worker reads", async (context) => {
    const { sqs } = clients(context);
    const { url } = await createQueue(sqs, "attributes");
    const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: "traced",
        MessageAttributes: { task: { DataType: "String", StringValue: "add" } },
        MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: trace } },
      }),
    );
    const [message] = await receive(sqs, url, { MessageAttributeNames: ["All"] });
    expect(message?.MessageAttributes).toMatchObject({ task: { StringValue: "add" } });
    expect(message?.Attributes).toMatchObject({
      AWSTraceHeader: trace,
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
    });
  });

  it("lets one conditional update win, and shows the loser the item", async (context) => {
    const { dynamodb } = clients(context);
    await createTable(dynamodb, "claims");
    const claim = (owner: string) =>
      new UpdateItemCommand({
        TableName: "claims",
        Key: { pk: { S: "task#1" }, sk: { S: "record" } },
        UpdateExpression: "SET #owner = :owner ADD attempts :one",
        ConditionExpression: "attribute_not_exists(#owner)",
        ExpressionAttributeNames: { "#owner": "owner" },
        ExpressionAttributeValues: { ":owner": { S: owner }, ":one": { N: "1" } },
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
    const owners = Array.from({ length: 20 }, (_, index) => `worker ${index}`);
    const outcomes = await Promise.allSettled(owners.map((owner) => dynamodb.send(claim(owner))));
    const winners = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(winners).toHaveLength(1);
    const { owner: winner } = winners[0]?.value.Attributes ?? {};
    for (const outcome of outcomes.filter((outcome) => outcome.status === "rejected")) {
      expect(outcome.reason).toBeInstanceOf(ConditionalCheckFailedException);
      expect(outcome.reason.Item).toMatchObject({ owner: winner, attempts: { N: "1" } });
    }
  });

  it("accepts a time to live and transactions", async (context) => {
    const { dynamodb } = clients(context);
    await createTable(dynamodb, "records");
    const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: true };
    await dynamodb.send(new UpdateTimeToLiveCommand({ TableName: "records", TimeToLiveSpecification }));
    const { TimeToLiveDescription } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: "records" }));
    expect(TimeToLiveDescription).toMatchObject({ AttributeName: "ttl", TimeToLiveStatus: "ENABLED" });

    const Key = { pk: { S: "group#1" }, sk: { S: "join" } };
    const put = { TableName: "records", Item: { ...Key, pending: { N: "2" } } };
    await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: put }] }));
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: "records", Key, ConsistentRead: true }));
    expect(Item).toEqual(put.Item);
  });

  it("stores objects, refuses to overwrite on request, and answers a browser's preflight", async (context) => {
    const { s3, endpoint } = clients(context);
    await s3.send(new CreateBucketCommand({ Bucket: "uploads" }));
    await s3.send(new PutObjectCommand({ Bucket: "uploads", Key: "a b/ü.csv", Body: "id\n1\n" }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "uploads", Key: "a b/ü.csv" }));
    expect(await Body?.transformToString()).toBe("id\n1\n");
    const again = new PutObjectCommand({ Bucket: "uploads", Key: "a b/ü.csv", Body: "no", IfNoneMatch: "*" });
    await expect(s3.send(again)).rejects.toMatchObject({ name: "PreconditionFailed" });

    const rule = { AllowedMethods: ["PUT"], AllowedOrigins: ["https://app.example"], AllowedHeaders: ["*"] };
    await s3.send(new PutBucketCorsCommand({ Bucket: "uploads", CORSConfiguration: { CORSRules: [rule] } }));
    const headers = { Origin: "https://app.example", "Access-Control-Request-Method": "PUT" };
    const preflight = await fetch(`${endpoint}/uploads/new.csv`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });

  it("tells a queue of an object that was created", async (context) => {
    const { s3, sqs } = clients(context);
    const queue = await createQueue(sqs, "created");
    const event = "s3:ObjectCreated:*" as const;
    await s3.send(new CreateBucketCommand({ Bucket: "notifying" }));
    const NotificationConfiguration = { QueueConfigurations: [{ QueueArn: queue.arn, Events: [event] }] };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: "notifying", NotificationConfiguration }));
    await s3.send(new PutObjectCommand({ Bucket: "notifying", Key: "in/a b.csv", Body: "12345" }));
    const created: ReturnType<typeof creations> = [];
    await expect
      .poll(async () => {
        for (const { Body } of await receive(sqs, queue.url)) created.push(...creations(Body));
        return created;
      })
      .toEqual([{ eventName: "ObjectCreated:Put", bucket: "notifying", key: "in/a b.csv", size: 5 }]);
  });
});

/**
 * The objects that one message tells of; none in the s3:TestEvent that setting up a notification sends. AWS encodes the
 * key as `in/a+b.csv`, moto as `in%2Fa+b.csv`, LocalStack as `in/a%20b.csv`: reading it as a form's value suits all.
 */
function creations(body = "{}") {
  const event: Partial<S3Event> = JSON.parse(body);
  return (event.Records ?? []).map(({ eventName, s3 }) => ({
    eventName,
    bucket: s3.bucket.name,
    key: decodeURIComponent(s3.object.key.replaceAll("+", " ")),
    size: s3.object.size,
  }));
}

async function createQueue(sqs: SQSClient, name: string, Attributes: Record<string, string> = {}) {
  const { QueueUrl: url } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  const asked = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
  return { url, arn: asked.Attributes?.QueueArn };
}

async function receive(
  sqs: SQSClient,
  QueueUrl: string | undefined,
  options: { VisibilityTimeout?: number; WaitTimeSeconds?: number; MessageAttributeNames?: string[] } = {},
): Promise<Message[]> {
  const received = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ["All"], WaitTimeSeconds: 2, ...options }),
  );
  return received.Messages ?? [];
}

/** Keys as Lovage's table has them, on demand. */
async function createTable(dynamodb: DynamoDBClient, TableName: string): Promise<void> {
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    }),
  );
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 20, minDelay: 1 }, { TableName });
}
