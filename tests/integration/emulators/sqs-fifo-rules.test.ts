import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { errorOf, uniqueName } from "./cloud.ts";
import { bodies, fifo, receive, remove, sendOne, sqs } from "./sqs-fifo-ground.ts";

describe("deduplication", () => {
  it("accepts a second message with the same id, also of another group or after the first was deleted, and adds nothing", async () => {
    const url = await fifo();
    const ids = { MessageDeduplicationId: "d" };

    const first = await sendOne(url, { ...ids, MessageBody: "first", MessageGroupId: "a" });
    const second = await sendOne(url, { ...ids, MessageBody: "second", MessageGroupId: "b" });
    const received = await receive(url);
    await remove(url, received[0]);
    const third = await sendOne(url, { ...ids, MessageBody: "third", MessageGroupId: "a" });

    expect(bodies(received)).toEqual(["first"]);
    expect([second.MessageId, third.MessageId]).toEqual([first.MessageId, first.MessageId]);
    expect([second.SequenceNumber, third.SequenceNumber]).toEqual([first.SequenceNumber, first.SequenceNumber]);
    expect(await receive(url)).toEqual([]);
  });

  it("of DeduplicationScope messageGroup counts for each group of its own", async () => {
    const url = await fifo({ DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId" });
    const Entries = ["a", "b", "a"].map((MessageGroupId, index) => {
      return { Id: String(index), MessageBody: "x", MessageGroupId, MessageDeduplicationId: "d" };
    });

    const { Successful = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
    const received = await receive(url);

    const ids = Successful.map(({ MessageId }) => MessageId);
    expect(ids).toEqual([ids[0], ids[1], ids[0]]);
    expect(received.map(({ Attributes }) => Attributes?.MessageGroupId)).toEqual(["a", "b"]);
    expect(received.map(({ Attributes }) => Attributes?.MessageDeduplicationId)).toEqual(["d", "d"]);
  });

  it.each(["queue", "messageGroup"])("by content, with scope %s, uses the hash of the body", async (scope) => {
    const url = await fifo({ ContentBasedDeduplication: "true", DeduplicationScope: scope });

    const first = await sendOne(url, { MessageGroupId: "a" });
    const second = await sendOne(url, { MessageGroupId: "a" });
    const [message] = await receive(url);

    expect(second.MessageId).toBe(first.MessageId);
    expect(message?.Attributes?.MessageDeduplicationId).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("what SQS refuses of a FIFO queue", () => {
  const ids = { MessageGroupId: "g", MessageDeduplicationId: "d" };

  it.each([
    ["a delay of one message", { ...ids, DelaySeconds: 1 }, "InvalidParameterValue", /DelaySeconds.*this queue type/],
    ["a group with a space", { ...ids, MessageGroupId: "a b" }, "InvalidParameterValue", /MessageGroupId can only/],
    ["a group above 128 characters", { ...ids, MessageGroupId: "a".repeat(129) }, "InvalidParameterValue", /1 to 128/],
    ["an id with ü", { ...ids, MessageDeduplicationId: "ü" }, "InvalidParameterValue", /MessageDeduplicationId can/],
  ])("%s", async (_what, input, name, message) => {
    const url = await fifo();

    const single = await errorOf(sendOne(url, input));
    const Entries = [
      { Id: "bad", MessageBody: "x", ...input },
      { Id: "good", MessageBody: "x", ...ids },
    ];
    const batch = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));

    expect(single).toMatchObject({ name, message: expect.stringMatching(message) });
    expect(batch.Failed).toMatchObject([{ Id: "bad", Code: name, SenderFault: true }]);
    expect(batch.Successful).toMatchObject([{ Id: "good" }]);
  });

  // LocalStack, answers recorded on AWS: test_send_batch_missing_deduplication_id_for_fifo_queue,
  // test_send_batch_missing_message_group_id_for_fifo_queue, test_posting_to_fifo_requires_deduplicationid_group_id.
  it.each([
    ["without a group", { MessageDeduplicationId: "d" }, "MissingParameter", /MessageGroupId/],
    ["without a deduplication id", { MessageGroupId: "g" }, "InvalidParameterValue", /ContentBased/],
  ])("a message %s, and any batch with one", async (_what, input, name, message) => {
    const url = await fifo();
    const Entries = [
      { Id: "good", MessageBody: "x", ...ids },
      { Id: "bad", MessageBody: "x", ...input },
    ];

    const single = await errorOf(sendOne(url, input));
    const batch = await errorOf(sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })));

    expect(single).toMatchObject({ name, message: expect.stringMatching(message) });
    expect(batch).toMatchObject({ name: "InvalidParameterValue", message: expect.stringMatching(message) });
    expect(await receive(url)).toEqual([]);
  });

  it("takes a delay of 0, as AWS does, and the longest ids", async () => {
    const url = await fifo();
    const longest = "~".repeat(128);

    const sent = await sendOne(url, { DelaySeconds: 0, MessageGroupId: longest, MessageDeduplicationId: longest });

    expect(await receive(url)).toMatchObject([{ MessageId: sent.MessageId }]);
  });

  it.each([
    ["a .fifo name without FifoQueue", `${uniqueName()}.fifo`, {}, "InvalidParameterValue"],
    ["FifoQueue with another name", uniqueName(), { FifoQueue: "true" }, "InvalidParameterValue"],
    ["FIFO attributes of a standard queue", uniqueName(), { DeduplicationScope: "queue" }, "InvalidAttributeName"],
    [
      "perMessageGroupId with queue-wide deduplication",
      `${uniqueName()}.fifo`,
      { FifoQueue: "true", FifoThroughputLimit: "perMessageGroupId" },
      "InvalidAttributeValue",
    ],
  ])("%s", async (_what, QueueName, Attributes, name) => {
    const refused = await errorOf(sqs.send(new CreateQueueCommand({ QueueName, Attributes })));

    expect(refused).toMatchObject({ name });
  });

  it("lets deduplication and throughput be changed later", async () => {
    const url = await fifo();
    const Attributes = {
      ContentBasedDeduplication: "true",
      DeduplicationScope: "messageGroup",
      FifoThroughputLimit: "perMessageGroupId",
    };

    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));

    const now = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }));
    expect(now.Attributes).toMatchObject(Attributes);
  });
});
