/** A call or a message that was refused, or could not be sent. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { closestMatch } from "leven";
import { cut, echo, listText } from "../echo.ts";
import { describeError } from "../stored-error.ts";
import { MAX_REASON_CHARS, TaskError } from "./base.ts";
import { issuesText } from "./issues.ts";

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

/** A payload does not fit its task's schema, or is no JSON. */
export class InvalidPayloadError extends TaskError {
  readonly issues: readonly StandardSchemaV1.Issue[];

  /** @param cause what the schema threw, if it did */
  constructor(task: string, issues: readonly StandardSchemaV1.Issue[], cause?: unknown) {
    const sentence = `Payload of task '${task}' was refused${issuesText(issues)}.`;
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
  constructor(option: string, value: unknown, expected: string) {
    super("OPTION_INVALID", `Option ${echo(option)} has the value ${echo(value)}: expected ${expected}.`, { option });
  }
}

/** An option, or a field of a query, that nothing knows: a mistyped one would be a delay that never happens. */
export class UnknownOptionError extends TaskError {
  /**
   * @param name as it was given, with the place where it stood
   * @param known the names that are accepted there
   */
  constructor(name: string, known: readonly string[], kind = "Option") {
    const last = name.split(".").at(-1) ?? name;
    const like = closestMatch(last, known, { maxDistance: Math.ceil(last.length / 3) });
    const cure = like === undefined ? `expected one of ${known.join(", ")}` : `did you mean '${like}'?`;
    const end = like === undefined ? "." : ` Known are ${known.join(", ")}.`;
    super("OPTION_INVALID", `${kind} ${echo(name)} is unknown: ${cure}${end}`, { option: name });
  }
}

/** Two options were given of which each rules out the other. */
export class ConflictingOptionsError extends TaskError {
  /** @param reason why not both, as the end of a sentence */
  constructor(option: string, other: string, reason: string) {
    const sentence = `Option '${option}' cannot be given together with '${other}': ${reason}. Leave one of them out.`;
    super("OPTION_INVALID", sentence, { option, other });
  }
}

/** An option is missing that another one, or the queue, cannot do without. */
export class MissingOptionError extends TaskError {
  /** @param reason why it is needed, or why there is none, as the end of a sentence; `cause` is the error of its function */
  constructor(option: string, reason: string, cause?: unknown) {
    super("OPTION_INVALID", `Option '${option}' is missing: ${reason}.`, { option }, cause);
  }
}

/** A message is not one that Lovage wrote; retrying cannot help. */
export class InvalidMessageError extends TaskError {
  /** @param writer who alone writes to its queue */
  constructor(reason: string, writer = "Lovage") {
    const sentence = `Message was refused: ${cut(reason, MAX_REASON_CHARS)}. Only messages sent by ${writer} belong on this queue.`;
    super("MESSAGE_INVALID", sentence);
  }
}

/** A newer version of Lovage has sent a message, which this one cannot read: it waits for a worker that can. */
export class NewerMessageError extends TaskError {
  /** As far as it can be read at all. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(version: number, fields: Readonly<Record<string, unknown>>) {
    const sentence = `Message of version ${version} cannot be read here: this worker reads version 1. It waits for a newer worker; deploy one.`;
    super("MESSAGE_NEWER", sentence, { version });
    this.fields = fields;
  }
}

/** A payload of a version that its task, as it is deployed, does not know yet: it waits for a worker that does. */
export class NewerPayloadError extends TaskError {
  constructor(task: string, version: number, newest: number) {
    super(
      "PAYLOAD_NEWER",
      `Payload of task '${task}' is of version ${version}: this service knows versions up to ${newest}. Deploy the newer code of the task, or send an older version.`,
      { task, version, newest },
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

/** An id that a caller has made is that of another task, or of another payload. */
export class IdReusedError extends TaskError {
  constructor(id: string, task: string) {
    super(
      "ID_REUSED",
      `Id ${id} of this call to '${task}' belongs to a task with another name or payload: expected the same call, or a new id.`,
      { id, task },
    );
  }
}

/** An event that asked for the task, a firing of beat or a file that arrived, failed until AWS gave it up. */
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
