/** The consequence of a value that a task's code has thrown: decided here, without writing anything, and without throwing. */

import {
  InvalidOnceResultError,
  InvalidPayloadError,
  InvalidResultError,
  MaxRetriesExceededError,
  ResultTooLargeError,
  TaskRejectedError,
  TaskRevokedError,
  TaskTimeLimitError,
} from "../errors.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import { isOneOf, isRetryable, retryDelay } from "../task/retry-policy.ts";
import { Ignore, Reject, Replace, Retry } from "../task/signals.ts";
import type { Node } from "../workflows/definition.ts";
import { FunctionEndedError } from "./time-limit.ts";

export type Judgement =
  /** `error` is what the record says; `cause` is what the task threw. */
  | { outcome: "fail"; error: unknown; cause: unknown }
  | { outcome: "retry"; cause: unknown; seconds: number }
  | { outcome: "revoke"; error: TaskRevokedError }
  | { outcome: "replace"; node: Node }
  | { outcome: "requeue"; reason: string; seconds: number }
  | { outcome: "cutShort" };

/** One run that has thrown. */
export interface Thrown {
  task: RegisteredTask;
  id: string;
  attempt: number;
  error: unknown;
  /** The reason, if a revoke has reached it. */
  revoked: TaskRevokedError | undefined;
  /** The function's end can have stopped it before it had all the time that a function gives; `seconds` is what it had. */
  shared: boolean;
  seconds: number;
  random: () => number;
}

export function judge(thrown: Thrown): Judgement {
  try {
    return judged(thrown);
  } catch (error) {
    // The thrown value answers with errors of its own when it is looked at: a Proxy can.
    return { outcome: "fail", error: thrown.error, cause: error };
  }
}

function judged({ task, id, attempt, error, revoked, shared, seconds, random }: Thrown): Judgement {
  if (isA(FunctionEndedError, error)) {
    if (revoked) return { outcome: "revoke", error: revoked };
    if (shared) return { outcome: "cutShort" };
    const limit = new TaskTimeLimitError(task.name, seconds);
    return { outcome: "fail", error: limit, cause: limit };
  }
  if (revoked) return { outcome: "revoke", error: revoked };
  if (isA(Ignore, error)) {
    return { outcome: "revoke", error: new TaskRevokedError(id, `it ignored itself: ${error.message}`) };
  }
  if (isA(Replace, error)) return { outcome: "replace", node: error.node };
  if (isA(Reject, error)) {
    return error.requeue
      ? { outcome: "requeue", reason: error.message, seconds: error.countdown }
      : { outcome: "fail", error: new TaskRejectedError(task.name, error.message), cause: error };
  }
  const asked = isA(Retry, error);
  const cause = asked ? (error.cause ?? error) : error;
  if (!asked && (isOneOf(HOPELESS, error) || !isRetryable(task.retry, error))) {
    return { outcome: "fail", error: cause, cause };
  }
  const { maxRetries } = task.retry;
  if (attempt > maxRetries) {
    return { outcome: "fail", error: new MaxRetriesExceededError(task.name, maxRetries, cause), cause };
  }
  const countdown = asked ? error.countdown : undefined;
  return { outcome: "retry", cause, seconds: countdown ?? retryDelay(task.retry, attempt, random) };
}

/** Another run would end the same way. */
const HOPELESS = [
  InvalidPayloadError,
  TaskTimeLimitError,
  ResultTooLargeError,
  InvalidResultError,
  InvalidOnceResultError,
];

function isA<T extends Error>(type: abstract new (...args: never[]) => T, error: unknown): error is T {
  return isOneOf([type], error);
}

/** Whether the task's author expects this error. Never throws. */
export function isExpected(task: RegisteredTask, error: unknown): boolean {
  return isOneOf(task.throws, error);
}
