import { CreateQueueCommand, type Message, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../../../localstack/gateway.ts";
import { callsInProcess, callsOverHttp, type QueueCalls } from "../../../localstack/mapping/queue-calls.ts";

let gateway: Gateway;
let sqs: SQSClient;
let url: string;
let queue: QueueCalls;
let queues = 0;

const never = new AbortController().signal;

beforeAll(async () => {
  gateway = await startGateway({ port: 0 });
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  sqs = new SQSClient({ endpoint: gateway.endpoint, region: "us-east-1", credentials, useQueueUrlAsEndpoint: false });
});

afterAll(async () => {
  sqs.destroy();
  await gateway.close();
});

const send = (body: string) =>
  sqs.send(
    new SendMessageCommand({
      QueueUrl: url,
      MessageBody: body,
      MessageGroupId: "tenant",
      MessageAttributes: {
        text: { DataType: "String", StringValue: "é" },
        bytes: { DataType: "Binary.png", BinaryValue: Uint8Array.of(0, 255, 128) },
        number: { DataType: "Number", StringValue: "1.50" },
      },
      MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: "Root=1" } },
    }),
  );

const handlesOf = (messages: readonly Message[]) => messages.map(({ ReceiptHandle = "" }) => ReceiptHandle);

describe.each([
  ["over HTTP", () => callsOverHttp(sqs, url)],
  ["in the process", () => callsInProcess(gateway.queues, url)],
])("a queue %s", (_way, calls) => {
  beforeEach(async () => {
    queues += 1;
    const Attributes = { VisibilityTimeout: "45" };
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: `calls-${queues}`, Attributes }));
    url = QueueUrl;
    queue = calls();
  });

  it("gives a message with all that its sender has set", async () => {
    await send("hello");

    const [message, ...others] = await queue.receive(10, 0, never);

    expect(others).toEqual([]);
    expect(message).toEqual({
      MessageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ReceiptHandle: expect.any(String),
      Body: "hello",
      MD5OfBody: "5d41402abc4b2a76b9719d911017c592",
      Attributes: {
        SenderId: "000000000000",
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        ApproximateReceiveCount: "1",
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
        MessageGroupId: "tenant",
        AWSTraceHeader: "Root=1",
      },
      MessageAttributes: {
        text: { DataType: "String", StringValue: "é" },
        bytes: { DataType: "Binary.png", BinaryValue: expect.any(Uint8Array) },
        number: { DataType: "Number", StringValue: "1.50" },
      },
      MD5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect([...(message?.MessageAttributes?.bytes?.BinaryValue ?? [])]).toEqual([0, 255, 128]);
  });

  it("deletes what it can, and says by its place what it cannot", async () => {
    await send("one");
    const [handle = ""] = handlesOf(await queue.receive(1, 0, never));

    expect(await queue.delete([handle])).toEqual([]);
    expect(await queue.delete(["made up"])).toEqual([
      { Id: "0", SenderFault: true, Code: "ReceiptHandleIsInvalid", Message: expect.stringContaining("made up") },
    ]);
    await queue.release([handle]);
    expect(await queue.receive(1, 0, never)).toEqual([]);
  });

  it("makes visible again what was not begun", async () => {
    await send("one");
    await queue.release(handlesOf(await queue.receive(1, 0, never)));

    const [message] = await queue.receive(1, 0, never);

    expect(message?.Attributes?.ApproximateReceiveCount).toBe("2");
  });

  it("tells an attribute of the queue", async () => {
    expect(await queue.attribute("VisibilityTimeout")).toBe("45");
  });

  it("gives a message to no poll that was given up", async () => {
    const stopping = new AbortController();
    const poll = queue.receive(1, 20, stopping.signal).catch(() => []);
    // One round trip, after which the queue has the poll, and another, after which it knows that its caller has gone.
    await queue.attribute("QueueArn");
    stopping.abort();
    expect(await poll).toEqual([]);
    await queue.attribute("QueueArn");

    await send("later");

    expect(await queue.receive(1, 0, never)).toHaveLength(1);
  });

  it("says in an error's name that it is not there", async () => {
    url = `${gateway.endpoint}/000000000000/missing`;

    await expect(calls().receive(1, 0, never)).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  });
});
