import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { GetBucketCorsCommand, GetBucketNotificationConfigurationCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGateway } from "../../../localstack/gateway.ts";
import { createClients, createResources } from "../../../localstack/template/resources.ts";
import type { Template } from "../../../localstack/template/template.ts";
import { readTemplate } from "../../helpers/compile-template.ts";

let folder: string;
let template: Template;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-data-"));
  template = await readTemplate();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** One life of an embedded cloud whose data stays on disk. */
async function live<T>(
  work: (clients: ReturnType<typeof createClients>, ref: (id: string) => Promise<string>) => Promise<T>,
): Promise<T> {
  const gateway = await startGateway({ port: 0, dataDir: folder });
  const access = {
    endpoint: gateway.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const clients = createClients(access);
  try {
    const resources = await createResources(template, clients, access);
    return await work(clients, async (id) => String(await resources.resolve({ Ref: id })));
  } finally {
    for (const client of Object.values(clients)) client.destroy();
    await gateway.close();
  }
}

describe("the template's resources", () => {
  it("are created with what changes their behaviour", async () => {
    await live(async ({ sqs, dynamodb, s3 }, ref) => {
      const queue = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: await ref("DefaultQueue"), AttributeNames: ["All"] }),
      );
      expect(queue.Attributes).toMatchObject({ VisibilityTimeout: "90", MaximumMessageSize: "1048576" });
      expect(JSON.parse(queue.Attributes?.RedrivePolicy ?? "{}")).toMatchObject({ maxReceiveCount: 3 });

      const ttl = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName: await ref("TasksTable") }));
      expect(ttl.TimeToLiveDescription).toMatchObject({ TimeToLiveStatus: "ENABLED", AttributeName: "ttl" });

      const Bucket = await ref("UploadsBucket");
      const cors = await s3.send(new GetBucketCorsCommand({ Bucket }));
      expect(cors.CORSRules?.[0]).toMatchObject({
        AllowedMethods: ["GET", "POST", "PUT"],
        AllowedOrigins: ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"],
      });
      const notification = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
      expect(notification.QueueConfigurations?.[0]).toMatchObject({ Events: ["s3:ObjectCreated:*"] });
    });
  });

  it("are brought up to date, and keep their messages, when the service starts again with other settings", async () => {
    await live(async ({ sqs }, ref) => {
      await sqs.send(new SendMessageCommand({ QueueUrl: await ref("DefaultQueue"), MessageBody: "kept" }));
    });
    const queue = template.Resources.DefaultQueue?.Properties;
    if (queue) queue.VisibilityTimeout = 7;
    await live(async ({ sqs }, ref) => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: await ref("DefaultQueue"), AttributeNames: ["All"] }),
      );
      expect(Attributes).toMatchObject({ VisibilityTimeout: "7", ApproximateNumberOfMessages: "1" });
    });
  });

  it("of FIFO queues are created, and brought up to date, with what makes them FIFO", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "lovage-data-"));
    const Properties: Record<string, unknown> = {
      QueueName: "ordered.fifo",
      FifoQueue: true,
      ContentBasedDeduplication: true,
      VisibilityTimeout: 30,
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    };
    const attributes = async () => {
      const gateway = await startGateway({ port: 0, dataDir });
      const credentials = { accessKeyId: "test", secretAccessKey: "test" };
      const access = { endpoint: gateway.endpoint, region: "us-east-1", credentials };
      const clients = createClients(access);
      const ordered: Template = { Resources: { Ordered: { Type: "AWS::SQS::Queue", Properties } } };
      const resources = await createResources(ordered, clients, access);
      const QueueUrl = String(await resources.resolve({ Ref: "Ordered" }));
      const answer = await clients.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
      for (const client of Object.values(clients)) client.destroy();
      await gateway.close();
      return answer.Attributes;
    };

    const created = await attributes();
    Object.assign(Properties, { DeduplicationScope: "queue", FifoThroughputLimit: "perQueue", VisibilityTimeout: 7 });
    const updated = await attributes();
    await rm(dataDir, { recursive: true });

    expect(created).toMatchObject({
      FifoQueue: "true",
      ContentBasedDeduplication: "true",
      VisibilityTimeout: "30",
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    });
    expect(updated).toMatchObject({
      FifoQueue: "true",
      ContentBasedDeduplication: "true",
      VisibilityTimeout: "7",
      DeduplicationScope: "queue",
      FifoThroughputLimit: "perQueue",
    });
  });

  it("that refer to what is not declared are refused by name", async () => {
    const broken: Template = {
      Resources: {
        Q: {
          Type: "AWS::SQS::Queue",
          Properties: { QueueName: "q", RedrivePolicy: { deadLetterTargetArn: { "Fn::GetAtt": ["Nobody", "Arn"] } } },
        },
      },
    };
    const gateway = await startGateway({ port: 0 });
    const access = {
      endpoint: gateway.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    };
    await expect(createResources(broken, createClients(access), access)).rejects.toThrow(
      "The template refers to 'Nobody'",
    );
    await gateway.close();
  });
});
