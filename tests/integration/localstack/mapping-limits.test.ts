import { ChangeMessageVisibilityBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { describe, expect, it, vi } from "vitest";
import { startGateway } from "../../../localstack/gateway.ts";
import {
  ACCOUNT,
  bodies,
  called,
  calls,
  createQueue,
  depth,
  depthBecomes,
  lines,
  mapping,
  OK,
  on,
  queueUrl,
  requests,
  SOON,
  send,
  sqs,
  start,
  THROTTLED,
} from "./mapping-ground.ts";

describe("4 Throttling", () => {
  it("the same batch is tried again until it is taken", async () => {
    await send(["a"]);
    on.respond = (_records, call) => (call < 4 ? THROTTLED : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(1), SOON);

    const gaps = calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0));
    expect(calls.map(({ records }) => records[0]?.attributes.ApproximateReceiveCount)).toEqual(["1", "1", "1", "1"]);
    expect(gaps[2]).toBeGreaterThan(gaps[0] ?? 0);
    expect(metrics()).toMatchObject({ throttles: 3, invocations: 4, dropped: 0 });
  });

  it("a batch is dropped when its visibility timeout would pass, and the queue delivers it again", async () => {
    await createQueue("short", { VisibilityTimeout: "1" });
    await send(["a"]);
    const isFirst = ([record]: SQSRecord[]) => record?.attributes.ApproximateReceiveCount === "1";
    on.respond = (records) => (isFirst(records) ? THROTTLED : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(1), SOON);

    const received = calls[0]?.at ?? 0;
    const ofFirst = calls.filter(({ records }) => isFirst(records));
    expect(ofFirst.length).toBeGreaterThan(2);
    expect(Math.max(...ofFirst.map(({ at }) => at)) - received).toBeLessThan(1000);
    expect(metrics()).toMatchObject({ dropped: 1, failedBatches: 0 });
  });
});

describe("7 What AWS refuses when the mapping is created (each rule: tests/unit/localstack/mapping/checks.test.ts)", () => {
  it("a visibility timeout, read from the queue, below the function's", async () => {
    await createQueue("short", { VisibilityTimeout: "5" });

    const sentence = "Queue visibility timeout: 5 seconds is less than Function timeout: 6 seconds";
    await expect(start({ functionTimeoutSeconds: 6 })).rejects.toThrow(sentence);
    expect(requests.map(({ name }) => name)).not.toContain("ReceiveMessageCommand");
  });

  it("a queue that does not exist", async () => {
    await expect(start({ queueUrl: `${queueUrl}-missing` })).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  });
});

describe("8 Filter criteria (the patterns: tests/unit/localstack/mapping/filter.test.ts)", () => {
  it("messages that match no pattern are deleted and not invoked", async () => {
    await send(['{"kind":"order"}', '{"kind":"invoice"}', "plain text"]);
    on.respond = () => OK;

    const { metrics } = await start({ filterPatterns: [{ body: { kind: ["order"] } }] });
    await vi.waitFor(() => expect(metrics().deleted).toBe(3), SOON);

    expect(calls.flatMap(bodies)).toEqual(['{"kind":"order"}']);
    expect(metrics()).toMatchObject({ filtered: 2, received: 1 });
    await depthBecomes(0, 0);
  });

  it("a filter on something else than the body works here, with a warning", async () => {
    await send(["a"]);

    await start({ filterPatterns: [{ attributes: { ApproximateReceiveCount: ["1"] } }] });

    expect(bodies(await called(1))).toEqual(["a"]);
    expect(lines).toEqual([
      expect.stringContaining("Filter patterns test attributes: AWS documents filters on body only"),
    ]);
  });

  it("an operator that is not emulated is refused", async () => {
    const filterPatterns = [{ body: { kind: [{ wildcard: "o*" }] } }];

    await expect(start({ filterPatterns })).rejects.toThrow("Invalid filter pattern definition.");
  });
});

describe("9 Records (exact shapes: tests/unit/localstack/mapping/record.test.ts)", () => {
  it("a record of a standard queue", async () => {
    const MessageAttributes = {
      text: { DataType: "String", StringValue: "hello" },
      bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    const trace = { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793" };
    await send([{ MessageBody: "body ü", MessageAttributes, MessageSystemAttributes: { AWSTraceHeader: trace } }]);

    await start();
    const { records } = await called(1);

    const lists = { stringListValues: [], binaryListValues: [] };
    expect(records).toEqual([
      {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receiptHandle: expect.stringMatching(/./),
        body: "body ü",
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
          SenderId: expect.stringMatching(/./),
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
          AWSTraceHeader: trace.StringValue,
        },
        messageAttributes: {
          text: { stringValue: "hello", ...lists, dataType: "String" },
          bytes: { binaryValue: "AP8=", ...lists, dataType: "Binary" },
        },
        md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
        md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventSource: "aws:sqs",
        eventSourceARN: `arn:aws:sqs:us-east-1:${ACCOUNT}:orders`,
        awsRegion: "us-east-1",
      },
    ]);
  });

  it("a record of a fair queue has its group", async () => {
    await send([{ MessageBody: "x", MessageGroupId: "tenant" }, "without"]);

    await start();

    const { records } = await called(1);
    expect(records.map(({ attributes }) => attributes.MessageGroupId)).toEqual(["tenant", undefined]);
  });

  it("a record of a FIFO queue also has its group, deduplication id and sequence number", async () => {
    await createQueue("orders.fifo");
    await send([{ MessageBody: "x", MessageGroupId: "g", MessageDeduplicationId: "d" }]);

    await start();

    expect((await called(1)).records[0]?.attributes).toMatchObject({
      MessageGroupId: "g",
      MessageDeduplicationId: "d",
      SequenceNumber: expect.stringMatching(/^\d+$/),
    });
  });
});

describe("10 Outages and the end", () => {
  it("a queue that goes away and comes back is polled again, with a line or two in the log", async () => {
    on.respond = () => OK;
    const { metrics } = await start();
    await send(["before"]);
    await called(1);

    const port = on.gateway?.port ?? 0;
    await on.gateway?.close();
    await vi.waitFor(() => expect(metrics().outages).toBe(1), SOON);
    on.gateway = await startGateway({ port });
    await createQueue("orders");
    await send(["after"]);

    expect(bodies(await called(2))).toEqual(["after"]);
    expect(lines.length).toBeLessThanOrEqual(3);
    expect([lines[0], lines.at(-1)]).toEqual([
      expect.stringContaining("cannot be polled"),
      expect.stringContaining("answers again"),
    ]);
  });

  it("stopping ends the long poll at once and takes no message with it", async () => {
    const { stop } = await start();
    await vi.waitFor(() => expect(mapping?.metrics().polls).toBe(1), SOON);

    const stoppedAt = Date.now();
    await stop();
    await send(["later"]);

    // The poll would have lasted for 20 seconds.
    expect(Date.now() - stoppedAt).toBeLessThan(15_000);
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 2 }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(["later"]);
  });

  it("stopping waits for running invocations and deletes what succeeded", async () => {
    await send(["a"]);
    const { stop } = await start();
    const call = await called(1);

    let stopped = false;
    const stopping = stop().then(() => {
      stopped = true;
    });
    const before = { depth: await depth(), stopped };
    call.answer(OK);
    await stopping;

    expect(before).toEqual({ depth: [0, 1], stopped: false });
    expect(await depth()).toEqual([0, 0]);
  });

  it("stopping hands back what was received and not begun", async () => {
    await send(["a", "b"]);
    on.respond = () => THROTTLED;
    const { stop, metrics } = await start();
    await vi.waitFor(() => expect(metrics().throttles).toBeGreaterThan(1), SOON);

    await stop();

    expect(await depth()).toEqual([2, 0]);
    expect(requests.at(-2)?.name).toBe(ChangeMessageVisibilityBatchCommand.name);
  });

  it("stopping in a window hands its messages back", async () => {
    const { stop } = await start({ maximumBatchingWindowSeconds: 300 });
    await send(["a"]);
    await depthBecomes(0, 1);

    await Promise.all([stop(), stop()]);

    expect(await depth()).toEqual([1, 0]);
    expect(calls).toEqual([]);
  });
});
