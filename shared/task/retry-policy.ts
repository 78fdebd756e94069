import { InvalidOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { checkNames } from "./options.ts";

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
  checkNames(options, ["maxRetries", "backoff", "on", "notOn"], "retry");
  checkNames(options.backoff, ["base", "max", "jitter"], "retry.backoff");
  checkClasses("retry.on", options.on);
  checkClasses("retry.notOn", options.notOn);
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

/** Whether this error brings another run by itself. Never throws, whatever was thrown. */
export function isRetryable(policy: RetryPolicy, error: unknown): boolean {
  if (!policy.automatic || isOneOf(policy.notOn, error)) return false;
  return policy.on === undefined || isOneOf(policy.on, error);
}

/** Whether `error` is of one of these classes. Never throws: a thrown Proxy may refuse to be asked. */
export function isOneOf(classes: readonly ErrorClass[], error: unknown): boolean {
  return classes.some((type) => {
    try {
      return error instanceof type;
    } catch {
      return false;
    }
  });
}

/** @throws InvalidOptionError for what is no class, such as the `undefined` that modules which import each other leave */
export function checkClasses(option: string, classes: readonly ErrorClass[] = []): void {
  if (!Array.isArray(classes)) throw new InvalidOptionError(option, classes, "a list of error classes");
  for (const [index, type] of classes.entries()) {
    if (typeof type === "function" && typeof type.prototype === "object") continue;
    const expected =
      "an error class (one that is undefined comes from modules that import each other: break the circle)";
    throw new InvalidOptionError(`${option}[${index}]`, type, expected);
  }
}
