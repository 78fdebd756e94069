/**
 * Receives messages and outlives the queue's outages: whatever goes wrong it tries again, more and more slowly, and says so once.
 */

import type { Message } from "@aws-sdk/client-sqs";
import type { Clock } from "../clock.ts";
import type { QueueCalls } from "./queue-calls.ts";

const FIRST_DELAY_MILLISECONDS = 100;
const LONGEST_DELAY_MILLISECONDS = 3000;
/** An endpoint that answers a long poll at once with nothing would otherwise be asked thousands of times a second. */
const EARLY_EMPTY_DELAY_MILLISECONDS = 10;
const LONGEST_EARLY_EMPTY_DELAY_MILLISECONDS = 1000;

export interface MessageReceiver {
  /** Up to `count` (1–10) messages, waiting up to `waitSeconds` (0–20) for the first; nothing once the signal has aborted. Never rejects. */
  receive(count: number, waitSeconds: number): Promise<Message[]>;
  polls(): number;
  outages(): number;
}

/** An error's code and text on one line; a connection error of several addresses has its text inside. */
export function errorText(error: unknown): string {
  const first: unknown = error instanceof AggregateError && error.message === "" ? error.errors[0] : error;
  return first instanceof Error ? `${first.name}: ${first.message}` : String(first);
}

export function createMessageReceiver(options: {
  readonly queue: QueueCalls;
  readonly queueUrl: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): MessageReceiver {
  const { queueUrl, clock, log, signal } = options;
  const queueName = queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
  let polls = 0;
  let outages = 0;
  let outage: { since: number; delayMilliseconds: number; told: Set<string> } | undefined;
  let earlyEmptyDelayMilliseconds = 0;

  async function poll(count: number, waitSeconds: number): Promise<Message[]> {
    polls += 1;
    return options.queue.receive(count, waitSeconds, signal);
  }

  function recovered(): void {
    if (outage === undefined) return;
    log(`Queue '${queueName}' answers again after ${((clock.now() - outage.since) / 1000).toFixed(1)} s.`);
    outage = undefined;
  }

  async function failed(error: unknown): Promise<void> {
    if (outage === undefined) {
      outage = { since: clock.now(), delayMilliseconds: FIRST_DELAY_MILLISECONDS, told: new Set() };
      outages += 1;
    }
    const name = error instanceof Error ? error.name : "";
    if (!outage.told.has(name)) {
      outage.told.add(name);
      log(`Queue '${queueName}' cannot be polled (${errorText(error)}): trying again until it can.`);
    }
    const { delayMilliseconds } = outage;
    outage.delayMilliseconds = Math.min(delayMilliseconds * 2, LONGEST_DELAY_MILLISECONDS);
    await clock.sleep(delayMilliseconds, signal);
  }

  async function restAfter(isEarlyEmpty: boolean): Promise<void> {
    const delayMilliseconds = earlyEmptyDelayMilliseconds;
    earlyEmptyDelayMilliseconds = isEarlyEmpty
      ? Math.min(delayMilliseconds * 2 + EARLY_EMPTY_DELAY_MILLISECONDS, LONGEST_EARLY_EMPTY_DELAY_MILLISECONDS)
      : 0;
    if (isEarlyEmpty) await clock.sleep(delayMilliseconds, signal);
  }

  return {
    polls: () => polls,
    outages: () => outages,
    async receive(count, waitSeconds) {
      while (!signal.aborted) {
        const startedAt = clock.now();
        try {
          const messages = await poll(count, waitSeconds);
          recovered();
          await restAfter(messages.length === 0 && clock.now() - startedAt < waitSeconds * 500);
          return messages;
        } catch (error) {
          if (!signal.aborted) await failed(error);
        }
      }
      return [];
    },
  };
}
