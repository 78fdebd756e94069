/**
 * Deletes processed messages, ten to a call, and does not give up easily: a message that was processed and is not deleted runs twice.
 *
 * While a call is under way further messages gather, so that small batches share calls without waiting for each other.
 */

import type { Clock } from "../clock.ts";
import type { QueueCalls } from "./queue-calls.ts";
import { errorText } from "./receiver.ts";

/** SQS's limit: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html */
const MAX_ENTRIES = 10;
const MAX_CALLS = 4;
const FIRST_DELAY_MILLISECONDS = 100;
const LONGEST_DELAY_MILLISECONDS = 2000;
const ATTEMPTS_WHEN_CLOSING = 3;

export interface DeletableMessage {
  readonly receiptHandle: string;
  /** When the message becomes visible again, after which deleting it is of no use. */
  readonly visibleAtMilliseconds: number;
}

export interface MessageDeleter {
  /** Settles when the messages are deleted or given up; never rejects. */
  delete(messages: readonly DeletableMessage[]): Promise<void>;
  deleted(): number;
  /** Waits for what is under way, with little patience for a queue that does not answer. */
  close(): Promise<void>;
}

interface Entry extends DeletableMessage {
  readonly done: () => void;
}

export function createMessageDeleter(options: {
  readonly queue: QueueCalls;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}): MessageDeleter {
  const { queue, clock, log } = options;
  const waiting: Entry[] = [];
  const calls = new Set<Promise<void>>();
  let deleted = 0;
  let closing = false;

  function pump(): void {
    while (waiting.length > 0 && (calls.size === 0 || (waiting.length >= MAX_ENTRIES && calls.size < MAX_CALLS))) {
      const call = deleteUntilDone(waiting.splice(0, MAX_ENTRIES)).finally(() => {
        calls.delete(call);
        pump();
      });
      calls.add(call);
    }
  }

  /** One call; answers what must be tried again, and why. */
  async function deleteOnce(entries: readonly Entry[]): Promise<{ left: Entry[]; reason: string }> {
    try {
      const failed = await queue.delete(entries.map(({ receiptHandle }) => receiptHandle));
      const failures = new Map(failed.map((failure) => [failure.Id, failure]));
      const left: Entry[] = [];
      for (const [index, entry] of entries.entries()) {
        const failure = failures.get(String(index));
        // The sender's fault is an expired receipt: the message is somebody else's by now.
        if (failure?.SenderFault === false) left.push(entry);
        else entry.done();
        if (failure === undefined) deleted += 1;
        else if (failure.SenderFault !== false)
          log(`A message was not deleted: ${failure.Code} ${failure.Message ?? ""}`);
      }
      return { left, reason: `${failed[0]?.Code} ${failed[0]?.Message ?? ""}` };
    } catch (error) {
      return { left: [...entries], reason: errorText(error) };
    }
  }

  async function deleteUntilDone(entries: readonly Entry[]): Promise<void> {
    let delayMilliseconds = FIRST_DELAY_MILLISECONDS;
    let { left, reason } = await deleteOnce(entries);
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const resume = clock.now() + delayMilliseconds;
      const hopeless = left.filter(
        (entry) => resume >= entry.visibleAtMilliseconds || (closing && attempt >= ATTEMPTS_WHEN_CLOSING),
      );
      if (hopeless.length > 0) {
        log(`${hopeless.length} processed message(s) could not be deleted and will be delivered again: ${reason}`);
      }
      for (const entry of hopeless) entry.done();
      const rest = left.filter((entry) => !hopeless.includes(entry));
      if (rest.length === 0) return;
      await clock.sleep(delayMilliseconds);
      delayMilliseconds = Math.min(delayMilliseconds * 2, LONGEST_DELAY_MILLISECONDS);
      ({ left, reason } = await deleteOnce(rest));
    }
  }

  return {
    deleted: () => deleted,
    async delete(messages) {
      const settled = messages.map(({ receiptHandle, visibleAtMilliseconds }) => {
        return new Promise<void>((done) => waiting.push({ receiptHandle, visibleAtMilliseconds, done }));
      });
      pump();
      await Promise.all(settled);
    },
    async close() {
      closing = true;
      while (calls.size > 0) await Promise.all(calls);
    },
  };
}

/**
 * Makes messages visible again that were received and not begun, as far as the queue listens. A kindness that AWS does not have:
 * after a restart they need not wait for their visibility timeout.
 */
export async function handBackMessages(queue: QueueCalls, messages: readonly DeletableMessage[]): Promise<void> {
  for (let start = 0; start < messages.length; start += MAX_ENTRIES) {
    const handles = messages.slice(start, start + MAX_ENTRIES).map(({ receiptHandle }) => receiptHandle);
    await queue.release(handles).catch(() => {});
  }
}
