/** How long a record is kept. */

import type { Message } from "../message/message.ts";

/** A message that waits for longer than this has its record, and its payload, kept for longer. */
export const REFRESH_SECONDS = 5 * 86_400;

/**
 * How long an unfinished record is kept, so that no message outlives its record: a copy may be sent just before that is kept for longer,
 * SQS holds it for 14 days, and then some.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
 */
export const UNFINISHED_SECONDS = REFRESH_SECONDS + 15 * 86_400;

/** Seconds since 1970. */
export interface Lifetime {
  /** When the record of a task that has ended now is no longer shown. */
  shown(message: Message): number;
  /** When it may be deleted: no copy of its message may be on its way then, for that would run again. */
  final(message: Message): number;
  /** When the record of a task that is to start at `eta`, or now, may be deleted. */
  unfinished(message: Message, eta?: string): number;
}

export function createLifetime(options: { clock: () => Date; resultExpires: () => number }): Lifetime {
  /** An idempotency key must not outlive the record that it stands for. */
  const atLeast = ({ keepUntil }: Message, seconds: number): number =>
    Math.max(seconds, keepUntil === undefined ? 0 : Math.ceil(Date.parse(keepUntil) / 1_000));
  const now = (): number => options.clock().getTime();
  const shown = (message: Message): number => atLeast(message, Math.floor(now() / 1_000) + options.resultExpires());
  return {
    shown,
    final: (message) => Math.max(shown(message), Math.floor(now() / 1_000) + UNFINISHED_SECONDS),
    unfinished(message, eta) {
      const start = eta === undefined ? now() : Date.parse(eta);
      return atLeast(message, Math.floor(start / 1_000) + UNFINISHED_SECONDS);
    },
  };
}
