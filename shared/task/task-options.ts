/** The options of a task, as its module gives them. The options of a call are in options.ts. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidOptionError } from "../errors.ts";
import { isConcurrency, MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { parseRateLimit } from "../limits/rate-limit.ts";
import { isTag, TAG_EXPECTED } from "../message/labels.ts";
import type { TaskContext } from "./context.ts";
import { checkNames, isTimeLimit, lessThan, TIME_LIMIT_EXPECTED } from "./options.ts";
import { isSchema, type Sendable } from "./payload.ts";
import type { KeyOptions } from "./payload-keys.ts";
import type { Returnable, Stored } from "./result.ts";
import { checkClasses, type ErrorClass, type RetryOptions } from "./retry-policy.ts";
import { checkSecrets, type SecretPlace } from "./secrets.ts";
import { EXPIRY_EXPECTED, isExpiry } from "./times.ts";
import type { Versions } from "./versions.ts";

export interface TaskOptions<
  Schema extends StandardSchemaV1,
  Result,
  Returns extends StandardSchemaV1 = never,
  Older extends readonly StandardSchemaV1[] = readonly [],
> extends KeyOptions<StandardSchemaV1.InferOutput<Schema>> {
  /** Unique in the service; part of messages and URLs. A task that gets another name keeps the old one in `aliases`. */
  name: string;
  /** Names that the task had before: tasks that were sent under one of them run as this task. @defaultValue none */
  aliases?: readonly string[];
  /**
   * Any Standard Schema (zod, valibot, arktype, …): checked where the task is sent and again where it runs, each time in the form that
   * JSON gives it. One that accepts nothing that JSON can hold, such as `z.date()`, does not compile. Where it throws, the caller gets
   * an InvalidPayloadError, and a run an error like any other. @defaultValue none: the task is called as `delay()`, and runs with `null`
   */
  payload?: Schema & Sendable<Schema>;
  /**
   * Any Standard Schema: takes the value that `run` returns, as it is, and gives the one that is stored, by its types for callers and in the
   * contract. A value that it refuses ends the task as a FAILURE (`RESULT_INVALID`), and so does a schema that throws; neither is retried,
   * for the work is done. @defaultValue none: what `run` returns, `unknown` in the contract
   */
  result?: Returns & Returnable<Returns, NoInfer<Result>>;
  /**
   * The versions that the payload had before, oldest first: the schema of each, and an `upgrade` that makes of such a payload what the next
   * one takes. A payload that was sent in an older version is upgraded whenever it is read, and stays as it was sent. `payload` is the version
   * after the last of these (docs/upgrading.md). @defaultValue none
   */
  versions?: Versions<Older, Schema>;
  /** The number of the first of `versions`, where older ones were taken out; a payload older than that fails. @defaultValue 1 */
  oldestVersion?: number;
  /** The queue that its messages go to. @defaultValue default */
  queue?: string;
  /** Without it a task fails at its first error. */
  retry?: RetryOptions;
  /**
   * Seconds that one run may take, then it ends as a FAILURE (`TASK_TIME_LIMIT`) and is not retried; at most what its function has.
   * @defaultValue the function's own time-out
   */
  timeLimit?: number;
  /**
   * Seconds after which the run's `signal` aborts. The run may still end well, send tasks and store a result until
   * `timeLimit`; if it throws the signal's reason, that is an error like any other. @defaultValue none
   */
  softTimeLimit?: number;
  /** Seconds after its `eta`, or after the wait of its `debounce`, after which a task that has not started is REVOKED instead of run. */
  expires?: number;
  /**
   * Starts of this task over all workers: `"100/m"`, `"10/s"`, `"500/h"`, or a number a second; at most 1,000 a second. A call that comes
   * faster waits its turn, evenly spaced, without using up an attempt. An idle task may start one second's worth at once.
   */
  rateLimit?: string | number;
  /** Runs of this task at the same time over all workers, 1 to 100; with `concurrencyKey`, for each key. */
  concurrency?: number;
  /** Labels of every call, beside those that the call itself gives. */
  tags?: readonly string[];
  /** Do not store results, nor a record before a task starts: one write less. Errors are stored. @defaultValue false */
  ignoreResult?: boolean;
  /**
   * With false, a task runs without a claim, and is not seen as STARTED: a read takes the place of a write. It loses the
   * exclusive right to run: when SQS delivers a message twice, both may run; one result is recorded all the same. @defaultValue true
   */
  trackStarted?: boolean;
  /** Errors that are to be expected (Celery's `throws`): logged in one line, without a stack, as no warning. */
  throws?: readonly ErrorClass[];
  /**
   * Places whose values the API shows as `"[secret]"`, beside those that the schema marks: `"result.token"`, `"progress"`,
   * `"payload.cards.*.number"`; `*` is each field or item. @defaultValue none
   */
  secrets?: readonly SecretPlace[];
  /** After `run`, for the compiler reads in order: an `onSuccess` before it, whose result has no type, makes the result `unknown`. */
  hooks?: TaskHooks<StandardSchemaV1.InferOutput<Schema>, Stored<Returns, Result>>;
  /** The work. The value that it returns is stored as JSON. */
  run: (payload: StandardSchemaV1.InferOutput<Schema>, context: TaskContext) => Result | Promise<Result>;
}

/**
 * Functions beside the task's work. `beforeStart` is part of the run: if it throws, the run has failed. The others are called when the
 * outcome is stored, at most once: a worker that dies in between does not call them again, and what they throw is only logged.
 * Put work that must happen in the task itself, or in a task that it sends.
 * https://docs.celeryq.dev/en/stable/userguide/tasks.html#handlers
 */
interface TaskHooks<Payload, Result> {
  beforeStart?: (payload: Payload, context: TaskContext) => void | Promise<void>;
  onSuccess?: (result: Result, payload: Payload, context: TaskContext) => void | Promise<void>;
  /**
   * The task has ended as a FAILURE, also by crashes of its worker (`TASK_CRASHED`, in a run of its own afterwards, perhaps more than
   * once) or because a deployment has changed its schema. `payload` is undefined if the schema does not take it any more, or if a
   * large one is gone. Not called for a task that no module exports any more, nor for one that is REVOKED or has expired.
   */
  onFailure?: (error: unknown, payload: Payload | undefined, context: TaskContext) => void | Promise<void>;
  /** This run has failed, and another will follow. */
  onRetry?: (error: unknown, payload: Payload, context: TaskContext) => void | Promise<void>;
}

const HOOKS: Readonly<Record<keyof TaskHooks<unknown, unknown>, true>> = {
  beforeStart: true,
  onSuccess: true,
  onFailure: true,
  onRetry: true,
};

const TASK_OPTIONS: Readonly<Record<keyof TaskOptions<StandardSchemaV1, unknown>, true>> = {
  name: true,
  payload: true,
  versions: true,
  oldestVersion: true,
  aliases: true,
  result: true,
  queue: true,
  messageGroupId: true,
  concurrencyKey: true,
  retry: true,
  timeLimit: true,
  softTimeLimit: true,
  expires: true,
  rateLimit: true,
  concurrency: true,
  tags: true,
  ignoreResult: true,
  trackStarted: true,
  throws: true,
  secrets: true,
  hooks: true,
  run: true,
};
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const NAME_EXPECTED = "letters, digits, '_', '-' and '.', a letter first";

function isTaskName(name: unknown): boolean {
  return typeof name === "string" && TASK_NAME.test(name);
}

/** @throws InvalidOptionError, UnknownOptionError: what has no compiler is told here */
export function checkTaskOptions<
  Schema extends StandardSchemaV1,
  Result,
  Returns extends StandardSchemaV1,
  Older extends readonly StandardSchemaV1[],
>(options: TaskOptions<Schema, Result, Returns, Older>): void {
  checkNames(options, Object.keys(TASK_OPTIONS));
  const {
    name,
    aliases = [],
    timeLimit,
    softTimeLimit,
    expires,
    rateLimit,
    concurrency,
    tags = [],
    hooks = {},
  } = options;
  checkNames(hooks, Object.keys(HOOKS), "hooks");
  if (!isTaskName(name)) throw new InvalidOptionError("name", name, `a task name of ${NAME_EXPECTED}`);
  // A circular import leaves `undefined` in a bundle: it must not become a task without a payload.
  if ("payload" in options && !isSchema(options.payload)) {
    throw new InvalidOptionError(
      "payload",
      options.payload,
      "a Standard Schema; for a task without a payload, leave it out",
    );
  }
  if (options.result !== undefined && !isSchema(options.result)) {
    throw new InvalidOptionError("result", options.result, "a Standard Schema; for results of any kind, leave it out");
  }
  const refuseUnless = (valid: boolean, option: string, value: unknown, expected: string): void => {
    if (!valid) throw new InvalidOptionError(option, value, expected);
  };
  for (const [option, limit] of Object.entries({ timeLimit, softTimeLimit })) {
    refuseUnless(limit === undefined || isTimeLimit(limit), option, limit, TIME_LIMIT_EXPECTED);
  }
  refuseUnless(
    softTimeLimit === undefined || timeLimit === undefined || softTimeLimit < timeLimit,
    "softTimeLimit",
    softTimeLimit,
    lessThan(timeLimit),
  );
  refuseUnless(expires === undefined || isExpiry(expires), "expires", expires, EXPIRY_EXPECTED);
  refuseUnless(Array.isArray(tags) && tags.every(isTag), "tags", tags, `texts of ${TAG_EXPECTED}`);
  refuseUnless(
    concurrency === undefined || isConcurrency(concurrency),
    "concurrency",
    concurrency,
    `a whole number from 1 to ${MAX_CONCURRENCY}`,
  );
  if (rateLimit !== undefined) parseRateLimit(String(rateLimit));
  checkClasses("throws", options.throws);
  checkSecrets(options.secrets ?? []);
  const areAliases = Array.isArray(aliases) && aliases.every((alias) => isTaskName(alias) && alias !== name);
  refuseUnless(areAliases, "aliases", aliases, `other names of the task, each of ${NAME_EXPECTED}`);
  refuseUnless(typeof options.run === "function", "run", options.run, "a function");
  for (const [hook, call] of Object.entries(hooks)) {
    refuseUnless(call === undefined || typeof call === "function", `hooks.${hook}`, call, "a function");
  }
}
