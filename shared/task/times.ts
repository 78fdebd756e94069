import { InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import type { ApplyOptions } from "./options.ts";

/** The earliest start, if it lies in the future. */
export function resolveEta(options: ApplyOptions, now: Date): Date | undefined {
  const { countdown, eta } = options;
  if (countdown !== undefined && eta !== undefined) {
    throw new InvalidOptionError("countdown", countdown, "either 'countdown' or 'eta', not both");
  }
  if (countdown !== undefined) {
    return countdown === 0 ? undefined : new Date(now.getTime() + countdown * 1_000);
  }
  if (eta === undefined) return undefined;
  const time = toTime("eta", eta);
  if (time.getTime() - now.getTime() > MAX_TIMER_SECONDS * 1_000) {
    throw new InvalidOptionError("eta", eta, `a time at most ${MAX_TIMER_SECONDS} seconds from now`);
  }
  return time > now ? time : undefined;
}

/** The latest start. */
export function resolveExpires(expires: ApplyOptions["expires"], now: Date): Date | undefined {
  if (expires === undefined) return undefined;
  if (typeof expires === "number") {
    if (!(expires > 0 && expires <= 34_560_000)) {
      throw new InvalidOptionError("expires", expires, "more than 0 and at most 34560000 seconds (400 days)");
    }
    return new Date(now.getTime() + expires * 1_000);
  }
  return toTime("expires", expires);
}

/** A time without a zone would mean another moment on each machine, so it is refused. */
function toTime(option: string, value: Date | string): Date {
  const time = typeof value === "string" ? (/(Z|[+-]\d\d:?\d\d)$/.test(value) ? new Date(value) : undefined) : value;
  if (!(time instanceof Date) || Number.isNaN(time.getTime())) {
    throw new InvalidOptionError(
      option,
      value,
      "a Date or an ISO-8601 time with its zone, such as 2026-11-22T08:00:00Z",
    );
  }
  return time;
}
