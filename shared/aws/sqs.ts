import type { SQSClient } from "@aws-sdk/client-sqs";
import { clientSettings } from "./settings.ts";

/** One entry of a `SendMessageBatch` call. */
export interface BatchEntry {
  /** Unique within one batch. */
  id: string;
  body: string;
  /** 0–900; always 0 for a FIFO queue, https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html */
  delaySeconds: number;
  /** FIFO: the group that keeps its order; otherwise the tenant of a fair queue. */
  messageGroupId?: string | undefined;
  /** FIFO: what comes again within five minutes is not queued again. */
  messageDeduplicationId?: string | undefined;
}

/** An entry that SQS did not take. */
interface RefusedEntry {
  id: string;
  code: string;
  message: string;
  /** The message itself is at fault, so sending it again cannot help. */
  senderFault: boolean;
}

export interface Sqs {
  /** Sends up to 10 messages in one call. Entries can fail one by one: the answer names those. */
  sendBatch(queueUrl: string, messages: readonly BatchEntry[]): Promise<RefusedEntry[]>;
  /** Makes a received message reappear in `seconds` (0–43,200). */
  changeVisibility(queueUrl: string, receiptHandle: string, seconds: number): Promise<void>;
  /** Roughly how many messages there are. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html */
  depth(queueUrl: string): Promise<QueueDepth>;
}

export interface QueueDepth {
  /** Ready to be received. */
  waiting: number;
  /** Received, and neither deleted nor visible again. */
  inFlight: number;
  /** Sent with a delay that has not passed. */
  delayed: number;
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
          Entries: messages.map(({ id, body, delaySeconds, messageGroupId, messageDeduplicationId }) => ({
            Id: id,
            MessageBody: body,
            // A FIFO queue has no delays of single messages, and refuses even one of 0 that is not needed.
            ...(delaySeconds > 0 && { DelaySeconds: delaySeconds }),
            ...(messageGroupId !== undefined && { MessageGroupId: messageGroupId }),
            ...(messageDeduplicationId !== undefined && { MessageDeduplicationId: messageDeduplicationId }),
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
    async depth(queueUrl) {
      const { GetQueueAttributesCommand } = await import("@aws-sdk/client-sqs");
      const { Attributes = {} } = await (await connect()).send(
        new GetQueueAttributesCommand({
          QueueUrl: queueUrl,
          AttributeNames: [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
          ],
        }),
      );
      return {
        waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
        inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
        delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
      };
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
