import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Json } from "../message/json.ts";
import type { TaskContext } from "./context.ts";
import type { ErrorClass, RetryPolicy } from "./retry-policy.ts";
import type { Secrets } from "./secrets.ts";

/** How one run went, for the task's hooks. */
export type Outcome =
  | { state: "SUCCESS"; result: unknown }
  | { state: "FAILURE"; error: unknown }
  | { state: "RETRY"; error: unknown };

/** The shape in which a payload was sent. */
export interface PayloadShape {
  version: number;
  /** It was completed with results when it ran, which have no version: where this one does not fit, the newest may. */
  isCompleted?: boolean;
}

/** A task as the engine sees it: its types are behind `validate` and `execute`. */
export interface RegisteredTask {
  readonly name: string;
  /** Names that it had before. */
  readonly aliases: readonly string[];
  readonly queue: string;
  readonly retry: RetryPolicy;
  readonly timeLimit: number | undefined;
  readonly softTimeLimit: number | undefined;
  readonly expires: number | undefined;
  /** As it was written, e.g. `100/m`. */
  readonly rateLimit: string | undefined;
  readonly concurrency: number | undefined;
  readonly tags: readonly string[];
  readonly ignoreResult: boolean;
  readonly trackStarted: boolean;
  readonly throws: readonly ErrorClass[];
  readonly schema: StandardSchemaV1;
  /** Of what it returns; undefined where the task says nothing of it. */
  readonly resultSchema: StandardSchemaV1 | undefined;
  readonly secrets: Secrets;
  /** The version of a payload that `schema` takes. */
  readonly payloadVersion: number;
  /** The oldest that it still reads. */
  readonly oldestVersion: number;
  /**
   * Checks a payload of a version, by default the newest, and answers with what the message says because of it.
   * @throws InvalidPayloadError with the schema's issues, InvalidOptionError for a key that cannot be used
   */
  validate(payload: Json, version?: number): Promise<{ messageGroupId?: string; concurrencyKey?: string }>;
  /**
   * Brings the payload to the newest version, checks it, and runs the task. @param shape by default the newest
   * @throws InvalidPayloadError, InvalidResultError, or whatever an `upgrade`, `beforeStart` and `run` throw
   */
  execute(payload: Json, context: TaskContext, shape?: PayloadShape): Promise<unknown>;
  /** Calls the hook for this outcome, if there is one. */
  callHook(payload: Json | undefined, context: TaskContext, outcome: Outcome, shape?: PayloadShape): Promise<void>;
}
