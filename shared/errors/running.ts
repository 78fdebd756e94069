/** How a run ended badly, or was kept from going on. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { echo } from "../echo.ts";
import { describeError, reasonOf } from "../stored-error.ts";
import { TaskError } from "./base.ts";
import { issuesText } from "./issues.ts";

/** A run took longer than its time limit, or than its function may. */
export class TaskTimeLimitError extends TaskError {
  constructor(task: string, limitSeconds: number) {
    const shown = Math.round(limitSeconds * 10) / 10;
    super("TASK_TIME_LIMIT", `Task '${task}' ran longer than its time limit of ${shown} s and was stopped.`, {
      task,
      limitSeconds,
    });
  }
}

/** The reason of a run's `signal` once its soft time limit has passed; the run may still end well. */
export class SoftTimeLimitError extends TaskError {
  constructor(task: string, limitSeconds: number) {
    super("TASK_SOFT_TIME_LIMIT", `Task '${task}' has run for its soft time limit of ${limitSeconds} s.`, {
      task,
      limitSeconds,
    });
  }
}

/** The task threw `Reject`: it will not be retried, whatever its policy says. */
export class TaskRejectedError extends TaskError {
  constructor(task: string, reason: string) {
    super("TASK_REJECTED", `Task '${task}' rejected its message: ${reason}`, { task, reason });
  }
}

/** The worker process died on every delivery: `process.exit`, an uncaught error, a time-out or out of memory. */
export class TaskCrashedError extends TaskError {
  constructor(task: string, deliveries: number) {
    super(
      "TASK_CRASHED",
      `The worker died each of the ${deliveries} times it ran task '${task}' (process exit, uncaught error, time-out or out of memory). See the worker's log.`,
      { task, deliveries },
    );
  }
}

/** An attempt was handed back, through no fault of its own or because it asked for it, more often than Lovage allows. */
export class TaskReturnedError extends TaskError {
  constructor(task: string, times: number, cause: unknown) {
    super(
      "TASK_RETURNED",
      `Task '${task}' was handed back ${times} times without an outcome, most recently because: ${describeError(cause).message} Replay it when that is mended.`,
      { task, times },
      cause,
    );
  }
}

/** No worker came up for a message, every one failed before it began the task, or its timer was sent far too late. */
export class TaskUndeliveredError extends TaskError {
  constructor(task: string, reason: string) {
    super(
      "TASK_UNDELIVERED",
      `Task '${task}' was never begun: ${reason}. See the functions' logs, and replay the task when that is mended.`,
      { task, reason },
    );
  }
}

/** A task failed on its first attempt and on every retry. */
export class MaxRetriesExceededError extends TaskError {
  constructor(task: string, maxRetries: number, cause: unknown) {
    super(
      "MAX_RETRIES_EXCEEDED",
      `Task '${task}' failed ${maxRetries + 1} times: ${reasonOf(describeError(cause))}`,
      { task, maxRetries },
      cause,
    );
  }
}

/** The task was revoked, or its `expires` passed before it started. */
export class TaskRevokedError extends TaskError {
  constructor(id: string, reason: string, code: "TASK_REVOKED" | "WORKFLOW_STOPPED" = "TASK_REVOKED") {
    super(code, `Task ${id} was revoked: ${reason}.`, { id, reason });
  }
}

/** A task, or one of its hooks, asked for another task's result: it would wait for a worker while it holds one. */
export class SyncSubtaskError extends TaskError {
  constructor(id: string, waiting: string) {
    super(
      "SYNC_SUBTASK",
      `Task ${waiting} was not allowed to wait for task ${id}: get() inside a task holds a worker while it waits for a task that may need that worker. Let this task end, and have the other one send what comes next; or insist with get({ disableSyncSubtasks: false }).`,
      { id, waiting },
    );
  }
}

/** The value that a task returned is too large to be stored. */
export class ResultTooLargeError extends TaskError {
  constructor(task: string, sizeBytes: number, limitBytes: number) {
    super(
      "RESULT_TOO_LARGE",
      `Result of task '${task}' is ${sizeBytes} bytes: at most ${limitBytes} bytes are accepted. Store it as a file and return its key.`,
      { task, sizeBytes, limitBytes },
    );
  }
}

/** The value that a task returned is no JSON, or its schema refuses it: its work is done, but nobody would get its result. Not retried. */
export class InvalidResultError extends TaskError {
  /** Of the task's schema, where it refused the result. */
  readonly issues: readonly StandardSchemaV1.Issue[];

  /** @param reason where in the result what stands, and what may stand there; or what its schema says of it */
  constructor(task: string, reason: string | readonly StandardSchemaV1.Issue[]) {
    const [said, remedy] =
      typeof reason === "string"
        ? [reason, "return what JSON can hold"]
        : [`its schema refused it${issuesText(reason)}`, "return what the schema takes"];
    super(
      "RESULT_INVALID",
      `Result of task '${task}' cannot be stored: ${said}. The task has run and is not run again; ${remedy}.`,
      { task, reason: said },
    );
    this.issues = typeof reason === "string" ? [] : reason;
  }
}

/** The work of a `ctx.once` is done, but its result cannot be kept for a later run: so there must be none. Not retried. */
export class InvalidOnceResultError extends TaskError {
  readonly reason: string;

  /** @param reason what is wrong with the result */
  constructor(task: string, key: string, reason: string) {
    super(
      "ONCE_RESULT_INVALID",
      `Work ${echo(key)} of task '${task}' was done once, but its result cannot be kept: ${reason}. It is not done again; return what JSON can hold, or nothing.`,
      { task, key, reason },
    );
    this.reason = reason;
  }
}
