import { InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../timers/timers.ts";

/** Any error class: `on: [SmtpError]`. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * When and how often a failed task runs again. Defaults are Celery's where it has one
 * (https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions).
 */
export interface RetryOptions {
  /** Runs after the first, 0–100. @defaultValue 3 */
  maxRetries?: number;
  backoff?: {
    /** Seconds before the first retry; doubles with each. @defaultValue 1 */
    base?: number;
    /** Longest delay in seconds, up to 400 days. @defaultValue 600 */
    max?: number;
    /** Draw the delay at random from 0 to its full length, so that failures do not come back as a crowd. @defaultValue true */
    jitter?: boolean;
  };
  /** Retry only these (Celery's `autoretry_for`). @defaultValue every error */
  on?: readonly ErrorClass[];
  /** Never retry these (Celery's `dont_autoretry_for`). @defaultValue none */
  notOn?: readonly ErrorClass[];
}

/** A retry policy with its defaults filled in. */
export interface RetryPolicy {
  /** Whether an error alone brings another run; without, only `ctx.retry()` does. */
  automatic: boolean;
  maxRetries: number;
  base: number;
  max: number;
  jitter: boolean;
  on: readonly ErrorClass[] | undefined;
  notOn: readonly ErrorClass[];
}

/** A task without `retry` fails at its first error; `ctx.retry()` may still ask for three more runs, as in Celery. */
const NO_RETRY: RetryPolicy = {
  automatic: false,
  maxRetries: 3,
  base: 1,
  max: 600,
  jitter: true,
  on: undefined,
  notOn: [],
};

/** @throws InvalidOptionError for a number out of range */
export function toRetryPolicy(options: RetryOptions | undefined): RetryPolicy {
  if (options === undefined) return NO_RETRY;
  const policy: RetryPolicy = {
    automatic: true,
    maxRetries: options.maxRetries ?? 3,
    base: options.backoff?.base ?? 1,
    max: options.backoff?.max ?? 600,
    jitter: options.backoff?.jitter ?? true,
    on: options.on,
    notOn: options.notOn ?? [],
  };
  if (!Number.isSafeInteger(policy.maxRetries) || policy.maxRetries < 0 || policy.maxRetries > 100) {
    throw new InvalidOptionError("retry.maxRetries", policy.maxRetries, "a whole number from 0 to 100");
  }
  if (!(policy.base >= 0 && policy.base <= MAX_TIMER_SECONDS)) {
    throw new InvalidOptionError("retry.backoff.base", policy.base, `0 to ${MAX_TIMER_SECONDS} seconds`);
  }
  if (!(policy.max >= 0 && policy.max <= MAX_TIMER_SECONDS)) {
    throw new InvalidOptionError("retry.backoff.max", policy.max, `0 to ${MAX_TIMER_SECONDS} seconds`);
  }
  return policy;
}

/**
 * Seconds before attempt `attempt + 1`: exponential, capped, with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 * @param random a number from 0 up to, but not including, 1
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: () => number): number {
  const full = Math.min(policy.max, policy.base * 2 ** Math.min(attempt - 1, 30));
  return policy.jitter ? random() * full : full;
}

/** Whether this error brings another run by itself. */
export function isRetryable(policy: RetryPolicy, error: unknown): boolean {
  if (!policy.automatic || policy.notOn.some((type) => error instanceof type)) return false;
  return policy.on === undefined || policy.on.some((type) => error instanceof type);
}
