/**
 * The error tree, and every sentence that Lovage says when it refuses something.
 *
 * ```text
 * TaskError                    code, details, cause
 *   ConfigError                CONFIG_INVALID            an environment variable or option that cannot be used
 *   TaskAlreadyRegisteredError TASK_ALREADY_REGISTERED   two tasks of one name
 *   TaskNotExportedError       TASK_NOT_EXPORTED         a module in handlers/tasks/ without a task
 *   TaskNotRegisteredError     TASK_NOT_REGISTERED       no module in handlers/tasks/ exports that name
 *   InvalidPayloadError        PAYLOAD_INVALID           carries the schema's issues
 *   PayloadTooLargeError       PAYLOAD_TOO_LARGE         size and limit in bytes
 *   InvalidOptionError         OPTION_INVALID            an option of delay/applyAsync or of task()
 *   UnknownOptionError         OPTION_INVALID            one that is not known; says which may have been meant
 *   ConflictingOptionsError    OPTION_INVALID            two that rule each other out
 *   MissingOptionError         OPTION_INVALID            one that another option, or the queue, needs
 *   InvalidMessageError        MESSAGE_INVALID           not a Lovage message; never retried
 *   NewerMessageError          MESSAGE_NEWER             a newer Lovage has sent it; it waits for a worker that can read it
 *   NewerPayloadError          PAYLOAD_NEWER             newer code of its task has sent it; it waits for a worker that has that
 *   InvalidScheduleError       SCHEDULE_INVALID          expression, field, accepted range
 *   ScheduleNotFoundError      SCHEDULE_NOT_FOUND        no entry has that name
 *   ScheduleExistsError        SCHEDULE_EXISTS           one was to be made that is there
 *   ScheduleChangedError       SCHEDULE_CHANGED          somebody else has changed it meanwhile
 *   StaticScheduleError        SCHEDULE_STATIC           code declares it: only its pause can be changed
 *   InvalidWorkflowError       WORKFLOW_INVALID          the place of what a workflow may not have
 *   WorkflowNotFoundError      WORKFLOW_NOT_FOUND        no workflow with that id
 *   NewerWorkflowError         WORKFLOW_NEWER            a newer Lovage has stored it; it waits for a worker that can read it
 *   WorkflowEndedError         WORKFLOW_ENDED            the group of the task has ended well without it
 *   WorkflowStepFailedError    WORKFLOW_STEP_FAILED      a task before it in its workflow has not ended well
 *   TaskNotFoundError          TASK_NOT_FOUND            no record with that id
 *   TaskUnfinishedError        TASK_UNFINISHED           only what has ended can run again
 *   IdempotencyKeyReusedError  IDEMPOTENCY_KEY_REUSED    same key, other payload
 *   IdReusedError              ID_REUSED                 same id of the caller's, other task or payload
 *   UploadTakenError           UPLOAD_TAKEN              another form of an upload that has its file
 *   UploadExpiredError         UPLOAD_EXPIRED            its parts have become no file within a day, and are gone
 *   UploadIncompleteError      UPLOAD_INCOMPLETE         it was to become a file, and parts are missing
 *   TooManyRevokesError        REVOKES_FULL              as many revokes of many are kept as may be
 *   TaskTimeLimitError         TASK_TIME_LIMIT           ran longer than it may
 *   SoftTimeLimitError         TASK_SOFT_TIME_LIMIT      the reason of its signal at the soft limit
 *   TaskRejectedError          TASK_REJECTED             it threw Reject
 *   TaskCrashedError           TASK_CRASHED              the process died while it ran
 *   TaskReturnedError          TASK_RETURNED             it was handed back too often without an outcome; cause: the last reason
 *   TaskUndeliveredError       TASK_UNDELIVERED          no worker could begin it, however often it was delivered
 *   MaxRetriesExceededError    MAX_RETRIES_EXCEEDED      cause: the last error
 *   TaskRevokedError           TASK_REVOKED
 *   WorkflowStoppedError       WORKFLOW_STOPPED          revoked with its group or workflow
 *   TaskNotSentError           TASK_NOT_SENT             a firing of beat or an arrived file could not be made a task
 *   TaskFailedError            TASK_FAILED               what get() throws: the task's own error, from its record
 *   ResultTimeoutError         RESULT_TIMEOUT            get() stopped waiting; the task may still run
 *   SyncSubtaskError           SYNC_SUBTASK              get() inside a task, which would hold its worker
 *   ResultTooLargeError        RESULT_TOO_LARGE          what a task returned does not fit
 *   InvalidResultError         RESULT_INVALID            what a task returned is no JSON, or its schema refuses it; never retried
 *   InvalidOnceResultError     ONCE_RESULT_INVALID       what was done once gave a result that cannot be kept; never retried
 *   BrokerError                BROKER_FAILED             SQS refused; cause: the SDK's error
 *   ResultStoreError           RESULT_STORE_FAILED       sent, but not recorded; cause: the SDK's error
 *   ValueExpiredError          VALUE_EXPIRED             a large value is gone from S3, or damaged
 * (What a task throws to steer its own life is no fault: task/signals.ts.)
 * ```
 *
 * Guards test `code`, not `instanceof`: errors cross SQS and DynamoDB as text.
 */

export { type ErrorCode, TaskError } from "./errors/base.ts";
export { MAX_ISSUE_CHARS } from "./errors/issues.ts";
export * from "./errors/reading.ts";
export * from "./errors/running.ts";
export * from "./errors/sending.ts";
export * from "./errors/setup.ts";
export * from "./errors/workflow.ts";
export { describeError, NO_REASON, type StoredError, shortened } from "./stored-error.ts";
