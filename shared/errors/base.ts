export type ErrorCode =
  | "CONFIG_INVALID"
  | "TASK_NOT_REGISTERED"
  | "TASK_ALREADY_REGISTERED"
  | "TASK_NOT_EXPORTED"
  | "PAYLOAD_INVALID"
  | "PAYLOAD_TOO_LARGE"
  | "OPTION_INVALID"
  | "MESSAGE_INVALID"
  | "MESSAGE_NEWER"
  | "PAYLOAD_NEWER"
  | "SCHEDULE_INVALID"
  | "SCHEDULE_NOT_FOUND"
  | "SCHEDULE_EXISTS"
  | "SCHEDULE_CHANGED"
  | "SCHEDULE_STATIC"
  | "TASK_NOT_FOUND"
  | "WORKFLOW_INVALID"
  | "WORKFLOW_NOT_FOUND"
  | "WORKFLOW_NEWER"
  | "WORKFLOW_ENDED"
  | "WORKFLOW_STEP_FAILED"
  | "WORKFLOW_STOPPED"
  | "TASK_UNFINISHED"
  | "IDEMPOTENCY_KEY_REUSED"
  | "ID_REUSED"
  | "UPLOAD_TAKEN"
  | "UPLOAD_EXPIRED"
  | "UPLOAD_INCOMPLETE"
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

/** The longest text of somebody else that a sentence repeats, in characters. */
export const MAX_REASON_CHARS = 500;
