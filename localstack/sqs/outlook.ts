/** The near future of a queue, for a clock that is turned: it leaves no message behind that is on its way, and sleeps through no delay. */

import type { Queue } from "./fauxqs.ts";
import { availableGroups } from "./long-poll.ts";

/** Whether a receive would take a message now. */
export function isReceivable(queue: Queue): boolean {
  queue.processTimers();
  return availableGroups(queue).length > 0;
}

/** When the next message ends its delay, or becomes visible again: epoch milliseconds, Infinity if none will. */
export function nextVisible(queue: Queue): number {
  const delayed = [...queue.delayedMessages, ...[...queue.fifoDelayed.values()].flat()];
  const times = [
    ...delayed.map(({ delayUntil = 0 }) => delayUntil),
    ...[...queue.inflightMessages.values()].map(({ visibilityDeadline }) => visibilityDeadline),
  ];
  return times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
}
