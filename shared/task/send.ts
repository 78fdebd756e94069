import {
  IdempotencyKeyReusedError,
  InvalidOptionError,
  InvalidPayloadError,
  PayloadTooLargeError,
  ResultStoreError,
} from "../errors.ts";
import { byteLength, type Json, parseJson, toJsonText } from "../message/json.ts";
import { MAX_PAYLOAD_BYTES, type Message } from "../message/message.ts";
import { reserve } from "../results/idempotency.ts";
import type { TaskState } from "../results/record.ts";
import { currentContext } from "./context.ts";
import type { App } from "./current-app.ts";
import { dispatch } from "./dispatch.ts";
import { type ApplyOptions, resolveOptions } from "./options.ts";
import type { RegisteredTask } from "./task.ts";

/** Seconds that an idempotency key is remembered; less, if records live shorter: a key must not outlive its task's record. */
const IDEMPOTENCY_SECONDS = 86_400;

/** A task that was accepted: durable in SQS, and recorded. */
export interface Sent {
  id: string;
  state: TaskState;
}

/**
 * Sends one task: message first, then its PENDING record. A crash between the two leaves a task that runs (its claim
 * writes the record), never a record that waits for a message which nobody sent.
 *
 * @param known what the caller already decided: the id, where it is derived, and the task that this one runs again
 * @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionError, IdempotencyKeyReusedError: nothing was sent
 * @throws BrokerError: SQS did not take the message
 * @throws ResultStoreError: the message was sent and will run; its record could not be written
 */
export async function sendTask(
  app: App,
  task: RegisteredTask,
  payload: unknown,
  options: ApplyOptions = {},
  known: { id?: string; replayOf?: string } = {},
): Promise<Sent> {
  const id = known.id ?? app.newId();
  const parent = currentContext();
  // A run that was given up (time limit, taken over) must not go on to set things off.
  parent?.signal.throwIfAborted();

  const now = app.clock();
  const resolved = resolveOptions(options, now, task.queue);
  if (!app.config.queues.includes(resolved.queue)) {
    throw new InvalidOptionError(
      "queue",
      resolved.queue,
      `one of the service's queues (${app.config.queues.join(", ")})`,
    );
  }
  const expires = resolved.expires ?? taskExpiry(task, resolved.eta ?? now);
  const message: Message = {
    v: 1,
    id,
    task: task.name,
    attempt: 1,
    payload: await checkedPayload(task, payload),
    queue: resolved.queue,
    sentAt: now.toISOString(),
    rootId: parent?.rootId ?? id,
    ...(parent && { parentId: parent.id }),
    ...(known.replayOf !== undefined && { replayOf: known.replayOf }),
    ...(resolved.eta && { eta: resolved.eta.toISOString() }),
    ...(expires && { expires: expires.toISOString() }),
  };
  return resolved.idempotencyKey === undefined
    ? deliver(app, message)
    : deliverOnce(app, message, resolved.idempotencyKey);
}

/** The payload as it will arrive: through JSON, and fit for the task's schema in that form. */
async function checkedPayload(task: RegisteredTask, payload: unknown): Promise<Json> {
  let text: string;
  try {
    text = toJsonText(payload);
  } catch (error) {
    throw new InvalidPayloadError(task.name, [{ message: `it is not JSON (${String(error)})` }]);
  }
  const sizeBytes = byteLength(text);
  if (sizeBytes > MAX_PAYLOAD_BYTES) throw new PayloadTooLargeError(task.name, sizeBytes, MAX_PAYLOAD_BYTES);
  const json = parseJson(text);
  await task.validate(json);
  return json;
}

async function deliver(app: App, message: Message): Promise<Sent> {
  await dispatch(app, message);
  // Dying here is harmless: see above.
  return { id: message.id, state: await record(app, message) };
}

async function deliverOnce(app: App, message: Message, key: string): Promise<Sent> {
  const reservation = await reserve(
    app.table,
    app.clock(),
    message,
    key,
    Math.min(IDEMPOTENCY_SECONDS, app.config.resultExpires),
  );
  // Dying here leaves a key whose task was never sent; the next submit with that key sends it, below.
  if (reservation.first) return deliver(app, message);
  if (!reservation.samePayload) throw new IdempotencyKeyReusedError(message.task, key);

  const state = await app.results.stateOf(reservation.id);
  if (state !== undefined) return { id: reservation.id, state };
  const { eta, ...rest } = message;
  const rootId = message.parentId === undefined ? reservation.id : message.rootId;
  return deliver(app, { ...rest, id: reservation.id, rootId, ...(reservation.eta && { eta: reservation.eta }) });
}

async function record(app: App, message: Message): Promise<TaskState> {
  try {
    return await app.results.pending(message);
  } catch (error) {
    throw new ResultStoreError(message.task, message.id, error);
  }
}

function taskExpiry(task: RegisteredTask, start: Date): Date | undefined {
  return task.expires === undefined ? undefined : new Date(start.getTime() + task.expires * 1_000);
}
