/**
 * Makes batches of messages: until the batch is full, its window ends, or the event would exceed what one invocation may carry.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
 */

import type { SQSRecord } from "aws-lambda";
import type { Clock } from "../clock.ts";
import type { DeletableMessage } from "./deleter.ts";
import type { MessageReceiver } from "./receiver.ts";
import { type RecordSource, toSqsRecord } from "./record.ts";

/** Lambda's limit of a synchronous event, without what stands around the records: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_EVENT_BYTES = 6_291_456 - '{"Records":[]}'.length;
const MAX_RECEIVE = 10;
const MAX_WAIT_SECONDS = 20;

/** A received message, ready to be put into an event. */
export interface PendingMessage extends DeletableMessage {
  readonly record: SQSRecord;
  readonly bytes: number;
}

export interface BatchGatherer {
  /** Waits for the next batch; empty when the queue had nothing during one long poll, or when the signal has aborted. */
  gather(): Promise<PendingMessage[]>;
  /** The last poll brought all it had asked for, so there is probably more. */
  hasBacklog(): boolean;
  /** After the abort: what was received and is in no batch. */
  leftover(): Promise<PendingMessage[]>;
}

export function createBatchGatherer(options: {
  readonly receiver: MessageReceiver;
  readonly source: RecordSource;
  /** A FIFO batch is one receive, also above an event's size: whoever runs it divides it, lest its end overtake its beginning. */
  readonly isFifo: boolean;
  readonly batchSize: number;
  readonly windowMilliseconds: number;
  readonly visibilityTimeoutSeconds: number;
  readonly matches: (record: SQSRecord) => boolean;
  /** Takes the messages that the filter refuses. */
  readonly discard: (messages: readonly PendingMessage[]) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): BatchGatherer {
  const { receiver, source, isFifo, batchSize, windowMilliseconds, matches, discard, clock, signal } = options;
  /** Polls that outlived their batch's window, and messages that did not fit: the next batch begins with them. */
  const carried: Promise<PendingMessage[]>[] = [];
  let backlog = false;

  async function receive(room: number, seconds: number): Promise<PendingMessage[]> {
    const count = Math.min(room, MAX_RECEIVE);
    // A short poll answers what is there, and most of the time with a backlog something is.
    const received = await receiver.receive(count, backlog ? 0 : seconds);
    backlog = received.length === count;
    const visibleAtMilliseconds = clock.now() + options.visibilityTimeoutSeconds * 1000;
    const messages = received.map((message): PendingMessage => {
      const record = toSqsRecord(message, source);
      const bytes = Buffer.byteLength(JSON.stringify(record)) + 1;
      return { record, receiptHandle: record.receiptHandle, bytes, visibleAtMilliseconds };
    });
    const wanted = messages.filter(({ record }) => matches(record));
    if (wanted.length < messages.length) discard(messages.filter((message) => !wanted.includes(message)));
    return wanted;
  }

  /** Undefined when the window ends first; the poll then goes on and belongs to the next batch. */
  async function within(
    poll: Promise<PendingMessage[]>,
    ms: number | undefined,
  ): Promise<PendingMessage[] | undefined> {
    if (ms === undefined) return poll;
    const timer = new AbortController();
    try {
      return await Promise.race([poll, clock.sleep(ms, timer.signal).then(() => undefined)]);
    } finally {
      timer.abort();
    }
  }

  async function gather(): Promise<PendingMessage[]> {
    const batch: PendingMessage[] = [];
    let bytes = 0;
    let closesAt: number | undefined;
    while (!signal.aborted) {
      const leftMilliseconds = closesAt === undefined ? undefined : closesAt - clock.now();
      if (leftMilliseconds !== undefined && leftMilliseconds <= 0) break;
      const seconds =
        leftMilliseconds === undefined
          ? MAX_WAIT_SECONDS
          : Math.min(Math.ceil(leftMilliseconds / 1000), MAX_WAIT_SECONDS);
      const poll = carried.shift() ?? receive(batchSize - batch.length, seconds);
      const received = await within(poll, leftMilliseconds);
      if (received === undefined) {
        carried.unshift(poll);
        break;
      }
      // A message that lay here longer than the visibility timeout is in the queue again.
      const usable = received.filter(({ visibleAtMilliseconds }) => visibleAtMilliseconds > clock.now());
      let fitting = 0;
      for (const message of usable) {
        const isTooMuch = !isFifo && batch.length > 0 && bytes + message.bytes > MAX_EVENT_BYTES;
        if (batch.length === batchSize || isTooMuch) break;
        batch.push(message);
        bytes += message.bytes;
        fitting += 1;
      }
      if (fitting < usable.length) carried.unshift(Promise.resolve(usable.slice(fitting)));
      if (batch.length === batchSize || fitting < usable.length || (batch.length > 0 && windowMilliseconds === 0))
        break;
      if (batch.length === 0) return batch;
      closesAt ??= clock.now() + windowMilliseconds;
    }
    return batch;
  }

  return {
    gather,
    hasBacklog: () => backlog,
    leftover: async () => (await Promise.all(carried.splice(0))).flat(),
  };
}
