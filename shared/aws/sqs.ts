import type { SQSClient } from "@aws-sdk/client-sqs";
import { clientSettings } from "./settings.ts";

/** One message to send, as SQS wants it. */
export interface OutgoingMessage {
  /** Unique within one batch. */
  id: string;
  body: string;
  /** 0–900, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html */
  delaySeconds: number;
}

/** A message of a batch that SQS did not take. */
export interface RefusedMessage {
  id: string;
  code: string;
  message: string;
  /** The message itself is at fault, so sending it again cannot help. */
  senderFault: boolean;
}

export interface Sqs {
  /** Sends up to 10 messages in one call. Entries can fail one by one: the answer names those. */
  sendBatch(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<RefusedMessage[]>;
  /** Makes a received message reappear in `seconds` (0–43,200). */
  changeVisibility(queueUrl: string, receiptHandle: string, seconds: number): Promise<void>;
}

/**
 * The SQS calls that Lovage makes. The client is imported on first use: a function that never sends does not pay its
 * 15 ms of cold start.
 */
export function createSqs(): Sqs {
  let client: Promise<SQSClient> | undefined;
  const connect = (): Promise<SQSClient> => {
    client ??= import("@aws-sdk/client-sqs").then(
      ({ SQSClient }) =>
        // Without `useQueueUrlAsEndpoint: false` the SDK sends to the queue URL's host, whatever AWS_ENDPOINT_URL says.
        new SQSClient({ ...clientSettings, md5: false, useQueueUrlAsEndpoint: false }),
    );
    return client;
  };

  return {
    async sendBatch(queueUrl, messages) {
      const { SendMessageBatchCommand } = await import("@aws-sdk/client-sqs");
      const answer = await (await connect()).send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: messages.map(({ id, body, delaySeconds }) => ({
            Id: id,
            MessageBody: body,
            DelaySeconds: delaySeconds,
          })),
        }),
      );
      return (answer.Failed ?? []).map((entry) => ({
        id: entry.Id ?? "",
        code: entry.Code ?? "Unknown",
        message: entry.Message ?? "no reason given",
        senderFault: entry.SenderFault ?? false,
      }));
    },
    async changeVisibility(queueUrl, receiptHandle, seconds) {
      const { ChangeMessageVisibilityCommand } = await import("@aws-sdk/client-sqs");
      await (await connect()).send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: queueUrl,
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: seconds,
        }),
      );
    },
  };
}
