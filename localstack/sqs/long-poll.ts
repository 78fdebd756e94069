/**
 * Long polling in front of fauxqs.
 *
 * fauxqs wakes every waiting receive for each message, and the losers answer empty at once; and a receive whose client has
 * gone away still takes a message, which is then invisible until its timeout ends. Here waiting receives stand in a line:
 * as many are let through as there are messages for them, and one that is given up leaves the line.
 */
import type { Queue } from "./fauxqs.ts";

interface Waiter {
  readonly maxMessages: number;
  readonly release: () => void;
}

/** fauxqs's own wait needs a bound; the line asks again. */
const BELL_SECONDS = 20;

export class LongPolls {
  readonly #lines = new Map<Queue, Set<Waiter>>();
  #closed = false;

  /**
   * Resolves when there are messages to take, when `seconds` have passed, when the caller goes or when the polls are closed.
   * @param maxMessages as many messages as the caller will take, so that they are not promised to the next in line too
   * @param gone the signal that the caller goes, asked for when it has to wait
   * @returns whether the caller is still there
   */
  async wait(queue: Queue, seconds: number, maxMessages: number, gone: () => AbortSignal): Promise<boolean> {
    if (seconds <= 0 || this.#closed || availableGroups(queue).length > 0) return true;
    queue.processTimers();
    if (availableGroups(queue).length > 0) return true;
    const signal = gone();
    if (signal.aborted) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const release = () => resolve();
    const waiter = { maxMessages, release };
    const timer = setTimeout(release, seconds * 1000);
    signal.addEventListener("abort", release, { once: true });
    this.#join(queue, waiter);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", release);
    this.#lines.get(queue)?.delete(waiter);
    return !signal.aborted;
  }

  /** Lets every waiting receive answer now. */
  close(): void {
    this.#closed = true;
    for (const line of this.#lines.values()) releaseAll(line);
  }

  #join(queue: Queue, waiter: Waiter): void {
    const line = this.#lines.get(queue);
    if (line !== undefined) {
      line.add(waiter);
      return;
    }
    const started = new Set([waiter]);
    this.#lines.set(queue, started);
    void this.#attend(queue, started);
  }

  /** Runs while anybody waits on the queue; fauxqs rings when a message is sent, becomes visible or ends its delay. */
  async #attend(queue: Queue, line: Set<Waiter>): Promise<void> {
    while (line.size > 0 && !this.#closed) {
      await queue.waitForMessages(BELL_SECONDS);
      queue.processTimers();
      const groups = availableGroups(queue);
      for (const waiter of line) {
        if (groups.length === 0) break;
        takeShare(groups, waiter.maxMessages, queue.isFifo());
        line.delete(waiter);
        waiter.release();
      }
    }
    this.#lines.delete(queue);
    releaseAll(line);
  }
}

function releaseAll(line: Set<Waiter>): void {
  for (const waiter of line) waiter.release();
  line.clear();
}

/** How many messages each group has for a receive. A standard queue is one group; in a FIFO queue, one with messages in flight has none. */
export function availableGroups(queue: Queue): number[] {
  if (!queue.isFifo()) return queue.messages.length > 0 ? [queue.messages.length] : [];
  const open = [...queue.fifoMessages].filter(([group]) => !queue.fifoLockedGroups.has(group));
  return open.map(([, messages]) => messages.length).filter((count) => count > 0);
}

/** Takes away what one receive will. The messages that it leaves in a FIFO group are locked. */
function takeShare(groups: number[], maxMessages: number, isFifo: boolean): void {
  for (let room = maxMessages; room > 0 && groups.length > 0; ) {
    const count = groups.shift() ?? 0;
    if (count > room && !isFifo) groups.unshift(count - room);
    room -= count;
  }
}
