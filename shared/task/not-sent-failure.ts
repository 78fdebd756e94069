import { describeError, InvalidMessageError, TaskNotSentError } from "../errors.ts";
import { requiredFields } from "../message/fields.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { ScheduleMark } from "../message/message.ts";
import { FIRST_PAYLOAD_VERSION, payloadVersionField } from "../message/payload-version.ts";
import type { App } from "./current-app.ts";
import { packPayload } from "./submit.ts";

/** A task that something asked for, and that AWS could not have sent. */
export interface Unsent {
  /** The id that it would have had: if it was sent after all, that one's record stands under it. */
  id: string;
  task: string;
  queue: string;
  payload: Json;
  /** @defaultValue 1 */
  payloadVersion?: number;
  /** When it was asked for. */
  askedAt: Date;
  tags?: string[];
  headers?: Record<string, string>;
  /** The firing of an entry that asked for it. */
  schedule?: ScheduleMark;
  /** The attempts and the last error: the end of "Task 't' was not sent: …". */
  reason: string;
}

/**
 * Records what could not be sent as a FAILURE of its task, with its payload, so that it is found among the failures and can be
 * replayed or redriven. A task that has a record was sent: nothing of it is touched. May be repeated.
 * @throws InvalidMessageError for a name, queue or payload that no message may have
 */
export async function recordUnsent(app: App, unsent: Unsent): Promise<void> {
  const {
    id,
    task,
    queue,
    payload,
    payloadVersion = FIRST_PAYLOAD_VERSION,
    askedAt,
    reason,
    tags,
    headers,
    schedule,
  } = unsent;
  const fields = { v: 1, id, task, attempt: 1, payload, queue, sentAt: askedAt.toISOString(), rootId: id };
  const message = {
    ...requiredFields(fields),
    ...payloadVersionField(payloadVersion),
    ...(tags && { tags }),
    ...(headers && { headers }),
    ...(schedule && { schedule }),
  };
  const packed = { ...message, ...(await packPayload(app, message, payloadText(payload))) };
  // Dying before this leaves a stored payload that nobody refers to; the event comes back and does the same again.
  if (await app.results.failUnsent(packed, describeError(new TaskNotSentError(task, reason)))) {
    app.log.error("A task could not be sent", { id, task, queue, reason });
  } else {
    app.log.info("A task was sent, though what asked for it failed", { id, task, queue, reason });
  }
}

/** It comes from whoever may write to the dead-letter queue: perhaps nested deeper than can be written. */
function payloadText(payload: Json): string {
  try {
    return toJsonText(payload);
  } catch (error) {
    throw new InvalidMessageError(`its payload cannot be written as JSON (${describeError(error).message})`);
  }
}
