/** Messages as AWS answers them; recorded answers are in LocalStack's repository, tests/aws/services/sqs/test_sqs.snapshot.json. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { arnOf, createQueue, errorOf, openCloud, temporaryDirectory, uniqueName } from "./cloud.ts";
import { receive, redrive, send, sqs } from "./sqs-ground.ts";

const TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
const MessageSystemAttributes = { AWSTraceHeader: { DataType: "String", StringValue: TRACE } };

describe("a dead letter", () => {
  // Recorded: test_dead_letter_queue_message_attributes.
  it("says where it came from, and counts no receive for the move", async () => {
    const dead = await createQueue(sqs);
    const url = await createQueue(sqs, { VisibilityTimeout: "0", ...redrive(dead, 1) });
    await send(url, "poison", { MessageSystemAttributes });

    const [first] = await receive(url);
    const moved = await receive(url);
    const [buried] = await receive(dead);

    expect(first?.Attributes).not.toHaveProperty("DeadLetterQueueSourceArn");
    expect(moved).toEqual([]);
    expect(buried?.Attributes).toMatchObject({
      ApproximateReceiveCount: "2",
      DeadLetterQueueSourceArn: arnOf(url),
      AWSTraceHeader: TRACE,
      ApproximateFirstReceiveTimestamp: first?.Attributes?.ApproximateFirstReceiveTimestamp,
    });
  });

  it("of a FIFO queue does the same, in its group", async () => {
    const named = () => `${uniqueName()}.fifo`;
    const dead = await createQueue(sqs, { FifoQueue: "true" }, named());
    const attributes = { FifoQueue: "true", VisibilityTimeout: "0", ...redrive(dead, 1) };
    const url = await createQueue(sqs, attributes, named());
    await send(url, "poison", { MessageGroupId: "g", MessageDeduplicationId: "d" });

    await receive(url);
    await receive(url);
    const [buried] = await receive(dead);

    expect(buried?.Attributes).toMatchObject({
      ApproximateReceiveCount: "2",
      DeadLetterQueueSourceArn: arnOf(url),
      MessageGroupId: "g",
      MessageDeduplicationId: "d",
    });
  });

  it("keeps its history on disk, and every message its trace header", async () => {
    const dataDir = await temporaryDirectory();
    const before = await openCloud({ dataDir });
    const dead = await createQueue(before.sqs, {}, "dead");
    const url = await createQueue(before.sqs, { VisibilityTimeout: "0", ...redrive(dead, 1) }, "source");
    await before.sqs.send(
      new SendMessageBatchCommand({ QueueUrl: url, Entries: [{ Id: "a", MessageBody: "x", MessageSystemAttributes }] }),
    );
    await receive(url, {}, before.sqs);
    await receive(url, {}, before.sqs);
    await before.gateway.close();

    const after = await openCloud({ dataDir });
    const [buried] = await receive("dead", {}, after.sqs);
    await after.gateway.close();

    const history = { ApproximateReceiveCount: "2", DeadLetterQueueSourceArn: arnOf(url), AWSTraceHeader: TRACE };
    expect(buried?.Attributes).toMatchObject(history);
  });
});

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html, MessageRetentionPeriod
describe("a message that is older than the retention period", () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ["a standard queue", {}, {}],
    ["a FIFO queue", { FifoQueue: "true" }, { MessageGroupId: "g", MessageDeduplicationId: "d" }],
  ])("is gone from %s", async (_what, kind, ids) => {
    const name = uniqueName() + ("FifoQueue" in kind ? ".fifo" : "");
    const url = await createQueue(sqs, { MessageRetentionPeriod: "60", ...kind }, name);
    await send(url, "old", ids);
    const sentAt = Date.now();

    vi.useFakeTimers({ toFake: ["Date"], now: sentAt + 58_000 });
    const [young] = await receive(url, { VisibilityTimeout: 0 });
    vi.setSystemTime(sentAt + 62_000);
    const old = await receive(url);

    expect([young?.Body, old]).toEqual(["old", []]);
  });
});

describe("MessageAttributeNames", () => {
  const text = (StringValue: string) => ({ DataType: "String", StringValue });
  const MessageAttributes = { General: text("Kenobi"), Hello: text("There"), "Help.Me": text("Me") };

  // Recorded, with these digests: test_receive_message_message_attribute_names_filters.
  it.each([
    [[], [], undefined],
    [["All"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"],
    [["*"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"],
    [[".*"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"],
    [["Foo", "Help"], [], undefined],
    [["Hello", "General"], ["General", "Hello"], "fca026605781cb4126a1e9044df24232"],
    [["Foo", "Hello"], ["Hello"], "a311262e065454b75da111d535b8dacd"],
    [["Hel.*"], ["Hello", "Help.Me"], "83fee93c1bcd8b9a5a923ffacdc636c7"],
  ])("%j give %j, with their own digest", async (MessageAttributeNames, names, digest) => {
    const url = await createQueue(sqs);
    await send(url, "msg", { MessageAttributes });

    const [message] = await receive(url, { MessageAttributeNames });

    expect(Object.keys(message?.MessageAttributes ?? {}).sort()).toEqual(names);
    expect(message?.MD5OfMessageAttributes).toBe(digest);
  });

  it("do not matter to the digest of system attributes, which a sender is told", async () => {
    const url = await createQueue(sqs);

    const sent = await send(url, "msg", { MessageSystemAttributes });

    expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[0-9a-f]{32}$/);
    expect(sent.MD5OfMessageAttributes).toBeUndefined();
  });
});

describe("a receipt handle", () => {
  const deletion = (QueueUrl: string, ReceiptHandle: string | undefined) =>
    sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  const change = (QueueUrl: string, ReceiptHandle: string | undefined, VisibilityTimeout = 60) =>
    sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));

  async function inFlight(QueueUrl: string): Promise<string | undefined> {
    const name = "ApproximateNumberOfMessagesNotVisible";
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
    return Attributes?.[name];
  }

  // LocalStack, validated on AWS: test_delete_message_with_illegal_receipt_handle, test_invalid_receipt_handle_should_return_error_message.
  it("that was made up, or belongs to another queue, is refused", async () => {
    const url = await createQueue(sqs);
    const other = await createQueue(sqs);
    await send(other, "x");
    const [message] = await receive(other);
    const Entries = [{ Id: "a", ReceiptHandle: "garbage" }];

    const name = "ReceiptHandleIsInvalid";
    for (const handle of ["garbage", message?.ReceiptHandle, `${message?.ReceiptHandle}=`]) {
      expect(await errorOf(deletion(url, handle))).toMatchObject({
        name,
        message: `The input receipt handle "${handle}" is not a valid receipt handle.`,
      });
      expect(await errorOf(change(url, handle))).toMatchObject({ name });
    }
    const batch = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
    expect([batch.Successful, batch.Failed]).toMatchObject([undefined, [{ Id: "a", Code: name, SenderFault: true }]]);
  });

  // LocalStack, validated on AWS: test_delete_message_with_deleted_receipt_handle,
  // test_change_visibility_on_deleted_message_raises_invalid_parameter_value.
  it("of a deleted message deletes it once more, and changes nothing", async () => {
    const url = await createQueue(sqs);
    await send(url, "x");
    const [message] = await receive(url);
    await deletion(url, message?.ReceiptHandle);

    await deletion(url, message?.ReceiptHandle);
    const changed = await errorOf(change(url, message?.ReceiptHandle));

    expect(changed).toMatchObject({
      name: "InvalidParameterValue",
      message: `Value ${message?.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
    });
  });

  // Recorded: test_delete_after_visibility_timeout.
  it("still deletes what is visible again in a standard queue", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "0" });
    await send(url, "x");
    const [first] = await receive(url);
    const [second] = await receive(url);

    // moto: test_delete_message_using_old_receipt_handle.
    await deletion(url, first?.ReceiptHandle);

    expect(await receive(url)).toEqual([]);
    await deletion(url, second?.ReceiptHandle);
  });

  // Recorded: test_change_message_visibility_after_visibility_timeout_expiration, which AWS answers with 200.
  it("hides what is visible again in a standard queue", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "0" });
    await send(url, "x");
    const [message] = await receive(url);

    await change(url, message?.ReceiptHandle, 600);

    expect(await receive(url)).toEqual([]);
    expect(await inFlight(url)).toBe("1");
  });

  it("of an earlier receive does not delete what was received anew", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "0" });
    await send(url, "x");
    const [first] = await receive(url);
    const [second] = await receive(url, { VisibilityTimeout: 600 });

    await deletion(url, first?.ReceiptHandle);

    await change(url, second?.ReceiptHandle, 0);
    expect(await receive(url)).toMatchObject([{ Body: "x" }]);
  });

  // moto: test_change_message_visibility_on_old_message.
  it("of an earlier receive changes the visibility of what was received anew, in a standard queue", async () => {
    const url = await createQueue(sqs, { VisibilityTimeout: "0" });
    await send(url, "x");
    const [first] = await receive(url);
    const [second] = await receive(url, { VisibilityTimeout: 600 });

    await change(url, first?.ReceiptHandle, 600);
    expect(await inFlight(url)).toBe("1");
    await change(url, first?.ReceiptHandle, 0);

    expect(await receive(url)).toMatchObject([{ Body: "x" }]);
    await change(url, second?.ReceiptHandle, 600);
  });
});
