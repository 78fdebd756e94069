import {
  ChangeMessageVisibilityCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arnOf, type Cloud, createQueue, errorOf, openCloud, temporaryDirectory } from "./cloud.ts";

let cloud: Cloud;
let sqs: SQSClient;

beforeAll(async () => {
  cloud = await openCloud();
  sqs = cloud.sqs;
});

afterAll(() => cloud.gateway.close());

/** Body and group of what a receive gets. */
async function receive(QueueUrl: string, names = ["MessageGroupId"], client = sqs) {
  const MessageSystemAttributeNames = names.map((name) => (name === "All" ? ("All" as const) : "MessageGroupId"));
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames }),
  );
  return Messages.map(({ Body, Attributes, ReceiptHandle }) => ({
    body: Body,
    group: Attributes?.MessageGroupId,
    ReceiptHandle,
  }));
}

describe("MessageGroupId on a standard queue", () => {
  it("comes back with each message, of which several of one group may be in flight at once", async () => {
    const url = await createQueue(sqs);
    const Entries = [
      { Id: "1", MessageBody: "m1", MessageGroupId: "tenant-1" },
      { Id: "bad", MessageBody: "\u0001", MessageGroupId: "tenant-9" },
      { Id: "2", MessageBody: "m2", MessageGroupId: "tenant-2" },
      { Id: "3", MessageBody: "m3" },
    ];
    const MessageAttributes = { kind: { DataType: "String", StringValue: "a" } };

    await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    const first = await receive(url);
    const last = { QueueUrl: url, MessageBody: "m4", MessageGroupId: "tenant-1", MessageAttributes, DelaySeconds: 0 };
    await sqs.send(new SendMessageCommand(last));
    const second = await receive(url, ["All"]);

    expect([...first, ...second].map(({ body, group }) => [body, group])).toEqual([
      ["m1", "tenant-1"],
      ["m2", "tenant-2"],
      ["m3", undefined],
      ["m4", "tenant-1"],
    ]);
  });

  it("stays with a message that is received again or moves to the dead-letter queue", async () => {
    const dead = await createQueue(sqs);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 2 });
    const url = await createQueue(sqs, { VisibilityTimeout: "0", RedrivePolicy });

    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "m", MessageGroupId: "tenant" }));
    const received = [await receive(url), await receive(url), await receive(url), await receive(dead)];

    expect(received.map(([message]) => message?.group)).toEqual(["tenant", "tenant", undefined, "tenant"]);
  });

  it("survives a restart, ready or in flight", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const url = await createQueue(before.sqs, { VisibilityTimeout: "600" });
    const send = (MessageBody: string) =>
      before.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody, MessageGroupId: "tenant" }));
    await send("in flight");
    const [taken] = await receive(url, [], before.sqs);
    await send("ready");
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const ready = await receive(url, ["All"], after.sqs);
    const back = { QueueUrl: url, ReceiptHandle: taken?.ReceiptHandle, VisibilityTimeout: 0 };
    await after.sqs.send(new ChangeMessageVisibilityCommand(back));
    const again = await receive(url, ["All"], after.sqs);
    await after.gateway.close();

    expect([...ready, ...again]).toMatchObject([
      { body: "ready", group: "tenant" },
      { body: "in flight", group: "tenant" },
    ]);
  });

  it("may not have other characters than AWS allows, and no deduplication id beside it", async () => {
    const url = await createQueue(sqs);
    const send = (ids: object) =>
      errorOf(sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "x", ...ids })));

    const badGroup = await send({ MessageGroupId: "tenant 1" });
    const deduplicated = await send({ MessageGroupId: "g", MessageDeduplicationId: "d" });

    expect(badGroup).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/MessageGroupId/) });
    expect(deduplicated).toMatchObject({
      name: "InvalidParameterValue",
      message: expect.stringMatching(/MessageDeduplicationId.*not valid for this queue type/),
    });
  });
});
