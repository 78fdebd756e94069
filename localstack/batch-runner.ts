/**
 * Runs one batch through the function until it is taken, and settles it with the queue.
 *
 * Errors, throttling and reported failures: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */

import type { SQSEvent } from "aws-lambda";
import type { PendingMessage } from "./batch-gatherer.ts";
import { type BatchVerdict, readBatchResponse } from "./batch-response.ts";
import type { Clock } from "./clock.ts";
import type { MessageDeleter } from "./message-deleter.ts";
import type { PollerConcurrency } from "./poller-concurrency.ts";
import type { InvocationResult } from "./sandbox.ts";

const FIRST_THROTTLE_DELAY_MS = 100;
const LONGEST_THROTTLE_DELAY_MS = 10_000;

/** Counted since the start. */
export interface BatchCounts {
  readonly invocations: number;
  readonly throttles: number;
  /** Batches of which nothing was deleted: function errors and malformed answers. */
  readonly failedBatches: number;
  /** Messages that their function reported as failed. */
  readonly reportedFailures: number;
  /** Messages left to the queue without a finished invocation: throttled for too long, or their FIFO group was busy. */
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
  const busyGroups = new Set<string>();
  const groupOf = ({ record }: PendingMessage): string => record.attributes.MessageGroupId ?? "";

  async function runGroups(messages: readonly PendingMessage[]): Promise<void> {
    // A queue that keeps to AWS's rules gives nothing of a busy group, unless a visibility timeout has passed meanwhile.
    const free = messages.filter((message) => !busyGroups.has(groupOf(message)));
    counts.dropped += messages.length - free.length;
    const groups = new Set(free.map(groupOf));
    for (const group of groups) busyGroups.add(group);
    if (free.length > 0) await invokeUntilTaken(free);
    for (const group of groups) busyGroups.delete(group);
  }

  async function invokeUntilTaken(messages: readonly PendingMessage[]): Promise<void> {
    const visibleAtMs = Math.min(...messages.map((message) => message.visibleAtMs));
    const event: SQSEvent = { Records: messages.map(({ record }) => record) };
    for (let delayMs = FIRST_THROTTLE_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_THROTTLE_DELAY_MS)) {
      const result = await invokeOnce(event);
      if (result.ok || result.throttled !== true) return settle(messages, result);
      counts.throttles += 1;
      concurrency.failed();
      if (clock.now() + delayMs >= visibleAtMs) {
        counts.dropped += messages.length;
        log(
          `${messages.length} message(s) were throttled until their visibility timeout: the queue delivers them again.`,
        );
        return;
      }
      await clock.sleep(delayMs, signal);
      if (signal.aborted) return leave(messages);
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

  async function settle(messages: readonly PendingMessage[], result: InvocationResult): Promise<void> {
    if (result.ok) concurrency.succeeded();
    // With reported failures AWS does not slow down, whatever the function does.
    else if (!reportBatchItemFailures) concurrency.failed();
    const verdict = judge(messages, result);
    if (verdict.kind === "keep-all") {
      counts.failedBatches += 1;
      log(
        `A batch of ${messages.length} failed and returns to the queue after its visibility timeout: ${verdict.reason}`,
      );
      return;
    }
    const deletable = new Set(verdict.messageIds);
    const deleted = messages.filter(({ record }) => deletable.has(record.messageId));
    counts.reportedFailures += messages.length - deleted.length;
    const deletion = deleter.delete(deleted);
    // The slot is free while the queue is told; a FIFO group is not before it was.
    if (isFifo) await deletion;
  }

  return { run: isFifo ? runGroups : invokeUntilTaken, counts: () => ({ ...counts }) };
}
