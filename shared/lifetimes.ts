/**
 * How long things are kept, in seconds: one table, in which each follows from those above it, so that they nest. A record outlives every
 * message that may still ask for its task, for without it a task would run again that has ended; a payload and a ledger outlive the
 * record's task.
 */

const DAY = 86_400;

/** SQS keeps a message. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html */
export const RETENTION_SECONDS = 14 * DAY;

/** A message that waits for longer than this has its record, and its payload, kept for longer. */
export const REFRESH_SECONDS = 5 * DAY;

/** The things that a task needs are kept from the time when it may start: a copy may be sent just before that is kept for longer, and then some. */
export const UNFINISHED_SECONDS = REFRESH_SECONDS + RETENTION_SECONDS + DAY;

/** The longest delay. */
export const MAX_TIMER_SECONDS = 400 * DAY;

/** The `timers` function may be stopped for so long: a timer that is later ends its task instead of sending it. */
export const MAX_LATE_SECONDS = 30 * DAY;

/** After this a message that was sent now is no longer on its way. An entry of `ctx.once` is kept as long: it outlives the longest wait for a retry. */
export const UNDER_WAY_SECONDS = MAX_TIMER_SECONDS + MAX_LATE_SECONDS + UNFINISHED_SECONDS;

/** A timer is kept for so long past its time, for a function that is stopped: much longer than it would still be sent. */
export const TIMER_SECONDS = 400 * DAY;

/** Epoch milliseconds until which a task that starts now, or at `eta`, needs what it has. A wait that is no timer's is within SQS. */
export function neededUntil(now: Date, eta?: Date): number {
  const start = Math.max(now.getTime(), eta?.getTime() ?? 0);
  const byTimer = start > now.getTime() + 900_000;
  return start + (UNFINISHED_SECONDS + (byTimer ? MAX_LATE_SECONDS : 0)) * 1000;
}

/** An operator's act is kept in the audit trail. */
export const AUDIT_SECONDS = 90 * DAY;

/** A bulk act is kept after its last step, with the outcome of each task, for as long as the trail that names it. */
export const BULK_SECONDS = 90 * DAY;

/** A group of failures is kept after the last of them. */
export const FAILURE_GROUP_SECONDS = 90 * DAY;

/** Counts are kept: a week, and the day that is not over. */
export const COUNT_SECONDS = 8 * DAY;
