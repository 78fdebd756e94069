import { expect, it } from "vitest";
import { toSqsRecord } from "../../../../localstack/mapping/record.ts";

const SOURCE = { queueArn: "arn:aws:sqs:eu-central-1:123456789012:orders", region: "eu-central-1" };
const ATTRIBUTES = {
  ApproximateReceiveCount: "1",
  SentTimestamp: "1545082649183",
  SenderId: "AIDAIENQZJOLO23YVJ4VO",
  ApproximateFirstReceiveTimestamp: "1545082649185",
};

it("a message of a standard queue becomes exactly the record that AWS's documentation shows", () => {
  const message = {
    MessageId: "059f36b4-87a3-44ab-83d2-661975830a7d",
    ReceiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    Body: "Test message.",
    MD5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
    Attributes: ATTRIBUTES,
  };

  const record = toSqsRecord(message, SOURCE);

  expect(record).toStrictEqual({
    messageId: "059f36b4-87a3-44ab-83d2-661975830a7d",
    receiptHandle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    body: "Test message.",
    attributes: ATTRIBUTES,
    messageAttributes: {},
    md5OfBody: "e4e68fb7bd0e697a0ae8f1bb342846b3",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:orders",
    awsRegion: "eu-central-1",
  });
});

it("FIFO, tracing and dead-letter attributes are passed on, and no other system attribute is", () => {
  const more = {
    MessageGroupId: "customer-7",
    MessageDeduplicationId: "order-1",
    SequenceNumber: "18849496460467696128",
    AWSTraceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
    DeadLetterQueueSourceArn: "arn:aws:sqs:eu-central-1:123456789012:source",
  };
  const message = { Attributes: { ...ATTRIBUTES, ...more, All: "not an attribute" } };

  const { attributes } = toSqsRecord(message, SOURCE);

  expect(attributes).toStrictEqual({ ...ATTRIBUTES, ...more });
});

it("message attributes have Lambda's shape: both lists always, base64 for binary values", () => {
  const message = {
    MD5OfMessageAttributes: "00000000000000000000000000000000",
    MessageAttributes: {
      text: { DataType: "String", StringValue: "hello" },
      amount: { DataType: "Number.int", StringValue: "42" },
      bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255, 16]) },
    },
  };

  const record = toSqsRecord(message, SOURCE);

  const lists = { stringListValues: [], binaryListValues: [] };
  expect(record.md5OfMessageAttributes).toBe("00000000000000000000000000000000");
  expect(record.messageAttributes).toStrictEqual({
    text: { stringValue: "hello", ...lists, dataType: "String" },
    amount: { stringValue: "42", ...lists, dataType: "Number.int" },
    bytes: { binaryValue: "AP8Q", ...lists, dataType: "Binary" },
  });
});
