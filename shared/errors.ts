/**
 * The error tree, and every sentence that Lovage says when it refuses something.
 *
 * ```text
 * TaskError                    code, details, cause
 *   ConfigError                CONFIG_INVALID            an environment variable or option that cannot be used
 *   TaskNotRegisteredError     TASK_NOT_REGISTERED       no module in handlers/tasks/ exports that name
 *   TaskAlreadyRegisteredError TASK_ALREADY_REGISTERED   two tasks of one name
 *   TaskNotExportedError       TASK_NOT_EXPORTED         a module in handlers/tasks/ without a task
 *   InvalidPayloadError        PAYLOAD_INVALID           carries the schema's issues
 *   PayloadTooLargeError       PAYLOAD_TOO_LARGE         size and limit in bytes
 *   InvalidOptionError         OPTION_INVALID            an option of delay/applyAsync or of task()
 *   InvalidMessageError        MESSAGE_INVALID           not a Lovage message; never retried
 *   InvalidScheduleError       SCHEDULE_INVALID          expression, field, accepted range
 *   TaskNotFoundError          TASK_NOT_FOUND            no record with that id
 *   TaskUnfinishedError        TASK_UNFINISHED           only what has ended can run again
 *   IdempotencyKeyReusedError  IDEMPOTENCY_KEY_REUSED    same key, other payload
 *   TooManyRevokesError        REVOKES_FULL              as many revokes of many are kept as may be
 *   TaskTimeLimitError         TASK_TIME_LIMIT           ran longer than it may
 *   SoftTimeLimitError         TASK_SOFT_TIME_LIMIT      the reason of its signal at the soft limit
 *   TaskRejectedError          TASK_REJECTED             it threw Reject
 *   TaskCrashedError           TASK_CRASHED              the process died while it ran
 *   TaskReturnedError          TASK_RETURNED             it was handed back too often without an outcome; cause: the last reason
 *   TaskUndeliveredError       TASK_UNDELIVERED          no worker could begin it, however often it was delivered
 *   MaxRetriesExceededError    MAX_RETRIES_EXCEEDED      cause: the last error
 *   TaskRevokedError           TASK_REVOKED
 *   TaskNotSentError           TASK_NOT_SENT             a firing of beat or an arrived file could not be made a task
 *   TaskFailedError            TASK_FAILED               what get() throws: the task's own error, from its record
 *   ResultTimeoutError         RESULT_TIMEOUT            get() stopped waiting; the task may still run
 *   SyncSubtaskError           SYNC_SUBTASK              get() inside a task, which would hold its worker
 *   ResultTooLargeError        RESULT_TOO_LARGE          what a task returned does not fit
 *   InvalidResultError         RESULT_INVALID            what a task returned is no JSON; never retried
 *   InvalidOnceResultError     ONCE_RESULT_INVALID       what was done once gave a result that cannot be kept; never retried
 *   BrokerError                BROKER_FAILED             SQS refused; cause: the SDK's error
 *   ResultStoreError           RESULT_STORE_FAILED       sent, but not recorded; cause: the SDK's error
 *   ValueExpiredError          VALUE_EXPIRED             a large value is gone from S3
 * (What a task throws to steer its own life is no fault: task/signals.ts.)
 * ```
 *
 * Guards test `code`, not `instanceof`: errors cross SQS and DynamoDB as text.
 */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { cut, echo, listText, placeText } from "./echo.ts";
import { describeError, reasonOf, type StoredError, toError } from "./stored-error.ts";

export { describeError, type StoredError, shortened } from "./stored-error.ts";

export type ErrorCode =
  | "CONFIG_INVALID"
  | "TASK_NOT_REGISTERED"
  | "TASK_ALREADY_REGISTERED"
  | "TASK_NOT_EXPORTED"
  | "PAYLOAD_INVALID"
  | "PAYLOAD_TOO_LARGE"
  | "OPTION_INVALID"
  | "MESSAGE_INVALID"
  | "SCHEDULE_INVALID"
  | "TASK_NOT_FOUND"
  | "TASK_UNFINISHED"
  | "IDEMPOTENCY_KEY_REUSED"
  | "REVOKES_FULL"
  | "TASK_TIME_LIMIT"
  | "TASK_SOFT_TIME_LIMIT"
  | "TASK_REJECTED"
  | "VALUE_EXPIRED"
  | "TASK_CRASHED"
  | "TASK_RETURNED"
  | "TASK_UNDELIVERED"
  | "MAX_RETRIES_EXCEEDED"
  | "TASK_REVOKED"
  | "TASK_NOT_SENT"
  | "TASK_FAILED"
  | "RESULT_TIMEOUT"
  | "SYNC_SUBTASK"
  | "RESULT_TOO_LARGE"
  | "RESULT_INVALID"
  | "ONCE_RESULT_INVALID"
  | "BROKER_FAILED"
  | "RESULT_STORE_FAILED";

/** The base of every fault that Lovage reports. */
export class TaskError extends Error {
  /** Stable across releases; what callers should test. */
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** An environment variable or configuration option cannot be used. */
export class ConfigError extends TaskError {
  constructor(variable: string, value: string | undefined, expected: string, fix: string) {
    const found = value === undefined ? "is not set" : `has the value ${echo(value)}`;
    super("CONFIG_INVALID", `Configuration '${variable}' ${found}: expected ${expected}. ${fix}`, { variable, value });
  }
}

/** No registered task has that name. */
export class TaskNotRegisteredError extends TaskError {
  /** @param variable the setting that named the task, if one did */
  constructor(task: string, known: readonly string[], variable?: string) {
    const source = variable === undefined ? "" : ` (${variable})`;
    const more = variable === undefined ? "" : ` Or set ${variable} to a task that is.`;
    super(
      "TASK_NOT_REGISTERED",
      `Task ${echo(task)}${source} is not registered. Known tasks: ${listText(known)}. Is it exported from a module in handlers/tasks/?${more}`,
      { task, known },
    );
  }
}

/** Two different tasks claim one name. */
export class TaskAlreadyRegisteredError extends TaskError {
  constructor(task: string, first: string, second: string) {
    super(
      "TASK_ALREADY_REGISTERED",
      `Task '${task}' is exported ${first === second ? `twice by ${first}` : `by both ${first} and ${second}`}: expected one task per name. Rename one of them.`,
      { task, first, second },
    );
  }
}

/** A module lies in handlers/tasks/ but exports no task. */
export class TaskNotExportedError extends TaskError {
  constructor(file: string) {
    super(
      "TASK_NOT_EXPORTED",
      `Module ${file} exports no task: expected at least one made by task(). Export it, or move code that is no task into a subfolder.`,
      { file },
    );
  }
}

/** Of what a schema says of one fault, in characters. */
export const MAX_ISSUE_CHARS = 300;

/** A payload does not fit its task's schema, or is no JSON. */
export class InvalidPayloadError extends TaskError {
  readonly issues: readonly StandardSchemaV1.Issue[];

  /** @param cause what the schema threw, if it did */
  constructor(task: string, issues: readonly StandardSchemaV1.Issue[], cause?: unknown) {
    const [first] = issues;
    const place = placeText(first?.path?.map((part) => (typeof part === "object" ? part.key : part)) ?? []);
    const where = place === "" ? "" : ` at '${place}'`;
    const fault = cut(first?.message ?? "it does not fit", MAX_ISSUE_CHARS);
    const others = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
    const sentence = `Payload of task '${task}' was refused${where}: ${fault}${others}.`;
    super("PAYLOAD_INVALID", sentence, { task, issues }, cause);
    this.issues = issues;
  }
}

/** A payload is larger than Lovage carries. */
export class PayloadTooLargeError extends TaskError {
  constructor(task: string, sizeBytes: number, limitBytes: number) {
    super(
      "PAYLOAD_TOO_LARGE",
      `Payload of task '${task}' is ${sizeBytes} bytes: at most ${limitBytes} bytes are accepted. Upload large data as a file and pass its key.`,
      { task, sizeBytes, limitBytes },
    );
  }
}

/** An option of `task()`, `delay` or `applyAsync` has an unusable value. */
export class InvalidOptionError extends TaskError {
  /** @param cause what its function threw, if it did */
  constructor(option: string, value: unknown, expected: string, cause?: unknown) {
    const sentence = `Option ${echo(option)} has the value ${echo(value)}: expected ${expected}.`;
    super("OPTION_INVALID", sentence, { option }, cause);
  }
}

/** Of what speaks of someone else's text, in characters. */
const MAX_REASON_CHARS = 500;

/** A message is not one that Lovage wrote; retrying cannot help. */
export class InvalidMessageError extends TaskError {
  constructor(reason: string) {
    super(
      "MESSAGE_INVALID",
      `Message was refused: ${cut(reason, MAX_REASON_CHARS)}. Only messages sent by Lovage belong on this queue.`,
    );
  }
}

/** A schedule expression, crontab field or time zone cannot be used. */
export class InvalidScheduleError extends TaskError {
  /** @param subject e.g. `hour '24' in schedule 'cron(0 24 * * ? *)'` */
  constructor(subject: string, expected: string) {
    super("SCHEDULE_INVALID", `Invalid ${cut(subject, MAX_REASON_CHARS)}: expected ${expected}.`, { subject });
  }
}

/** No record has that id: it was never sent, or its result has expired. */
export class TaskNotFoundError extends TaskError {
  constructor(id: string) {
    super("TASK_NOT_FOUND", `No task has the id ${echo(id)}: it was never sent, or its record has expired.`, { id });
  }
}

/** As many revokes by tag, task or queue are kept as may be. */
export class TooManyRevokesError extends TaskError {
  constructor(scope: string, name: string, limit: number) {
    super(
      "REVOKES_FULL",
      `Tasks of ${scope} '${name.slice(0, 128)}' were not revoked: ${limit} revokes are kept, and at most ${limit} are. Drop those whose tasks have all ended: GET /control lists them, DELETE /control?before=<time> or ?${scope}=<name> drops them.`,
      { scope, name, limit },
    );
  }
}

/** A task was to run again that has not ended: it would run twice. */
export class TaskUnfinishedError extends TaskError {
  constructor(id: string, state: string) {
    super(
      "TASK_UNFINISHED",
      `Task ${id} is ${state}: expected one that has ended. Wait for its end, or revoke it, and then replay it.`,
      { id, state },
    );
  }
}

/** An idempotency key came back with another payload. */
export class IdempotencyKeyReusedError extends TaskError {
  constructor(task: string, key: string) {
    super(
      "IDEMPOTENCY_KEY_REUSED",
      `Idempotency key ${echo(key)} of task '${task}' was already used with another payload: expected the same payload, or a new key.`,
      { task, key },
    );
  }
}

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

/** A payload, result or error that was kept in S3 is no longer there. */
export class ValueExpiredError extends TaskError {
  constructor(key: string, sizeBytes: number) {
    super(
      "VALUE_EXPIRED",
      `A value of ${sizeBytes} bytes is no longer stored under '${key}': the bucket's lifecycle rules have removed it.`,
      { key, sizeBytes },
    );
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
  constructor(id: string, reason: string) {
    super("TASK_REVOKED", `Task ${id} was revoked: ${reason}.`, { id, reason });
  }
}

/** What asked for the task, a firing of beat or a file that arrived, failed until AWS gave it up. */
export class TaskNotSentError extends TaskError {
  /** @param reason what was tried, how often, and the last error */
  constructor(task: string, reason: string) {
    super(
      "TASK_NOT_SENT",
      `Task '${task}' was not sent: ${reason}. Mend the cause, then replay it or redrive its queue.`,
      { task, reason },
    );
  }
}

/** What `AsyncResult.get()` throws for a failed task: the error as its record keeps it. */
export class TaskFailedError extends TaskError {
  readonly failure: StoredError;

  constructor(id: string, failure: StoredError) {
    super("TASK_FAILED", `${failure.name}: ${reasonOf(failure)}`, { id }, toError(failure));
    this.failure = failure;
  }
}

/** `AsyncResult.get()` stopped waiting; the task itself goes on. */
export class ResultTimeoutError extends TaskError {
  constructor(id: string, timeoutSeconds: number) {
    super("RESULT_TIMEOUT", `Task ${id} was not finished within ${timeoutSeconds} s; it may still run.`, {
      id,
      timeoutSeconds,
    });
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

/** What a task returned cannot be stored. */
export class ResultTooLargeError extends TaskError {
  constructor(task: string, sizeBytes: number, limitBytes: number) {
    super(
      "RESULT_TOO_LARGE",
      `Result of task '${task}' is ${sizeBytes} bytes: at most ${limitBytes} bytes are accepted. Store it as a file and return its key.`,
      { task, sizeBytes, limitBytes },
    );
  }
}

/** What a task returned is no JSON: its work is done, but nobody would get its result. Not retried. */
export class InvalidResultError extends TaskError {
  /** @param reason where in the result what stands, and what may stand there */
  constructor(task: string, reason: string) {
    super(
      "RESULT_INVALID",
      `Result of task '${task}' cannot be stored: ${reason}. The task has run and is not run again; return what JSON can hold.`,
      { task, reason },
    );
  }
}

/** What was done once is done, but its result cannot be kept for a later run: so there must be none. Not retried. */
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

/** SQS did not take a message; the caller must not believe the task was accepted. */
export class BrokerError extends TaskError {
  constructor(queue: string, reason: string, cause?: unknown) {
    super("BROKER_FAILED", `Queue '${queue}' did not accept the message: ${reason}`, { queue }, cause);
  }
}

/** The message was sent and will run, but DynamoDB did not take its record; the id is in `details`. */
export class ResultStoreError extends TaskError {
  constructor(task: string, id: string, cause: unknown) {
    super(
      "RESULT_STORE_FAILED",
      `Task '${task}' was sent as ${id} and will run, but its record could not be written: ${describeError(cause).message}`,
      { task, id },
      cause,
    );
  }
}
