/** An SQS message as a function receives it. Pure. */

import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import type { SQSMessageAttribute, SQSRecord, SQSRecordAttributes } from "aws-lambda";

/** The queue that a record names as its source. */
export interface RecordSource {
  readonly queueArn: string;
  readonly region: string;
}

/** System attributes that only some messages have. */
const OPTIONAL_ATTRIBUTES = [
  "AWSTraceHeader",
  "SequenceNumber",
  "MessageGroupId",
  "MessageDeduplicationId",
  "DeadLetterQueueSourceArn",
] as const;

function recordAttributes({ Attributes = {} }: Message): SQSRecordAttributes {
  const attributes: SQSRecordAttributes = {
    ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? "1",
    SentTimestamp: Attributes.SentTimestamp ?? "0",
    SenderId: Attributes.SenderId ?? "",
    ApproximateFirstReceiveTimestamp: Attributes.ApproximateFirstReceiveTimestamp ?? "0",
  };
  for (const name of OPTIONAL_ATTRIBUTES) {
    const value = Attributes[name];
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

function messageAttribute({ StringValue, BinaryValue, DataType }: MessageAttributeValue): SQSMessageAttribute {
  return {
    ...(StringValue !== undefined && { stringValue: StringValue }),
    ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString("base64") }),
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType ?? "String",
  };
}

/** Makes the record: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
export function toSqsRecord(message: Message, { queueArn, region }: RecordSource): SQSRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {});
  return {
    messageId: message.MessageId ?? "",
    receiptHandle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: recordAttributes(message),
    messageAttributes: Object.fromEntries(attributes.map(([name, value]) => [name, messageAttribute(value)])),
    ...(message.MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: region,
  };
}
