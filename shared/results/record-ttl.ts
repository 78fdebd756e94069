/** How long a record is kept. */

import { neededUntil, UNFINISHED_SECONDS } from "../lifetimes.ts";
import type { Message } from "../message/message.ts";

/** A task whose record may have to be kept for a key. */
type Kept = Pick<Message, "keepUntil">;

/** Seconds since 1970. */
export interface Lifetime {
  /** When the record of a task that has ended now is no longer shown. */
  shown(message: Kept): number;
  /** When it may be deleted: no copy of its message may be on its way then, for that would run again. */
  final(message: Kept): number;
  /** When the record of a task that is to start at `eta`, or now, may be deleted. */
  unfinished(message: Kept, eta?: string): number;
}

export function createLifetime(options: { clock: () => Date; resultExpires: () => number }): Lifetime {
  /** An idempotency key must not outlive the record that it stands for. */
  const atLeast = ({ keepUntil }: Kept, seconds: number): number =>
    Math.max(seconds, keepUntil === undefined ? 0 : Math.ceil(Date.parse(keepUntil) / 1000));
  const now = (): number => options.clock().getTime();
  const shown = (message: Kept): number => atLeast(message, Math.floor(now() / 1000) + options.resultExpires());
  return {
    shown,
    final: (message) => Math.max(shown(message), Math.floor(now() / 1000) + UNFINISHED_SECONDS),
    unfinished: (message, eta) =>
      atLeast(message, Math.floor(neededUntil(options.clock(), eta === undefined ? undefined : new Date(eta)) / 1000)),
  };
}
