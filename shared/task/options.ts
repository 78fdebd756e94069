import { ConflictingOptionsError, InvalidOptionError, MissingOptionError, UnknownOptionError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { byteLength, toJsonText } from "../message/json.ts";
import {
  isKey,
  isMessageGroupId,
  isTag,
  KEY_EXPECTED,
  MESSAGE_GROUP_ID_EXPECTED,
  TAG_EXPECTED,
} from "../message/labels.ts";
import { resolveEta, resolveExpires } from "./times.ts";

/** Options of one call; the names and units are Celery's (https://docs.celeryq.dev/en/stable/userguide/calling.html). */
export type ApplyOptions = EveryCall & ((StartsAt & OnceAtMost) | Debounced);

/** When it may start. */
type StartsAt =
  | {
      /** Seconds from now before the task may start: 0 to 34,560,000 (400 days), to the second. */
      countdown?: number;
      eta?: never;
    }
  | {
      /** Earliest start, at most 400 days from now: a Date or an ISO-8601 time with its zone. One that has passed is at once. */
      eta?: Date | string;
      countdown?: never;
    };

/** Options that make one run of several calls. */
type OnceAtMost =
  | { idempotencyKey?: never; idempotencyExpires?: never; throttle?: never; debounce?: never }
  | {
      /**
       * Submits with the same key are one task for `idempotencyExpires`, and the first one's outcome is the outcome of all: also when
       * it has failed, expired or was revoked. To run it again replay it, or use a new key. The payload must be the same, in
       * whatever order its fields stand. At most 256 characters, compared as they are; kept per task name.
       */
      idempotencyKey: string;
      /**
       * Seconds that the key is remembered, up to 34,560,000 (400 days); the task's record is kept at least as long.
       * @defaultValue 86400, or `RESULT_EXPIRES` if that is less
       */
      idempotencyExpires?: number;
      throttle?: never;
      debounce?: never;
    }
  | {
      /**
       * Run the first call with this key, and none more within `period` seconds: those get the first one's handle, however that one
       * ended. Kept per task name.
       */
      throttle: { key: string; period: number };
      idempotencyKey?: never;
      idempotencyExpires?: never;
      debounce?: never;
    };

interface Debounced {
  /**
   * Wait until no call with this key has come for `wait` seconds, then run the newest alone: those before become REVOKED. A
   * burst that does not end runs after `maxWait` seconds. `expires` must come later than `wait`; the task's own `expires` counts
   * from the end of the wait. Kept per task name.
   */
  debounce: { key: string; wait: number; maxWait?: number };
  countdown?: never;
  eta?: never;
  idempotencyKey?: never;
  idempotencyExpires?: never;
  throttle?: never;
}

interface EveryCall {
  /**
   * Latest start: seconds from now, up to 34,560,000 (400 days), or a time; a task that comes later is REVOKED, not run. One that is
   * over before the task may start is refused.
   */
  expires?: number | Date | string;
  /** The queue to send to; queues with other weights are the priorities. @defaultValue the task's own */
  queue?: string;
  /** Up to 10 labels of at most 128 characters, by which many tasks can be revoked. */
  tags?: readonly string[];
  /** Metadata of your own for `ctx.headers`: up to 4 KB, texts only (Celery's `headers`). */
  headers?: Readonly<Record<string, string>>;
  /**
   * SQS's own name. On a FIFO queue, where it is needed: the group within which order is kept. On any other: the tenant,
   * between whom SQS shares the queue fairly. At most 128 letters, digits and punctuation characters.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
   */
  messageGroupId?: string;
  /** Seconds that one run may take, in the place of the task's own; more than the soft time limit. */
  timeLimit?: number;
  /** Seconds after which the run's `signal` aborts, in the place of the task's own. */
  softTimeLimit?: number;
  /** Do not store the result. @defaultValue the task's own */
  ignoreResult?: boolean;
}

/** Options with every time resolved. */
export interface ResolvedOptions extends CheckedOptions {
  eta: Date | undefined;
  expires: Date | undefined;
  queue: string;
}

/** Those that are taken as they are, once checked. */
type CheckedOptions = Omit<ApplyOptions, "countdown" | "eta" | "expires" | "queue">;

const QUEUE_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const MAX_TAGS = 10;
const MAX_HEADERS_BYTES = 4096;

/** One check for each option, so that a mistyped one, which would be a delay that never happens, is refused. */
const CHECKS: { [K in keyof Required<ApplyOptions>]: (value: unknown) => boolean | string } = {
  countdown: (value) => inSeconds(value, 0) || `0 to ${MAX_TIMER_SECONDS} seconds`,
  eta: () => true,
  expires: () => true,
  queue: (value) =>
    (typeof value === "string" && QUEUE_NAME.test(value)) || "a lower-case name of letters, digits and hyphens",
  idempotencyKey: (value) => isKey(value) || KEY_EXPECTED,
  idempotencyExpires: (value) => inSeconds(value, 1) || `1 to ${MAX_TIMER_SECONDS} seconds`,
  debounce: (value) =>
    (hasOnly(value, ["key", "wait", "maxWait"]) &&
      isKey(value.key) &&
      inSeconds(value.wait, 1) &&
      (value.maxWait === undefined || (inSeconds(value.maxWait, 1) && Number(value.maxWait) >= Number(value.wait)))) ||
    `{ key: ${KEY_EXPECTED}, wait: 1 second or more, maxWait?: not less than wait }`,
  throttle: (value) =>
    (hasOnly(value, ["key", "period"]) && isKey(value.key) && inSeconds(value.period, 1)) ||
    `{ key: ${KEY_EXPECTED}, period: 1 second or more }`,
  tags: (value) =>
    (Array.isArray(value) && value.length <= MAX_TAGS && value.every(isTag)) ||
    `up to ${MAX_TAGS} texts of ${TAG_EXPECTED}`,
  headers: (value) =>
    isHeaders(value) || `texts by name without a lone surrogate, together at most ${MAX_HEADERS_BYTES} bytes of JSON`,
  messageGroupId: (value) => isMessageGroupId(value) || MESSAGE_GROUP_ID_EXPECTED,
  timeLimit: (value) => isTimeLimit(value) || TIME_LIMIT_EXPECTED,
  softTimeLimit: (value) => isTimeLimit(value) || TIME_LIMIT_EXPECTED,
  ignoreResult: (value) => typeof value === "boolean" || "true or false",
};

/** Of these, one at most: each decides which call it is that runs. */
export const ONE_OF = ["idempotencyKey", "debounce", "throttle"] as const;

/** Options of a task, for a call that says nothing. */
interface TaskDefaults {
  queue: string;
  timeLimit: number | undefined;
  softTimeLimit: number | undefined;
}

/**
 * The caller may change its objects as soon as it has called, so nothing of them is kept.
 * @throws InvalidOptionError naming the option, its value and what is accepted
 */
export function resolveOptions(options: ApplyOptions, now: Date, task: TaskDefaults): ResolvedOptions {
  const { debounce, throttle, tags, headers, queue = task.queue, ...rest } = options;
  checkOptions({ ...options });
  checkTimeLimits(options, task);
  const eta = resolveEta(options, now);
  return {
    ...rest,
    ...(debounce && { debounce: { ...debounce } }),
    ...(throttle && { throttle: { ...throttle } }),
    ...(tags && { tags: [...tags] }),
    ...(headers && { headers: { ...headers } }),
    eta,
    expires: resolveExpires(options, eta, now),
    queue,
  };
}

/** @throws InvalidOptionError for a queue that the service does not have */
export function checkQueue(queue: string, queues: readonly string[]): void {
  if (!queues.includes(queue)) throw new InvalidOptionError("queue", queue, oneOfQueues(queues));
}

/** The condition of a queue's name, for a sentence. */
export function oneOfQueues(queues: readonly string[]): string {
  return `one of the service's queues (${queues.join(", ")})`;
}

/** A soft limit that comes after the hard one would never be noticed, whichever of the two the call has changed. */
function checkTimeLimits(call: ApplyOptions, task: TaskDefaults): void {
  if (call.timeLimit === undefined && call.softTimeLimit === undefined) return;
  const hard = call.timeLimit ?? task.timeLimit;
  const soft = call.softTimeLimit ?? task.softTimeLimit;
  if (hard === undefined || soft === undefined || soft < hard) return;
  if (call.softTimeLimit !== undefined) throw new InvalidOptionError("softTimeLimit", soft, lessThan(hard));
  const expected = `more than softTimeLimit, which is ${soft} seconds; give a 'softTimeLimit' beside it`;
  throw new InvalidOptionError("timeLimit", hard, expected);
}

/** The condition of a soft time limit, for a sentence. */
export function lessThan(timeLimit: number | undefined): string {
  return `less than timeLimit, which is ${timeLimit} seconds`;
}

/** Callers over HTTP, and those without types, may give what the types forbid. */
function checkOptions(given: Readonly<{ [Name in string]?: unknown }>): void {
  const known: Record<string, ((value: unknown) => boolean | string) | undefined> = CHECKS;
  for (const [name, value] of Object.entries(given)) {
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) throw new UnknownOptionError(name, Object.keys(CHECKS));
    const outcome = value === undefined || check(value);
    if (outcome !== true) throw new InvalidOptionError(name, value, String(outcome));
  }
  const [first, second] = ONE_OF.filter((name) => given[name] !== undefined);
  if (first && second) throw new ConflictingOptionsError(second, first, "each decides which of several calls runs");
  const delay = given.countdown !== undefined ? "countdown" : given.eta !== undefined ? "eta" : undefined;
  if (given.debounce && delay) throw new ConflictingOptionsError("debounce", delay, "each is a delay by itself");
  if (given.idempotencyExpires !== undefined && given.idempotencyKey === undefined) {
    throw new MissingOptionError("idempotencyKey", "'idempotencyExpires' says how long it is remembered");
  }
}

export const TIME_LIMIT_EXPECTED = "more than 0 and at most 900 seconds";

export function isTimeLimit(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value <= 900;
}

function inSeconds(value: unknown, least: number): boolean {
  return typeof value === "number" && value >= least && value <= MAX_TIMER_SECONDS;
}

function isHeaders(value: unknown): boolean {
  const plain = typeof value === "object" && value !== null && !Array.isArray(value);
  const isText = (one: unknown): boolean => typeof one === "string" && one.isWellFormed();
  if (!plain || !Object.entries(value).every((texts) => texts.every(isText))) return false;
  try {
    return byteLength(toJsonText(value)) <= MAX_HEADERS_BYTES;
  } catch {
    // A Map, or the Headers of a request, shows no values of its own.
    return false;
  }
}

/**
 * Refuses what no type would let through, and a program without types can give.
 * @param place where the options stand, such as `retry`
 * @throws InvalidOptionError for no object; UnknownOptionError naming the first that is not known
 */
export function checkNames(given: unknown, known: readonly string[], place = ""): void {
  if (given === undefined) return;
  if (typeof given !== "object" || given === null) {
    throw new InvalidOptionError(place || "options", given, `an object of ${known.join(", ")}`);
  }
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UnknownOptionError(place === "" ? unknown : `${place}.${unknown}`, known);
}

function hasOnly<Name extends string>(value: unknown, names: readonly Name[]): value is { [K in Name]?: unknown } {
  const known: readonly string[] = names;
  return typeof value === "object" && value !== null && Object.keys(value).every((name) => known.includes(name));
}
