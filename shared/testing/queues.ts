import type { SQSRecord } from "aws-lambda";
import type { BatchEntry, Sqs } from "../aws/sqs.ts";

/** A message in a queue, received or not. */
export interface Queued {
  messageId: string;
  url: string;
  body: string;
  group: string | undefined;
  sentAt: number;
  /** Epoch milliseconds from which it can be received. */
  visibleAt: number;
  receiveCount: number;
}

export interface Queues {
  sqs: Sqs;
  /** Puts a body into a queue, as a program that knows nothing of Lovage may; answers with its message id. */
  put(url: string, body: string): string;
  /** All messages, in the order of their sending. */
  all(): readonly Queued[];
  /** Of the messages that `wanted` takes, the one that can be received first, now or later. */
  next(wanted?: (message: Queued) => boolean): Queued | undefined;
  /** Receives up to 10 messages of one queue that are due and that `wanted` takes; none if nothing is due. */
  receive(wanted?: (message: Queued) => boolean): SQSRecord[];
  /** Deletes a received message. */
  acknowledge(messageId: string): void;
  /** Forgets what was sent 14 days ago, as SQS does. */
  expire(): void;
}

/** How a queue behaves, as serverless.yml has it. */
export interface QueueRules {
  visibilitySeconds: number;
  /** After so many receives the next one moves it to the dead-letter queue. @defaultValue never */
  redrive?: { maxReceives: number; to: string };
}

const MAX_BATCH = 10;
const RETENTION_MILLISECONDS = 14 * 86_400_000;
const DEDUPLICATION_MILLISECONDS = 300_000;
const isFifo = (url: string): boolean => url.endsWith(".fifo");

/** Queues in memory, by SQS's rules of delay, visibility, redrive, FIFO groups and deduplication, under the clock that is given. */
export function createQueues(options: {
  clock: () => Date;
  newId: () => string;
  rules: ReadonlyMap<string, QueueRules>;
  /** Told of each message that was put on a queue. */
  arrived?: (message: Queued) => void;
}): Queues {
  const { clock, newId, rules, arrived } = options;
  const now = (): number => clock().getTime();
  const seen = new Map<string, number>();
  let queued: Queued[] = [];

  const rulesOf = (url: string): QueueRules => {
    const found = rules.get(url);
    if (found === undefined) throw new Error(`AWS.SimpleQueueService.NonExistentQueue: there is no queue ${url}.`);
    return found;
  };
  const put = (url: string, entry: Omit<BatchEntry, "id">): string => {
    const { body, delaySeconds, messageGroupId: group, messageDeduplicationId } = entry;
    if (messageDeduplicationId !== undefined) {
      const key = `${url} ${messageDeduplicationId}`;
      const before = seen.get(key);
      if (before !== undefined && now() - before < DEDUPLICATION_MILLISECONDS) return "";
      seen.set(key, now());
    }
    const visibleAt = now() + delaySeconds * 1000;
    const message = { messageId: newId(), url, body, group, sentAt: now(), visibleAt, receiveCount: 0 };
    queued.push(message);
    arrived?.(message);
    return message.messageId;
  };
  const refusal = (url: string, { delaySeconds, messageGroupId }: BatchEntry): string | undefined => {
    if (!(delaySeconds >= 0 && delaySeconds <= 900)) return `DelaySeconds is ${delaySeconds}: 0 to 900 are accepted.`;
    if (isFifo(url) && delaySeconds > 0) return "A FIFO queue knows no delay of a single message.";
    return isFifo(url) && messageGroupId === undefined ? "A FIFO queue needs a MessageGroupId." : undefined;
  };
  /** Of a FIFO group only the first, and none while that one is hidden. */
  const isBlocked = (one: Queued): boolean =>
    isFifo(one.url) && queued.find((other) => other.url === one.url && other.group === one.group) !== one;
  const next = (wanted: (message: Queued) => boolean = () => true): Queued | undefined => {
    let first: Queued | undefined;
    for (const one of queued) {
      if ((first === undefined || one.visibleAt < first.visibleAt) && wanted(one) && !isBlocked(one)) first = one;
    }
    return first;
  };
  /** Moves a message that was received too often. */
  const bury = (one: Queued): boolean => {
    const { redrive } = rulesOf(one.url);
    if (redrive === undefined || one.receiveCount < redrive.maxReceives) return false;
    Object.assign(one, { url: redrive.to, visibleAt: now(), receiveCount: 0 });
    return true;
  };

  return {
    put: (url, body) => put(url, { body, delaySeconds: 0, ...(isFifo(url) && { messageGroupId: body }) }),
    all: () => queued,
    next,
    sqs: {
      async sendBatch(url, entries) {
        rulesOf(url);
        if (entries.length > MAX_BATCH) throw new Error(`A batch has ${entries.length} entries: 10 are accepted.`);
        return entries.flatMap((entry) => {
          const message = refusal(url, entry);
          if (message !== undefined)
            return [{ id: entry.id, code: "InvalidParameterValue", message, senderFault: true }];
          put(url, entry);
          return [];
        });
      },
      async changeVisibility(url, receiptHandle, seconds) {
        const found = queued.find((one) => one.url === url && receiptOf(one) === receiptHandle);
        if (found === undefined) throw new Error("MessageNotInflight: the message is in no worker's hands.");
        found.visibleAt = now() + seconds * 1000;
      },
      async depth(url) {
        rulesOf(url);
        const here = queued.filter((one) => one.url === url);
        const hidden = here.filter(({ visibleAt }) => visibleAt > now());
        const inFlight = hidden.filter(({ receiveCount }) => receiveCount > 0).length;
        return { waiting: here.length - hidden.length, inFlight, delayed: hidden.length - inFlight };
      },
    },
    receive(wanted = () => true) {
      const isDue = (one: Queued): boolean => one.visibleAt <= now() && wanted(one);
      for (let first = next(isDue); first; first = next(isDue)) {
        const { url } = first;
        // Of a FIFO queue one at a time, so that a group keeps its order whatever its worker does.
        const due = isFifo(url) ? [first] : queued.filter((one) => one.url === url && isDue(one)).slice(0, MAX_BATCH);
        const received = due.filter((one) => !bury(one));
        for (const one of received) {
          one.receiveCount += 1;
          one.visibleAt = now() + rulesOf(url).visibilitySeconds * 1000;
        }
        if (received.length > 0) return received.map(toRecord);
      }
      return [];
    },
    acknowledge(messageId) {
      queued = queued.filter((one) => one.messageId !== messageId);
    },
    expire() {
      queued = queued.filter(({ sentAt }) => sentAt + RETENTION_MILLISECONDS > now());
    },
  };
}

function receiptOf({ messageId, receiveCount }: Queued): string {
  return `${messageId}#${receiveCount}`;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
function toRecord(one: Queued): SQSRecord {
  return {
    messageId: one.messageId,
    receiptHandle: receiptOf(one),
    body: one.body,
    attributes: {
      ApproximateReceiveCount: String(one.receiveCount),
      SentTimestamp: String(one.sentAt),
      SenderId: "test",
      ApproximateFirstReceiveTimestamp: String(one.sentAt),
      ...(one.group !== undefined && { MessageGroupId: one.group }),
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${one.url.split("/").at(-1)}`,
    awsRegion: "us-east-1",
  };
}
