/**
 * Runs the batches of a FIFO queue so that each group keeps its order and never has two invocations at once. One batch may
 * hold several groups. A message whose group is busy was released by the running function, or outlived its visibility timeout:
 * it waits until the group is free, as long as it stays received.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 */

import type { Clock } from "../clock.ts";
import { MAX_EVENT_BYTES, type PendingMessage } from "./gatherer.ts";

export function createGroupRunner(options: {
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
