/** The task: code that a user writes, with its name, its payload's schema and its options. docs/glossary.md has all terms. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, InvalidOptionError, InvalidPayloadError, NewerPayloadError } from "../errors.ts";
import { isConcurrency, MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { parseRateLimit } from "../limits/rate-limit.ts";
import type { Json, Jsonified } from "../message/json.ts";
import { isTag, TAG_EXPECTED } from "../message/labels.ts";
import { FIRST_PAYLOAD_VERSION } from "../message/payload-version.ts";
import { AsyncResult } from "./async-result.ts";
import { currentRun, type TaskContext } from "./context.ts";
import { currentApp } from "./current-app.ts";
import { type ApplyOptions, checkNames, isTimeLimit, lessThan, TIME_LIMIT_EXPECTED } from "./options.ts";
import {
  isSchema,
  NO_PAYLOAD,
  type NoPayloadSchema,
  type OptionsCall,
  type PayloadCall,
  type Sendable,
  validate,
} from "./payload.ts";
import { type KeyOptions, keysOf, thrownText } from "./payload-keys.ts";
import type { Outcome, PayloadShape, RegisteredTask } from "./registered-task.ts";
import { checkResult, type Returnable, type Stored } from "./result.ts";
import { checkClasses, type ErrorClass, isOneOf, type RetryOptions, toRetryPolicy } from "./retry-policy.ts";
import { checkSecrets, createSecrets, type SecretPlace } from "./secrets.ts";
import { sendTask } from "./send.ts";
import { TaskSignal } from "./signals.ts";
import { createSignature, type Missing, type Signature, type SignatureCall } from "./signature.ts";
import { EXPIRY_EXPECTED, isExpiry } from "./times.ts";
import { createUpgrades, inVersion, type Versions } from "./versions.ts";

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

/**
 * A task with its types. Where `{}` is a payload, or the task takes none, it may be left out: `delay()`, `applyAsync(undefined, options)`.
 * (`delay` and `applyAsync` are properties: of methods the compiler checks arguments loosely.)
 */
export interface Task<Input, Result, Name extends string = string> extends RegisteredTask {
  /** As a literal, by which a client knows it. */
  readonly name: Name;
  /** Sends the task; resolves once SQS has it. Same as `applyAsync(payload)`. */
  readonly delay: (...call: PayloadCall<Input>) => Promise<AsyncResult<Result>>;
  /**
   * Sends the task with options.
   * @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionError, IdempotencyKeyReusedError, BrokerError
   */
  readonly applyAsync: (...call: OptionsCall<Input, ApplyOptions>) => Promise<AsyncResult<Result>>;
  /**
   * A signature: the task with what is known of its payload. The step before it in a chain gives the rest; without any known field, the
   * result before is the payload. @throws InvalidPayloadError for a value that JSON cannot hold
   */
  readonly s: SignatureCall<Input, Result>;
  /** A signature with its whole payload, which takes nothing from the step before it (Celery's immutable one). */
  readonly si: (...call: PayloadCall<Input>) => Signature<unknown, Result>;
}

const TASK = Symbol.for("lovage.task");

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
const SCHEMA_THREW_SECRET = "the schema threw an error that repeats a secret, and is not shown";
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;
const NAME_EXPECTED = "letters, digits, '_', '-' and '.', a letter first";

function isTaskName(name: unknown): boolean {
  return typeof name === "string" && TASK_NAME.test(name);
}

/**
 * Defines a task. Export it from a module in `handlers/tasks/` and it is registered.
 *
 * @example
 * export const add = task({
 *   name: "add",
 *   payload: z.object({ x: z.number(), y: z.number() }),
 *   run: ({ x, y }) => x + y,
 * });
 * const result = await add.delay({ x: 4, y: 6 });
 * await result.get(); // 10
 *
 * @example
 * export const tidyUp = task({ name: "tidy_up", run: () => removeOldDrafts() });
 * await tidyUp.delay();
 *
 * @throws InvalidOptionError for a name or number that cannot be used
 */
export function task<
  Schema extends StandardSchemaV1 = NoPayloadSchema,
  Result = unknown,
  const Name extends string = string,
  Returns extends StandardSchemaV1 = never,
  const Older extends readonly StandardSchemaV1[] = readonly [],
>(
  options: TaskOptions<Schema, Result, Returns, Older> & { name: Name },
): Task<StandardSchemaV1.InferInput<Schema>, Jsonified<Stored<Returns, Result>>, Name> {
  type Answer = Jsonified<Stored<Returns, Result>>;
  checkNames(options, Object.keys(TASK_OPTIONS));
  const { name, queue = DEFAULT_QUEUE, timeLimit, softTimeLimit, expires, concurrency } = options;
  const { tags = [], hooks = {} } = options;
  checkNames(hooks, Object.keys(HOOKS), "hooks");
  // Where no payload is given, Schema is its default; the compiler cannot see that it is.
  const { payload: schema = NO_PAYLOAD as StandardSchemaV1 as Schema } = options;
  if (!isTaskName(name)) throw new InvalidOptionError("name", name, `a task name of ${NAME_EXPECTED}`);
  const { aliases = [] } = options;
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
  const rateLimit = options.rateLimit === undefined ? undefined : String(options.rateLimit);
  if (rateLimit !== undefined) parseRateLimit(rateLimit);
  checkClasses("throws", options.throws);
  checkSecrets(options.secrets ?? []);
  const areAliases = Array.isArray(aliases) && aliases.every((alias) => isTaskName(alias) && alias !== name);
  refuseUnless(areAliases, "aliases", aliases, `other names of the task, each of ${NAME_EXPECTED}`);
  refuseUnless(typeof options.run === "function", "run", options.run, "a function");
  for (const [hook, call] of Object.entries(hooks)) {
    refuseUnless(call === undefined || typeof call === "function", `hooks.${hook}`, call, "a function");
  }

  const upgrades = createUpgrades(name, options.versions ?? [], options.oldestVersion ?? FIRST_PAYLOAD_VERSION);
  const secrets = createSecrets(
    name,
    { payloads: [schema, ...upgrades.schemas], result: options.result },
    options.secrets ?? [],
  );
  const refusal = (payload: Json, issues: readonly StandardSchemaV1.Issue[]): InvalidPayloadError =>
    new InvalidPayloadError(name, secrets.clean(payload, issues));
  const newestShape: PayloadShape = { version: upgrades.newest };
  const read = async (payload: Json, version: number): Promise<StandardSchemaV1.InferOutput<Schema>> => {
    if (version > upgrades.newest) throw new NewerPayloadError(name, version, upgrades.newest);
    const newest = await upgrades.upgraded(payload, version, refusal);
    const outcome = await validate(schema, newest);
    if (!outcome.issues) return outcome.value;
    const isUpgraded = version < upgrades.newest;
    const where = `after its upgrade from version ${version}`;
    throw refusal(newest, isUpgraded ? inVersion(outcome.issues, where) : outcome.issues);
  };
  const check = async (
    payload: Json,
    { version, isCompleted = false }: PayloadShape,
  ): Promise<StandardSchemaV1.InferOutput<Schema>> => {
    try {
      return await read(payload, version).catch((error: unknown) => {
        if (!(isCompleted && version < upgrades.newest && error instanceof InvalidPayloadError)) throw error;
        // The first refusal is told: it is about the version that the workflow was sent in.
        return read(payload, upgrades.newest).catch(() => Promise.reject(error));
      });
    } catch (error) {
      if (isRefusal(error)) throw error;
      // It is logged and recorded, with its causes and its stack.
      const isTelling = secrets.has("payload") && secrets.repeats(payload, JSON.stringify(describeError(error)));
      throw isTelling ? new Error(SCHEMA_THREW_SECRET) : error;
    }
  };

  /** Undefined for a payload that is gone, or that the schema does not take any more: a failure is told all the same. */
  const acceptable = async (
    payload: Json | undefined,
    shape: PayloadShape,
  ): Promise<StandardSchemaV1.InferOutput<Schema> | undefined> => {
    if (payload === undefined) return undefined;
    try {
      return await check(payload, shape);
    } catch {
      return undefined;
    }
  };

  const defined = {
    [TASK]: true,
    name,
    aliases: [...aliases],
    queue,
    retry: toRetryPolicy(options.retry),
    timeLimit,
    softTimeLimit,
    expires,
    rateLimit,
    concurrency,
    tags: [...tags],
    ignoreResult: options.ignoreResult ?? false,
    trackStarted: options.trackStarted ?? true,
    throws: options.throws ?? [],
    schema,
    resultSchema: options.result,
    secrets,
    payloadVersion: upgrades.newest,
    oldestVersion: upgrades.oldest,
    async validate(
      payload: Json,
      version = upgrades.newest,
    ): Promise<{ messageGroupId?: string; concurrencyKey?: string }> {
      const checked = await check(payload, { version }).catch((error: unknown) => {
        if (isRefusal(error)) throw error;
        const thrower = version < upgrades.newest ? "its schema or its upgrade" : "its schema";
        throw new InvalidPayloadError(name, [{ message: `${thrower} threw ${thrownText(error)}` }], error);
      });
      return keysOf(options, checked);
    },
    async execute(payload: Json, context: TaskContext, shape = newestShape): Promise<unknown> {
      const checked = await check(payload, shape);
      await hooks.beforeStart?.(checked, context);
      const begunAt = performance.now();
      const running = options.run(checked, context);
      // Until its first pause nothing else in this process could go on.
      currentRun()?.blocked(performance.now() - begunAt);
      const result = await running;
      // Returned or thrown, it says the same.
      if (isOneOf([TaskSignal], result)) throw result;
      if (options.result === undefined) return result;
      return checkResult(name, options.result, { result, isSecret: secrets.has("result") });
    },
    async callHook(
      payload: Json | undefined,
      context: TaskContext,
      outcome: Outcome,
      shape = newestShape,
    ): Promise<void> {
      switch (outcome.state) {
        case "SUCCESS":
          if (hooks.onSuccess === undefined || payload === undefined) return;
          // The one place where a run's result gets its type back: execute() of this same task returned it.
          return hooks.onSuccess(outcome.result as Stored<Returns, Result>, await check(payload, shape), context);
        case "FAILURE":
          return hooks.onFailure?.(outcome.error, await acceptable(payload, shape), context);
        case "RETRY":
          if (hooks.onRetry === undefined || payload === undefined) return;
          return hooks.onRetry(outcome.error, await check(payload, shape), context);
      }
    },
    s: <Known>(known?: Known) =>
      createSignature<Missing<StandardSchemaV1.InferInput<Schema>, Known>, Answer>(defined, known, false),
    si: (payload?: unknown) => createSignature<unknown, Answer>(defined, payload, true),
    delay(payload?: unknown): Promise<AsyncResult<Answer>> {
      return defined.applyAsync(payload);
    },
    applyAsync(payload?: unknown, applyOptions?: ApplyOptions): Promise<AsyncResult<Answer>> {
      const send = async (): Promise<AsyncResult<Answer>> => {
        const app = currentApp();
        const { id } = await sendTask(app, defined, payload, { options: applyOptions });
        return new AsyncResult(id, app);
      };
      const sending = send();
      // The end of a run waits for what it sends: a function that has answered is frozen in the middle of it.
      return currentRun()?.add(sending) ?? sending;
    },
  };
  return defined;
}

function isRefusal(error: unknown): boolean {
  return error instanceof InvalidPayloadError || error instanceof NewerPayloadError;
}

/** Whether an exported value was made by `task()`. */
export function isTask(value: unknown): value is RegisteredTask {
  return typeof value === "object" && value !== null && TASK in value;
}
