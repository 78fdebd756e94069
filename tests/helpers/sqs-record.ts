import { randomUUID } from "node:crypto";
import type { SQSRecord } from "aws-lambda";

/** A record as Lambda passes it to a function: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export function sqsRecord(given: { messageId?: string; body: string; receiveCount?: number }): SQSRecord {
  const { messageId = randomUUID(), body, receiveCount = 1 } = given;
  return {
    messageId,
    receiptHandle: `receipt-${messageId}`,
    body,
    attributes: {
      ApproximateReceiveCount: String(receiveCount),
      SentTimestamp: "0",
      SenderId: "test",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:lovage-local-default",
    awsRegion: "us-east-1",
  };
}
