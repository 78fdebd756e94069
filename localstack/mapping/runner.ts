/**
 * Runs one batch through the function until it is taken, and settles it with the queue.
 *
 * Errors, throttling and reported failures: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */

import type { SQSEvent } from "aws-lambda";
import type { Clock } from "../clock.ts";
import type { InvocationResult } from "../lambda/sandbox.ts";
import type { PollerConcurrency } from "./concurrency.ts";
import type { MessageDeleter } from "./deleter.ts";
import { MAX_EVENT_BYTES, type PendingMessage } from "./gatherer.ts";
import { type BatchVerdict, readBatchResponse } from "./response.ts";

const FIRST_THROTTLE_DELAY_MILLISECONDS = 100;
const LONGEST_THROTTLE_DELAY_MILLISECONDS = 10_000;

/** Counted since the start. */
export interface BatchCounts {
  readonly invocations: number;
  readonly throttles: number;
  /** Batches of which nothing was deleted: function errors and malformed answers. */
  readonly failedBatches: number;
  /** Messages that their function reported as failed. */
  readonly reportedFailures: number;
  /** Messages left to the queue without a finished invocation: throttled for too long, or their FIFO group was busy or had failed. */
  readonly dropped: number;
  /** Invocations under way. */
  readonly running: number;
}

export interface BatchRunner {
  /** Settles when the batch is done with; never rejects. */
  run(messages: readonly PendingMessage[]): Promise<void>;
  counts(): BatchCounts;
}

export function createBatchRunner(options: {
  readonly functionName: string;
  readonly invoke: (functionName: string, event: SQSEvent) => Promise<InvocationResult>;
  readonly reportBatchItemFailures: boolean;
  readonly isFifo: boolean;
  readonly deleter: MessageDeleter;
  readonly concurrency: PollerConcurrency;
  /** Takes the messages that were not begun when the signal aborted. */
  readonly leave: (messages: readonly PendingMessage[]) => void;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}): BatchRunner {
  const { functionName, reportBatchItemFailures, isFifo, deleter, concurrency, leave, clock, log, signal } = options;
  const counts = { invocations: 0, throttles: 0, failedBatches: 0, reportedFailures: 0, dropped: 0, running: 0 };
  /** Answers with the messages that stay in the queue. */
  async function invokeUntilTaken(messages: readonly PendingMessage[]): Promise<readonly PendingMessage[]> {
    const visibleAtMilliseconds = Math.min(...messages.map((message) => message.visibleAtMilliseconds));
    const event: SQSEvent = { Records: messages.map(({ record }) => record) };
    for (
      let delayMilliseconds = FIRST_THROTTLE_DELAY_MILLISECONDS;
      ;
      delayMilliseconds = Math.min(delayMilliseconds * 2, LONGEST_THROTTLE_DELAY_MILLISECONDS)
    ) {
      const result = await invokeOnce(event);
      if (result.ok || result.throttled !== true) return settle(messages, result);
      counts.throttles += 1;
      concurrency.failed();
      if (clock.now() + delayMilliseconds >= visibleAtMilliseconds) {
        counts.dropped += messages.length;
        log(
          `${messages.length} message(s) were throttled until their visibility timeout: the queue delivers them again.`,
        );
        return messages;
      }
      await clock.sleep(delayMilliseconds, signal);
      if (signal.aborted) {
        leave(messages);
        return messages;
      }
    }
  }

  async function invokeOnce(event: SQSEvent): Promise<InvocationResult> {
    counts.invocations += 1;
    counts.running += 1;
    try {
      return await options.invoke(functionName, event);
    } catch (error) {
      return { ok: false, errorType: "Error", errorMessage: String(error) };
    } finally {
      counts.running -= 1;
    }
  }

  function judge(messages: readonly PendingMessage[], result: InvocationResult): BatchVerdict {
    const messageIds = messages.map(({ record }) => record.messageId);
    if (!result.ok) return { kind: "keep-all", reason: `${result.errorType}: ${result.errorMessage}` };
    return reportBatchItemFailures ? readBatchResponse(result.payload, messageIds) : { kind: "delete", messageIds };
  }

  async function settle(
    messages: readonly PendingMessage[],
    result: InvocationResult,
  ): Promise<readonly PendingMessage[]> {
    if (result.ok) concurrency.succeeded();
    // With reported failures AWS does not slow down, whatever the function does.
    else if (!reportBatchItemFailures) concurrency.failed();
    const verdict = judge(messages, result);
    if (verdict.kind === "keep-all") {
      counts.failedBatches += 1;
      log(
        `A batch of ${messages.length} failed and returns to the queue after its visibility timeout: ${verdict.reason}`,
      );
      return messages;
    }
    const deletable = new Set(verdict.messageIds);
    const kept = messages.filter(({ record }) => !deletable.has(record.messageId));
    counts.reportedFailures += kept.length;
    const deletion = deleter.delete(messages.filter(({ record }) => deletable.has(record.messageId)));
    // The slot is free while the queue is told; a FIFO group is not before it was.
    if (isFifo) await deletion;
    return kept;
  }

  const drop = (messages: readonly PendingMessage[]): void => {
    counts.dropped += messages.length;
  };
  const runGroups = createGroupRunner({ run: invokeUntilTaken, leave, drop, clock, signal });
  const runAll = async (messages: readonly PendingMessage[]): Promise<void> => {
    await invokeUntilTaken(messages);
  };
  return { run: isFifo ? runGroups : runAll, counts: () => ({ ...counts }) };
}

/**
 * Runs the batches of a FIFO queue so that each group keeps its order and never has two invocations at once. One batch may
 * hold several groups. A message whose group is busy was released by the running function, or outlived its visibility timeout:
 * it waits until the group is free, as long as it stays received.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */
function createGroupRunner(options: {
  /** Runs one event; answers with the messages that stay in the queue. */
  readonly run: (messages: readonly PendingMessage[]) => Promise<readonly PendingMessage[]>;
  /** Takes the messages that were not begun when the signal aborted. */
  readonly leave: (messages: readonly PendingMessage[]) => void;
  /** Takes the messages that are left to the queue, which delivers them again. */
  readonly drop: (messages: readonly PendingMessage[]) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): (messages: readonly PendingMessage[]) => Promise<void> {
  const { run, leave, drop, clock, signal } = options;
  /** Each resolves when its group is free. */
  const busyGroups = new Map<string, Promise<void>>();

  async function occupyGroups(messages: readonly PendingMessage[]): Promise<readonly PendingMessage[]> {
    const groups = groupsOf(messages);
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const group of groups) busyGroups.set(group, promise);
    try {
      return await run(messages);
    } finally {
      for (const group of groups) busyGroups.delete(group);
      resolve();
    }
  }

  /** Waits until one of the groups is free, or one of the messages is in the queue again. */
  async function waitForGroup(messages: readonly PendingMessage[]): Promise<void> {
    const timer = new AbortController();
    const lapsesInMilliseconds =
      Math.min(...messages.map(({ visibleAtMilliseconds }) => visibleAtMilliseconds)) - clock.now();
    const lapsed = clock.sleep(lapsesInMilliseconds, AbortSignal.any([signal, timer.signal]));
    await Promise.race([lapsed, ...[...groupsOf(messages)].map((group) => busyGroups.get(group))]);
    timer.abort();
  }

  return async (messages) => {
    let rest = messages;
    while (rest.length > 0 && !signal.aborted) {
      const now = clock.now();
      drop(rest.filter(({ visibleAtMilliseconds }) => visibleAtMilliseconds <= now));
      rest = rest.filter(({ visibleAtMilliseconds }) => visibleAtMilliseconds > now);
      const event = fitIntoEvent(rest.filter((message) => !busyGroups.has(groupOf(message))));
      if (event.length === 0) {
        if (rest.length > 0) await waitForGroup(rest);
        continue;
      }
      const failedGroups = groupsOf(await occupyGroups(event));
      const left = rest.filter((message) => !event.includes(message));
      if (signal.aborted) return leave(left);
      // The queue gives these again, after the ones that failed before them.
      drop(left.filter((message) => failedGroups.has(groupOf(message))));
      rest = left.filter((message) => !failedGroups.has(groupOf(message)));
    }
    leave(rest);
  };
}

function groupOf({ record }: PendingMessage): string {
  return record.attributes.MessageGroupId ?? "";
}

function groupsOf(messages: readonly PendingMessage[]): Set<string> {
  return new Set(messages.map(groupOf));
}

/** As many of the first messages as one invocation may carry, and one at least. */
function fitIntoEvent(messages: readonly PendingMessage[]): readonly PendingMessage[] {
  let bytes = 0;
  const tooMuch = messages.findIndex((message, index) => {
    bytes += message.bytes;
    return index > 0 && bytes > MAX_EVENT_BYTES;
  });
  return tooMuch < 0 ? messages : messages.slice(0, tooMuch);
}
