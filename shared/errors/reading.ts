/** Asking for a task, or deciding about it. */

import { echo } from "../echo.ts";
import { reasonOf, type StoredError, toError } from "../stored-error.ts";
import { TaskError } from "./base.ts";

/** No record has that id: it was never sent, or its result has expired. */
export class TaskNotFoundError extends TaskError {
  constructor(id: string) {
    super("TASK_NOT_FOUND", `No task has the id ${echo(id)}: it was never sent, or its record has expired.`, { id });
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

/** Another form was asked for, and the upload has its file, or has ended without one by somebody's wish. */
export class UploadTakenError extends TaskError {
  constructor(id: string, state: string) {
    super(
      "UPLOAD_TAKEN",
      `Upload ${id} is ${state}: expected one whose file has not come yet. Ask for a new upload with POST /uploads.`,
      { id, state },
    );
  }
}

/** Parts of a file were asked for, or were to become one, and S3 has them no more. */
export class UploadExpiredError extends TaskError {
  constructor(id: string) {
    super(
      "UPLOAD_EXPIRED",
      `The parts of upload ${id} are kept no longer: S3 removes those of a file that is not whole after a day. Ask for a new upload with POST /uploads/multipart.`,
      { id },
    );
  }
}

/** Parts were to become a file, and some of them are missing. */
export class UploadIncompleteError extends TaskError {
  constructor(id: string, missingBytes: number, sizeBytes: number) {
    super(
      "UPLOAD_INCOMPLETE",
      `Upload ${id} lacks ${missingBytes} of ${sizeBytes} bytes: expected all its parts. POST /uploads/${id}/parts answers with links for those that are missing.`,
      { id, missingBytes, sizeBytes },
    );
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

/** `AsyncResult.get()` throws this for a failed task: the error as its record keeps it. */
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

/** A payload, result or error that was kept in S3 is no longer there, or is damaged. */
export class ValueExpiredError extends TaskError {
  readonly isDamaged: boolean;

  /** @param isDamaged something is there, and it is no JSON */
  constructor(key: string, sizeBytes: number, isDamaged = false) {
    super(
      "VALUE_EXPIRED",
      isDamaged
        ? `A value of ${sizeBytes} bytes cannot be read under '${key}': the object there is damaged, for it is no JSON.`
        : `A value of ${sizeBytes} bytes is no longer stored under '${key}': the bucket's lifecycle rules have removed it.`,
      { key, sizeBytes },
    );
    this.isDamaged = isDamaged;
  }
}
