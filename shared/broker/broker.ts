import type { BatchEntry, QueueDepth, Sqs } from "../aws/sqs.ts";
import { DEFAULT_QUEUE } from "../config.ts";
import { BrokerError, type NewerMessageError } from "../errors.ts";
import { encodeMessage } from "../message/encoding.ts";
import { byteLength } from "../message/json.ts";
import { isMessageGroupId } from "../message/labels.ts";
import type { Message } from "../message/message.ts";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
export const MAX_DELAY_SECONDS = 900;
const MAX_BATCH_MESSAGES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/**
 * SQS counts its 12 hours from the receive, not from now, and refuses what goes beyond.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
 */
const MAX_HIDE_SECONDS = 11 * 3600;

/** An entry that failed alone is sent again this often before its sender is told. */
const MAX_SENDS = 4;

export interface Broker {
  /**
   * Puts a message on its queue. Calls of the same moment share `SendMessageBatch` calls of up to 10.
   *
   * A FIFO queue knows no delay of a single message: one that has to wait does so on the default queue, whose worker passes it on.
   * @param delaySeconds 0–900
   * @throws BrokerError if SQS did not take it
   */
  send(message: Message, delaySeconds: number): Promise<void>;
  /** Puts a message of a newer version, which nobody here can read, back on a queue that is not FIFO. */
  giveBack(queue: string, fields: NewerMessageError["fields"], delaySeconds: number): Promise<void>;
  /** Puts a message into the dead-letter queue, for its function to look at later. */
  sendDeadLetter(message: Message, delaySeconds: number): Promise<void>;
  /** Hides a received message for `seconds`, up to 11 hours. */
  hide(queue: string, receiptHandle: string, seconds: number): Promise<void>;
  /** Whether a queue keeps the order of its messages. */
  isFifo(queue: string): boolean;
  depth(queue: string): Promise<QueueDepth>;
  /** Messages in the dead-letter queue: normally none, for a function ends or returns each. */
  deadLetters(): Promise<QueueDepth>;
}

interface Waiting extends Omit<BatchEntry, "id"> {
  bytes: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

export function createBroker(options: {
  sqs: Sqs;
  queueUrl: (queue: string) => string;
  deadLetterQueueUrl: () => string;
}): Broker {
  const { sqs, queueUrl } = options;
  const waiting = new Map<string, Waiting[]>();
  const isFifo = (queue: string): boolean => queueUrl(queue).endsWith(".fifo");

  const flush = (queue: string): void => {
    const messages = waiting.get(queue) ?? [];
    waiting.delete(queue);
    for (const batch of batches(messages)) {
      sendAll(queue, batch).catch((error: unknown) => {
        for (const message of batch) message.reject(new BrokerError(queue, reason(error), error));
      });
    }
  };

  const sendAll = async (queue: string, batch: Waiting[], sends = 1): Promise<void> => {
    const entries = batch.map(
      ({ body, delaySeconds, messageGroupId, messageDeduplicationId }, index): BatchEntry => ({
        id: String(index),
        body,
        delaySeconds,
        messageGroupId,
        messageDeduplicationId,
      }),
    );
    const refused = new Map((await sqs.sendBatch(queueUrl(queue), entries)).map((entry) => [entry.id, entry]));
    const again: Waiting[] = [];
    for (const [index, message] of batch.entries()) {
      const refusal = refused.get(String(index));
      if (refusal === undefined) message.resolve();
      else if (refusal.senderFault || sends >= MAX_SENDS) {
        message.reject(new BrokerError(queue, `${refusal.code}: ${refusal.message}`));
      } else again.push(message);
    }
    if (again.length > 0) await sendAll(queue, again, sends + 1);
  };

  const put = (
    queue: string,
    message: Pick<Waiting, "body" | "delaySeconds" | "messageGroupId" | "messageDeduplicationId">,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      const entry = { ...message, bytes: byteLength(message.body), resolve, reject };
      const queued = waiting.get(queue);
      if (queued) queued.push(entry);
      else {
        waiting.set(queue, [entry]);
        // After the callbacks that are due now: whatever else they send joins this batch, and nobody waits longer.
        setImmediate(flush, queue);
      }
    });

  return {
    async send(message, delaySeconds) {
      const fifo = isFifo(message.queue);
      const queue = fifo && delaySeconds > 0 ? DEFAULT_QUEUE : message.queue;
      await put(queue, {
        body: encodeMessage(message),
        delaySeconds,
        // A message from another program may lack a group; it then forms one by itself.
        messageGroupId: message.messageGroupId ?? (fifo ? message.id : undefined),
        messageDeduplicationId: fifo && queue === message.queue ? deduplicationId(message) : undefined,
      });
    },
    giveBack: (queue, fields, delaySeconds) =>
      put(queue, {
        body: encodeMessage(fields),
        delaySeconds: Math.ceil(delaySeconds),
        // The tenant, on a fair queue.
        messageGroupId: isMessageGroupId(fields.messageGroupId) ? fields.messageGroupId : undefined,
        messageDeduplicationId: undefined,
      }),
    hide: (queue, receiptHandle, seconds) =>
      sqs.changeVisibility(queueUrl(queue), receiptHandle, Math.min(MAX_HIDE_SECONDS, Math.max(0, Math.ceil(seconds)))),
    async sendDeadLetter(message, delaySeconds) {
      const entry = { id: "0", body: encodeMessage(message), delaySeconds };
      const [refusal] = await sqs.sendBatch(options.deadLetterQueueUrl(), [entry]);
      if (refusal) throw new BrokerError("dead-letter", `${refusal.code}: ${refusal.message}`);
    },
    isFifo,
    depth: (queue) => sqs.depth(queueUrl(queue)),
    deadLetters: () => sqs.depth(options.deadLetterQueueUrl()),
  };
}

/** A step that is repeated sends the same message again; a message that was put back is another one. */
function deduplicationId({ id, attempt, deferrals = 0, suspect }: Message): string {
  return `${id}-${attempt}-${deferrals}${suspect ? "-suspect" : ""}`;
}

/** Cuts a run of messages where SQS would refuse a larger batch: 10 messages or 1 MiB. */
function batches(messages: readonly Waiting[]): Waiting[][] {
  const cut: Waiting[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const current = cut.at(-1);
    if (current === undefined || current.length === MAX_BATCH_MESSAGES || bytes + message.bytes > MAX_BATCH_BYTES) {
      cut.push([message]);
      bytes = message.bytes;
    } else {
      current.push(message);
      bytes += message.bytes;
    }
  }
  return cut;
}

function reason(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
