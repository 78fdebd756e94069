import { types } from "node:util";
import { ConflictingOptionsError, InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { isKnownTime, readTime, TIME_EXPECTED } from "../message/time.ts";

/** The options of a call that say when it may start. */
export interface TimeOptions {
  countdown?: number | undefined;
  eta?: Date | string | undefined;
  expires?: number | Date | string | undefined;
  debounce?: { wait: number } | undefined;
}

/** The earliest start, if it lies in the future. */
export function resolveEta(options: TimeOptions, now: Date): Date | undefined {
  const { countdown, eta } = options;
  if (countdown !== undefined && eta !== undefined) {
    throw new ConflictingOptionsError("countdown", "eta", "each says when the task may start");
  }
  if (countdown !== undefined) {
    return countdown === 0 ? undefined : secondsAfter(now, countdown);
  }
  if (eta === undefined) return undefined;
  const time = toTime("eta", eta);
  if (time.getTime() - now.getTime() > MAX_TIMER_SECONDS * 1000) {
    throw new InvalidOptionError("eta", eta, `a time at most ${MAX_TIMER_SECONDS} seconds from now`);
  }
  return time > now ? time : undefined;
}

/**
 * The latest start.
 * @throws InvalidOptionError for no time, and for one that is over before the task may start: it would never run
 */
export function resolveExpires({ expires, debounce }: TimeOptions, eta: Date | undefined, now: Date): Date | undefined {
  if (expires === undefined) return undefined;
  if (typeof expires === "number" && !isExpiry(expires)) {
    throw new InvalidOptionError("expires", expires, EXPIRY_EXPECTED);
  }
  const time = typeof expires === "number" ? secondsAfter(now, expires) : toTime("expires", expires);
  const start = eta ?? (debounce ? secondsAfter(now, debounce.wait) : now);
  if (time <= start) {
    const after = debounce ? `debounce's wait of ${debounce.wait} seconds` : eta ? "task's eta" : "call";
    throw new InvalidOptionError("expires", expires, `a time after the ${after}, for the task would never run`);
  }
  return time;
}

export const EXPIRY_EXPECTED = `more than 0 and at most ${MAX_TIMER_SECONDS} seconds (400 days)`;

export function isExpiry(seconds: unknown): boolean {
  return typeof seconds === "number" && seconds > 0 && seconds <= MAX_TIMER_SECONDS;
}

export function secondsAfter(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}

/** Whole seconds until `eta`, rounded up so that nothing starts early; 0 if it has passed. */
export function secondsUntil(eta: Date | undefined, now: Date): number {
  return eta === undefined ? 0 : Math.max(0, Math.ceil((eta.getTime() - now.getTime()) / 1000));
}

/** A time without a zone would mean another moment on each machine, so it is refused. */
function toTime(option: string, value: Date | string): Date {
  // A copy, for a Date can be set while the task is on its way; and one of another realm is a Date, too.
  const time =
    typeof value === "string" ? readTime(value) : types.isDate(value) ? new Date(value.getTime()) : undefined;
  if (time === undefined || !isKnownTime(time))
    throw new InvalidOptionError(option, value, `a Date or ${TIME_EXPECTED}`);
  return time;
}
