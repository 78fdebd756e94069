import { randomUUID } from "node:crypto";
import { DeleteItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { DEFAULT_QUEUE } from "../../shared/config.ts";
import { createDeadLetterWorker, createWorker, ValueExpiredError } from "../../shared/index.ts";
import { encodeMessage } from "../../shared/message/encoding.ts";
import type { Message } from "../../shared/message/message.ts";
import type { Engine } from "./engine.ts";
import { sqsRecord } from "./sqs-record.ts";

/**
 * The queues and timers of an engine, with their time in the test's hand: a wait of weeks is one step of the clock. Table and bucket
 * stay those of the emulators, but lose what has lived its time by the same clock, at once.
 */
export interface VirtualQueues {
  /** Everything that waits, timers included. */
  readonly waiting: readonly Waiting[];
  /** Seconds by which every delivery is late: a backlog of other tasks. */
  latencySeconds: number;
  /** Puts a body into a queue as a foreign writer would; answers with its SQS message id. */
  put(queue: string, body: string): string;
  /** Hands over what is due now, each message in an invocation of its own, to `worker` or to the tasks' own. */
  deliver(worker?: Handle): Promise<void>;
  /** Lets time go on, with deliveries as they fall due. */
  until(time: Date, worker?: Handle): Promise<void>;
  /** Lets time go on, but nothing is delivered. */
  jump(seconds: number): Promise<void>;
  /** Begins anew, with nothing waiting. */
  clear(): void;
}

export type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

interface Waiting {
  messageId: string;
  /** `dead` is the dead-letter queue, `timer` what is not yet in any queue. */
  queue: string;
  body: string;
  group: string | undefined;
  sentAt: number;
  visibleAt: number;
  receiveCount: number;
}

const DEAD = "dead";
const TIMER = "timer";
/** As serverless.yml has it. */
const MAX_RECEIVES = 3;
/** Twice that of serverless.yml: no run of a test lasts longer. */
const VISIBILITY_MILLISECONDS = 180_000;
const RETENTION_MILLISECONDS = 14 * 86_400_000;

export function createVirtualQueues(engine: Engine, tasks: Record<string, unknown>): VirtualQueues {
  const { app, clock, clients } = engine;
  const ownWorker = createWorker([{ file: "tests.ts", exports: tasks }], app);
  const deadLetterWorker = createDeadLetterWorker(app);
  const { isFifo } = app.broker;
  let waiting: Waiting[] = [];
  const now = (): number => clock.now.getTime();

  const enqueue = (queue: string, body: string, delaySeconds: number, group?: string): string => {
    const messageId = randomUUID();
    const visibleAt = now() + (delaySeconds + queues.latencySeconds) * 1000;
    waiting.push({ messageId, queue, body, group, sentAt: now(), visibleAt, receiveCount: 0 });
    return messageId;
  };
  const send = (message: Message, delaySeconds: number): void => {
    const fifo = isFifo(message.queue);
    const queue = fifo && delaySeconds > 0 ? DEFAULT_QUEUE : message.queue;
    const group = message.messageGroupId ?? (fifo ? message.id : undefined);
    enqueue(queue, encodeMessage(message), delaySeconds, group);
  };
  app.broker = {
    ...app.broker,
    send: async (message, delaySeconds) => send(message, delaySeconds),
    giveBack: async (queue, fields, delaySeconds) => void enqueue(queue, encodeMessage(fields), delaySeconds),
    sendDeadLetter: async (message, delaySeconds) => void enqueue(DEAD, encodeMessage(message), delaySeconds),
    async hide(queue, receiptHandle, seconds) {
      const found = waiting.find((one) => `receipt-${one.messageId}` === receiptHandle);
      if (found?.queue !== queue) throw new Error(`SQS: the receipt handle is not one of queue '${queue}'.`);
      found.visibleAt = now() + seconds * 1000;
    },
  };
  app.timers = {
    ...app.timers,
    async put(message, eta) {
      const [visibleAt, body] = [eta.getTime(), encodeMessage(message)];
      const messageId = randomUUID();
      waiting.push({ messageId, queue: TIMER, body, group: undefined, sentAt: now(), visibleAt, receiveCount: 0 });
    },
  };
  const { load } = app.largeValues;
  app.largeValues.load = async (ref) => {
    if (Date.parse(ref.until) <= now()) throw new ValueExpiredError(ref.key, ref.sizeBytes);
    return load(ref);
  };

  /** Of a FIFO group only the first, and none while that one is hidden. */
  const isBlocked = (one: Waiting): boolean =>
    isFifoQueue(one) && waiting.find((other) => other.queue === one.queue && other.group === one.group) !== one;
  const isFifoQueue = ({ queue }: Waiting): boolean => queue !== DEAD && queue !== TIMER && isFifo(queue);
  const toRecord = (one: Waiting): SQSRecord => {
    const url = one.queue === DEAD ? app.config.deadLetterQueueUrl : app.config.queueUrl(one.queue);
    const record = sqsRecord({ messageId: one.messageId, body: one.body, receiveCount: one.receiveCount });
    return {
      ...record,
      eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${url.split("/").at(-1)}`,
      attributes: {
        ...record.attributes,
        SentTimestamp: String(one.sentAt),
        ...(one.group !== undefined && { MessageGroupId: one.group }),
      },
    };
  };
  const forget = (one: Waiting): void => {
    waiting = waiting.filter((other) => other !== one);
  };
  const deliverOne = async (one: Waiting, worker: Handle): Promise<void> => {
    if (one.queue === TIMER) {
      forget(one);
      return send(JSON.parse(one.body), 0);
    }
    one.receiveCount += 1;
    one.visibleAt = now() + VISIBILITY_MILLISECONDS;
    if (one.receiveCount > MAX_RECEIVES && one.queue !== DEAD && !isFifoQueue(one)) {
      Object.assign(one, { queue: DEAD, visibleAt: now(), receiveCount: 0 });
      return;
    }
    const handle = one.queue === DEAD ? deadLetterWorker : worker;
    const { batchItemFailures } = await handle(
      { Records: [toRecord(one)] },
      { getRemainingTimeInMillis: () => 30_000 },
    );
    if (batchItemFailures.length === 0) forget(one);
  };

  /** Deletes the items and messages that DynamoDB and SQS delete by themselves. */
  const expire = async (): Promise<void> => {
    waiting = waiting.filter(({ queue, sentAt }) => queue === TIMER || sentAt + RETENTION_MILLISECONDS > now());
    const TableName = app.config.resultTable;
    const { Items = [] } = await clients.dynamodb.send(new ScanCommand({ TableName }));
    for (const { pk, sk, ttl } of Items) {
      if (!pk || !sk || ttl?.N === undefined || Number(ttl.N) * 1000 > now()) continue;
      await clients.dynamodb.send(new DeleteItemCommand({ TableName, Key: { pk, sk } }));
    }
  };

  const nextDue = (): Waiting | undefined =>
    waiting.filter((one) => !isBlocked(one)).toSorted((a, b) => a.visibleAt - b.visibleAt)[0];

  const queues: VirtualQueues = {
    get waiting() {
      return waiting;
    },
    latencySeconds: 0,
    put: (queue, body) => enqueue(queue, body, 0),
    async deliver(worker = ownWorker) {
      for (let one = nextDue(); one && one.visibleAt <= now(); one = nextDue()) await deliverOne(one, worker);
    },
    async until(time, worker = ownWorker) {
      for (let one = nextDue(); one && one.visibleAt <= time.getTime(); one = nextDue()) {
        await queues.jump((Math.max(one.visibleAt, now()) - now()) / 1000);
        await queues.deliver(worker);
      }
      await queues.jump(Math.max(0, time.getTime() - now()) / 1000);
    },
    async jump(seconds) {
      clock.now = new Date(now() + seconds * 1000);
      // Nothing is kept for less than an hour.
      if (seconds >= 3600) await expire();
    },
    clear() {
      waiting = [];
      queues.latencySeconds = 0;
    },
  };
  return queues;
}

/** A worker that never comes up, or dies before it begins anything. */
export const deadWorker: Handle = async ({ Records }) => ({
  batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
});
