/** The errors that a client throws. Each has a `code` that stays: those of the service's contract, and a few of the client's own. */

import type { ErrorCode } from "../errors/base.ts";
import type { HttpCode } from "../http/problem.ts";
import type { StoredError } from "../stored-error.ts";

/** Codes of docs/reference/errors.md, and of what only a client can find. */
export type ClientErrorCode = ErrorCode | HttpCode | "NO_ANSWER" | "ANSWER_UNKNOWN" | "UPLOAD_REFUSED";

/** The base of every error that a client throws, but for the reason of a signal that was aborted. */
export class ClientError extends Error {
  /** Callers should test it. A newer service may have codes that this client does not know. */
  readonly code: ClientErrorCode;

  constructor(name: string, code: ClientErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
    this.code = code;
  }
}

/** The service's words about a refusal: RFC 9457. */
export interface Problem {
  code: ClientErrorCode;
  detail: string;
  id?: string;
  issues?: readonly { message: string; path: readonly string[] }[];
}

/** The service has answered, and refused. */
export class RefusedError extends ClientError {
  /** HTTP's status. */
  readonly status: number;
  /** Of `PAYLOAD_INVALID`: where the payload does not fit, and why. */
  readonly issues: NonNullable<Problem["issues"]>;
  /** The task that it is about, where the service says so. */
  readonly id: string | undefined;

  constructor(status: number, { code, detail, id, issues = [] }: Problem) {
    super("RefusedError", code, detail);
    this.status = status;
    this.issues = issues;
    this.id = id;
  }
}

/** No answer came, however often it was tried. A task that was to be sent may have been; to send it again with the same `id` is safe. */
export class NoAnswerError extends ClientError {
  constructor(call: string, tries: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super("NoAnswerError", "NO_ANSWER", `${call} got no answer in ${tries} tries: ${reason}`, cause);
  }
}

/** The task has ended as a FAILURE; `failure` is its own error. */
export class TaskFailedError extends ClientError {
  readonly id: string;
  readonly failure: StoredError;

  constructor(id: string, failure: StoredError) {
    super("TaskFailedError", "TASK_FAILED", `${failure.name}: ${failure.message}`);
    this.id = id;
    this.failure = failure;
  }
}

/** The task was revoked, or had expired. */
export class TaskRevokedError extends ClientError {
  readonly id: string;

  constructor(id: string, reason: string) {
    super("TaskRevokedError", "TASK_REVOKED", reason);
    this.id = id;
  }
}

/** `get()` stopped waiting; the task may still run. */
export class ResultTimeoutError extends ClientError {
  readonly id: string;

  constructor(id: string, timeoutSeconds: number) {
    super("ResultTimeoutError", "RESULT_TIMEOUT", `${id} has not ended within ${timeoutSeconds} s; it may still run.`);
    this.id = id;
  }
}

/** A large result is kept no longer. */
export class ValueExpiredError extends ClientError {
  readonly id: string;

  constructor(id: string) {
    super("ValueExpiredError", "VALUE_EXPIRED", `The result of ${id} was large, and is kept no longer.`);
    this.id = id;
  }
}
