import { InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../timers/timers.ts";

/** Options of one call; the names and units are Celery's (https://docs.celeryq.dev/en/stable/userguide/calling.html). */
export interface ApplyOptions {
  /** Seconds from now before the task may start: 0 to 34,560,000 (400 days), to the second. */
  countdown?: number;
  /** Earliest start, at most 400 days from now: a Date or an ISO-8601 time with its zone. Not together with `countdown`. */
  eta?: Date | string;
  /** Latest start, in seconds from now or as a time; a task that comes later is REVOKED, not run. */
  expires?: number | Date | string;
  /** The queue to send to. @defaultValue the task's own */
  queue?: string;
  /** Submits with the same key within 24 hours (or `RESULT_EXPIRES`, if that is less) are one task. At most 256 characters; kept per task name. */
  idempotencyKey?: string;
}

/** Options with every time resolved. */
export interface ResolvedOptions {
  eta: Date | undefined;
  expires: Date | undefined;
  queue: string;
  idempotencyKey: string | undefined;
}

const QUEUE_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const KNOWN = ["countdown", "eta", "expires", "queue", "idempotencyKey"];

/** @throws InvalidOptionError naming the option, its value and what is accepted */
export function resolveOptions(options: ApplyOptions, now: Date, taskQueue: string): ResolvedOptions {
  for (const name of Object.keys(options)) {
    // A mistyped option would be a delay that never happens.
    if (!KNOWN.includes(name)) throw new InvalidOptionError(name, undefined, `one of ${KNOWN.join(", ")}`);
  }
  const eta = resolveEta(options, now);
  const expires = resolveExpires(options.expires, now);
  if (eta && expires && expires <= eta) {
    throw new InvalidOptionError("expires", options.expires, "a time after the task's eta");
  }
  const queue = options.queue ?? taskQueue;
  if (!QUEUE_NAME.test(queue)) {
    throw new InvalidOptionError("queue", queue, "a lower-case name of letters, digits and hyphens");
  }
  const key = options.idempotencyKey;
  if (key !== undefined && (typeof key !== "string" || key.length === 0 || key.length > 256)) {
    throw new InvalidOptionError("idempotencyKey", key, "1 to 256 characters");
  }
  return { eta, expires, queue, idempotencyKey: key };
}

function resolveEta(options: ApplyOptions, now: Date): Date | undefined {
  const { countdown, eta } = options;
  if (countdown !== undefined && eta !== undefined) {
    throw new InvalidOptionError("countdown", countdown, "either 'countdown' or 'eta', not both");
  }
  if (countdown !== undefined) {
    if (typeof countdown !== "number" || !(countdown >= 0 && countdown <= MAX_TIMER_SECONDS)) {
      throw new InvalidOptionError("countdown", countdown, `0 to ${MAX_TIMER_SECONDS} seconds`);
    }
    return countdown === 0 ? undefined : new Date(now.getTime() + countdown * 1_000);
  }
  if (eta === undefined) return undefined;
  const time = toTime("eta", eta);
  if (time.getTime() - now.getTime() > MAX_TIMER_SECONDS * 1_000) {
    throw new InvalidOptionError("eta", eta, `a time at most ${MAX_TIMER_SECONDS} seconds from now`);
  }
  return time > now ? time : undefined;
}

function resolveExpires(expires: ApplyOptions["expires"], now: Date): Date | undefined {
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
