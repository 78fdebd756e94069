import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arnOf, type Cloud, createQueue, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";

let cloud: Cloud;
let sqs: SQSClient;

beforeAll(async () => {
  cloud = await openCloud();
  sqs = cloud.sqs;
});

afterAll(() => cloud.gateway.close());

const MIB = 1024 * 1024;

async function receive(QueueUrl: string, input: Partial<ReceiveMessageCommandInput> = {}, client = sqs) {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"], ...input }),
  );
  return Messages;
}

async function receiveOne(QueueUrl: string, input: Partial<ReceiveMessageCommandInput> = {}): Promise<Message> {
  const [message] = await receive(QueueUrl, { WaitTimeSeconds: 10, MaxNumberOfMessages: 1, ...input });
  if (message === undefined) {
    throw new Error("No message came within 10 seconds.");
  }
  return message;
}

const send = (QueueUrl: string, MessageBody: string, more = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));

describe("messages", () => {
  it("give back what was sent, at a queue URL of the gateway", async () => {
    const name = uniqueName();
    const url = await createQueue(sqs, {}, name);

    await send(url, "grüße 🙂 \u{1F9EA}");
    const message = await receiveOne(url);

    expect(url).toBe(`${cloud.gateway.endpoint}/000000000000/${name}`);
    expect(message.Body).toBe("grüße 🙂 \u{1F9EA}");
    expect(message.Attributes).toMatchObject({ ApproximateReceiveCount: "1", SenderId: "000000000000" });
  });

  it("carry their attributes to those who ask for them, and to nobody else", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "0" });
    const MessageAttributes = { kind: { DataType: "String", StringValue: "a" } };
    const MessageSystemAttributes = { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5759e988" } };

    await send(url, "x", { MessageAttributes, MessageSystemAttributes });
    const unasked = await receiveOne(url, { MessageSystemAttributeNames: [] });
    const asked = await receiveOne(url, { MessageAttributeNames: ["All"] });

    expect(unasked.MessageAttributes).toBeUndefined();
    expect(unasked.Attributes).toBeUndefined();
    expect(asked.MessageAttributes).toMatchObject({ kind: { StringValue: "a" } });
    expect(asked.Attributes?.AWSTraceHeader).toBe("Root=1-5759e988");
  });

  it("of one MiB are taken, and of one byte more refused", async () => {
    const url = await createQueue(sqs);

    await send(url, "x".repeat(MIB));
    const refused = await errorOf(send(url, "x".repeat(MIB + 1)));

    expect(refused).toMatchObject({ name: "InvalidParameterValue" });
    expect((await receiveOne(url)).Body).toHaveLength(MIB);
  });

  it("become visible after their own DelaySeconds", async () => {
    const url = await createQueue(sqs);
    const sentAt = Date.now();

    await send(url, "later", { DelaySeconds: 1 });
    const early = await receive(url);
    const late = await receiveOne(url);

    expect(early).toEqual([]);
    expect(late.Body).toBe("later");
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(1000);
  });

  it("cannot be delayed for more than 900 seconds", async () => {
    const url = await createQueue(sqs);

    const single = await errorOf(send(url, "x", { DelaySeconds: 901 }));
    const batch = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: "good", MessageBody: "good", DelaySeconds: 0 },
          { Id: "late", MessageBody: "late", DelaySeconds: 901 },
        ],
      }),
    );

    expect(single).toMatchObject({ name: "InvalidParameterValue" });
    expect(batch.Successful?.map(({ Id }) => Id)).toEqual(["good"]);
    expect(batch.Failed).toMatchObject([{ Id: "late", Code: "InvalidParameterValue", SenderFault: true }]);
  });

  it("of one batch succeed and fail one by one", async () => {
    const url = await createQueue(sqs, { MaximumMessageSize: "1024" });
    const Entries = [
      { Id: "a", MessageBody: "good" },
      { Id: "b", MessageBody: "bad \u0001" },
      { Id: "c", MessageBody: "x".repeat(1025) },
    ];

    const mixed = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    const [received] = await receive(url);
    const deleted = await sqs.send(
      new DeleteMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: "1", ReceiptHandle: received?.ReceiptHandle }] }),
    );

    expect(mixed.Successful).toMatchObject([{ Id: "a" }]);
    expect(mixed.Failed).toMatchObject([
      { Id: "b", Code: "InvalidMessageContents" },
      { Id: "c", Code: "InvalidParameterValue" },
    ]);
    expect(deleted.Failed).toBeUndefined();
  });
});

describe("visibility", () => {
  it("returns a message after its timeout, counting each receive", async () => {
    const url = await createQueue(sqs);
    await send(url, "again");

    const first = await receiveOne(url, { VisibilityTimeout: 1 });
    const hidden = await receive(url);
    const second = await receiveOne(url);

    expect(hidden).toEqual([]);
    expect(second.MessageId).toBe(first.MessageId);
    expect(second.Attributes?.ApproximateReceiveCount).toBe("2");
    expect(second.Attributes?.ApproximateFirstReceiveTimestamp).toBe(
      first.Attributes?.ApproximateFirstReceiveTimestamp,
    );
  });

  it("of zero seconds returns a message at once", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "600" });
    await send(url, "now");

    const { ReceiptHandle } = await receiveOne(url);
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }));
    const again = await receiveOne(url);

    expect(again.Attributes?.ApproximateReceiveCount).toBe("2");
  });

  it("can be prolonged past the queue's own", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "1" });
    await send(url, "slow");

    const { ReceiptHandle } = await receiveOne(url);
    await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle, VisibilityTimeout: 60 }));
    const meanwhile = await receive(url, { WaitTimeSeconds: 2 });

    expect(meanwhile).toEqual([]);
  });

  it("changes in a batch one by one", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "600" });
    await send(url, "x");
    const { ReceiptHandle } = await receiveOne(url);

    const { Successful, Failed } = await sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: "good", ReceiptHandle, VisibilityTimeout: 0 },
          { Id: "bad", ReceiptHandle: "nonsense", VisibilityTimeout: 0 },
        ],
      }),
    );

    expect(Successful).toEqual([{ Id: "good" }]);
    expect(Failed).toMatchObject([{ Id: "bad", SenderFault: true }]);
    expect(await receive(url)).toHaveLength(1);
  });
});

describe("the dead-letter queue", () => {
  const redrive = (deadUrl: string, maxReceiveCount: unknown) => ({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadUrl), maxReceiveCount }),
  });

  it("gets a message that was received maxReceiveCount times", async () => {
    const dead = await createQueue(sqs);
    const url = await createQueue(sqs, { VisibilityTimeout: "0", ...redrive(dead, 2) });
    const sent = await send(url, "poison");

    const receives = [await receive(url), await receive(url), await receive(url)];
    const buried = await receiveOne(dead);

    expect(receives.map((messages) => messages.length)).toEqual([1, 1, 0]);
    expect(buried).toMatchObject({ MessageId: sent.MessageId, Body: "poison" });
  });

  it("must exist, and be of the same kind", async () => {
    const fifo = await createQueue(sqs, { FifoQueue: "true" }, `${uniqueName()}.fifo`);
    const url = await createQueue(sqs);
    const missing = redrive(`${url}-missing`, 3);

    const created = await errorOf(sqs.send(new CreateQueueCommand({ QueueName: uniqueName(), Attributes: missing })));
    const set = await errorOf(sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: missing })));
    const mixed = await errorOf(
      sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: redrive(fifo, 3) })),
    );
    const never = await errorOf(
      sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: redrive(url, 0) })),
    );

    expect(created).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/does not exist/) });
    expect(set).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/does not exist/) });
    expect(mixed).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/same type/) });
    expect(never).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(/maxReceiveCount/) });
  });

  it("accepts a count that is written as text, as templates do", async () => {
    const dead = await createQueue(sqs);

    const url = await createQueue(sqs, redrive(dead, "5"));

    expect(url).toContain("/000000000000/");
  });
});

describe("long polls", () => {
  it("wait until a message comes", async () => {
    const url = await createQueue(sqs);

    const waiting = receive(url, { WaitTimeSeconds: 10 });
    await send(url, "come");

    expect(await waiting).toMatchObject([{ Body: "come" }]);
  });

  it("are woken one by one: a message for one leaves the others waiting", async () => {
    const url = await createQueue(sqs);

    const polls = [receive(url, { WaitTimeSeconds: 10 }), receive(url, { WaitTimeSeconds: 10 })];
    await send(url, "first");
    await Promise.race(polls);
    await send(url, "second");
    const bodies = (await Promise.all(polls)).flat().map(({ Body }) => Body);

    expect(bodies.sort()).toEqual(["first", "second"]);
  });

  it("whose client is gone take no message", async () => {
    const url = await createQueue(sqs);
    const leaving = new AbortController();

    const abandoned = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: leaving.signal,
    });
    await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
    leaving.abort();
    await expect(abandoned).rejects.toMatchObject({ name: "AbortError" });
    await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
    await send(url, "for somebody else");

    expect((await receiveOne(url)).Attributes?.ApproximateReceiveCount).toBe("1");
  });

  it("cannot last longer than 20 seconds", async () => {
    const url = await createQueue(sqs);

    const refused = await errorOf(receive(url, { WaitTimeSeconds: 21 }));

    expect(refused).toMatchObject({ name: "InvalidParameterValue" });
  });

  it("answer at once when the cloud stops", async () => {
    const other = await openCloud();
    const url = await createQueue(other.sqs);
    const waiting = receive(url, { WaitTimeSeconds: 20 }, other.sqs);
    await other.sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
    const startedAt = Date.now();

    await other.gateway.close();

    expect(await waiting).toEqual([]);
    // The poll would have lasted for 20 seconds.
    expect(Date.now() - startedAt).toBeLessThan(15_000);
  });
});

describe("queues on disk", () => {
  it("outlive the process: what is ready, hidden, delayed, counted and remembered", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const url = await createQueue(before.sqs, { VisibilityTimeout: "600" }, "kept");
    const fifo = await createQueue(before.sqs, { FifoQueue: "true" }, "kept.fifo");
    const sendTo = (client: SQSClient, QueueUrl: string, MessageBody: string, more = {}) =>
      client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
    await sendTo(before.sqs, url, "hidden");
    await receive(url, {}, before.sqs);
    await sendTo(before.sqs, url, "deleted");
    const [gone] = await receive(url, {}, before.sqs);
    await before.sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: gone?.ReceiptHandle }));
    await sendTo(before.sqs, url, "ready");
    const [ready] = await receive(url, {}, before.sqs);
    const back = { QueueUrl: url, ReceiptHandle: ready?.ReceiptHandle, VisibilityTimeout: 0 };
    await before.sqs.send(new ChangeMessageVisibilityCommand(back));
    await sendTo(before.sqs, url, "delayed", { DelaySeconds: 600 });
    const once = { MessageGroupId: "g", MessageDeduplicationId: "d" };
    const original = await sendTo(before.sqs, fifo, "once", once);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const { QueueUrl = "" } = await after.sqs.send(new GetQueueUrlCommand({ QueueName: "kept" }));
    const messages = await receive(QueueUrl, {}, after.sqs);
    const { Attributes } = await after.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    const duplicate = await sendTo(after.sqs, fifo.replace(before.gateway.endpoint, after.gateway.endpoint), "x", once);
    await after.gateway.close();

    expect(QueueUrl).toBe(`${after.gateway.endpoint}/000000000000/kept`);
    expect(messages).toMatchObject([{ Body: "ready", Attributes: { ApproximateReceiveCount: "2" } }]);
    expect(Attributes).toMatchObject({
      VisibilityTimeout: "600",
      ApproximateNumberOfMessagesNotVisible: "2",
      ApproximateNumberOfMessagesDelayed: "1",
    });
    expect(duplicate.MessageId).toBe(original.MessageId);
  });
});
