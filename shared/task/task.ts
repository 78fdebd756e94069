/** The task: code that a user writes, with its name, its payload's schema and its options. docs/glossary.md has all terms. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, InvalidPayloadError, NewerPayloadError } from "../errors.ts";
import type { Json, Jsonified } from "../message/json.ts";
import { FIRST_PAYLOAD_VERSION } from "../message/payload-version.ts";
import { AsyncResult } from "./async-result.ts";
import { currentRun, type TaskContext } from "./context.ts";
import { currentApp } from "./current-app.ts";
import type { ApplyOptions } from "./options.ts";
import { NO_PAYLOAD, type NoPayloadSchema, type OptionsCall, type PayloadCall, validate } from "./payload.ts";
import { keysOf, thrownText } from "./payload-keys.ts";
import type { Outcome, PayloadShape, RegisteredTask } from "./registered-task.ts";
import { checkResult, type Stored } from "./result.ts";
import { isOneOf, toRetryPolicy } from "./retry-policy.ts";
import { createSecrets } from "./secrets.ts";
import { sendTask } from "./send.ts";
import { TaskSignal } from "./signals.ts";
import { createSignature, type Missing, type Signature, type SignatureCall } from "./signature.ts";
import { checkTaskOptions, type TaskOptions } from "./task-options.ts";
import { createUpgrades, inVersion } from "./versions.ts";

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

const SCHEMA_THREW_SECRET = "the schema threw an error that repeats a secret, and is not shown";
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
  checkTaskOptions(options);
  const { name, aliases = [], queue = DEFAULT_QUEUE, tags = [], hooks = {} } = options;
  const { timeLimit, softTimeLimit, expires, concurrency } = options;
  // Where no payload is given, Schema is its default; the compiler cannot see that it is.
  const { payload: schema = NO_PAYLOAD as StandardSchemaV1 as Schema } = options;
  const rateLimit = options.rateLimit === undefined ? undefined : String(options.rateLimit);

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
