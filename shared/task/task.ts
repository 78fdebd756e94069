/**
 * What a user writes.
 *
 * - **task**: a named, typed unit of code · **payload / result**: what goes in / comes out
 * - **message**: the SQS envelope asking for one attempt · **attempt**: the nth run
 * - **claim**: the exclusive, fenced right to run one attempt, until its **lease** ends
 * - **record**: what the table knows of a task (and, in AWS's sense, one entry of a Lambda event)
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DEFAULT_QUEUE } from "../config.ts";
import { InvalidOptionError, InvalidPayloadError } from "../errors.ts";
import type { Json, Jsonified } from "../message/json.ts";
import { AsyncResult } from "./async-result.ts";
import type { TaskContext } from "./context.ts";
import { currentApp } from "./current-app.ts";
import type { ApplyOptions } from "./options.ts";
import { type RetryOptions, type RetryPolicy, toRetryPolicy } from "./retry-policy.ts";
import { sendTask } from "./send.ts";

export interface TaskOptions<Schema extends StandardSchemaV1, Result> {
  /** Unique in the service; part of messages and URLs, so it must not change while messages are under way. */
  name: string;
  /** Any Standard Schema (zod, valibot, arktype, …): checked where the task is sent and again where it runs. */
  payload: Schema;
  /** The queue that its messages go to. @defaultValue default */
  queue?: string;
  /** Without it a task fails at its first error. */
  retry?: RetryOptions;
  /** Seconds that one run may take; at most what its function has. @defaultValue the function's own time-out */
  timeLimit?: number;
  /** Seconds after which a task that has not started is REVOKED instead of run. */
  expires?: number;
  /** The work. What it returns is stored as JSON. */
  run: (payload: StandardSchemaV1.InferOutput<Schema>, context: TaskContext) => Result | Promise<Result>;
}

/** A task as the engine sees it: its types are behind `validate` and `execute`. */
export interface RegisteredTask {
  readonly name: string;
  readonly queue: string;
  readonly retry: RetryPolicy;
  readonly timeLimit: number | undefined;
  readonly expires: number | undefined;
  readonly schema: StandardSchemaV1;
  /** @throws InvalidPayloadError with the schema's issues */
  validate(payload: Json): Promise<void>;
  /** Checks the payload and runs the task. @throws InvalidPayloadError, or whatever `run` throws */
  execute(payload: Json, context: TaskContext): Promise<unknown>;
}

/** A task with its types. (`delay` and `applyAsync` are properties: of methods the compiler checks arguments loosely.) */
export interface Task<Input, Result> extends RegisteredTask {
  /** Sends the task; resolves once SQS has it. Same as `applyAsync(payload)`. */
  readonly delay: (payload: Input) => Promise<AsyncResult<Result>>;
  /**
   * Sends the task with options.
   * @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionError, IdempotencyKeyReusedError, BrokerError
   */
  readonly applyAsync: (payload: Input, options?: ApplyOptions) => Promise<AsyncResult<Result>>;
}

const TASK = Symbol.for("lovage.task");
const TASK_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,127}$/;

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
 * @throws InvalidOptionError for a name or number that cannot be used
 */
export function task<Schema extends StandardSchemaV1, Result>(
  options: TaskOptions<Schema, Result>,
): Task<StandardSchemaV1.InferInput<Schema>, Jsonified<Result>> {
  const { name, payload: schema, queue = DEFAULT_QUEUE, timeLimit, expires } = options;
  if (typeof name !== "string" || !TASK_NAME.test(name)) {
    throw new InvalidOptionError("name", name, "a task name of letters, digits, '_', '-' and '.', a letter first");
  }
  if (timeLimit !== undefined && !(timeLimit > 0 && timeLimit <= 900)) {
    throw new InvalidOptionError("timeLimit", timeLimit, "more than 0 and at most 900 seconds");
  }
  if (expires !== undefined && !(expires > 0)) throw new InvalidOptionError("expires", expires, "seconds above 0");

  const check = async (payload: Json): Promise<StandardSchemaV1.InferOutput<Schema>> => {
    const outcome = await schema["~standard"].validate(payload);
    if (outcome.issues) throw new InvalidPayloadError(name, outcome.issues);
    return outcome.value;
  };

  const defined = {
    [TASK]: true,
    name,
    queue,
    retry: toRetryPolicy(options.retry),
    timeLimit,
    expires,
    schema,
    async validate(payload: Json): Promise<void> {
      await check(payload);
    },
    async execute(payload: Json, context: TaskContext): Promise<unknown> {
      return options.run(await check(payload), context);
    },
    delay(payload: StandardSchemaV1.InferInput<Schema>): Promise<AsyncResult<Jsonified<Result>>> {
      return defined.applyAsync(payload);
    },
    async applyAsync(
      payload: StandardSchemaV1.InferInput<Schema>,
      applyOptions?: ApplyOptions,
    ): Promise<AsyncResult<Jsonified<Result>>> {
      const app = currentApp();
      const { id } = await sendTask(app, defined, payload, applyOptions);
      return new AsyncResult(id, app);
    },
  };
  return defined;
}

/** Whether an exported value was made by `task()`. */
export function isTask(value: unknown): value is RegisteredTask {
  return typeof value === "object" && value !== null && TASK in value;
}
