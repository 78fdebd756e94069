import { InvalidOptionError } from "../errors.ts";
import { parseJson } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { payloadText } from "../message/user-values.ts";
import { currentRun } from "./context.ts";
import type { App } from "./current-app.ts";
import { deliver, type Sent } from "./deliver.ts";
import { type ApplyOptions, type ResolvedOptions, resolveOptions } from "./options.ts";
import { type OnceOptions, sendDebounced, sendOnce } from "./send-once.ts";
import type { RegisteredTask } from "./task.ts";

/**
 * Sends one task: message first, then its PENDING record. A crash between the two leaves a task that runs (its claim
 * writes the record), never a record that waits for a message which nobody sent.
 *
 * @param known what the caller already decided: the id, where it is derived; the task that this one runs again, and its tags
 * @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionError, IdempotencyKeyReusedError: nothing was sent
 * @throws BrokerError: SQS did not take the message
 * @throws ResultStoreError: the message was sent and will run; its record could not be written
 */
export async function sendTask(
  app: App,
  task: RegisteredTask,
  payload: unknown,
  options: ApplyOptions = {},
  known: { id?: string; replayOf?: string; tags?: readonly string[] } = {},
): Promise<Sent> {
  const parent = currentRun();
  // A run that was given up (time limit, taken over) must not go on to set things off.
  parent?.over.throwIfAborted();

  const now = app.clock();
  const resolved = resolveOptions(options, now, task.queue);
  if (!app.config.queues.includes(resolved.queue)) {
    throw new InvalidOptionError(
      "queue",
      resolved.queue,
      `one of the service's queues (${app.config.queues.join(", ")})`,
    );
  }
  const text = payloadText(task.name, payload);
  const json = parseJson(text);
  const keys = await task.validate(json);
  const once = onceOptions(app, resolved);
  const id = known.id ?? app.newId();
  const message: Message = {
    v: 1,
    id,
    task: task.name,
    attempt: 1,
    payload: json,
    queue: resolved.queue,
    sentAt: now.toISOString(),
    rootId: parent?.context.rootId ?? id,
    ...(parent && { parentId: parent.context.id }),
    ...(known.replayOf !== undefined && { replayOf: known.replayOf }),
    ...keys,
    ...messageOptions(task, resolved, now, known.tags),
    ...(once && { keepUntil: new Date(now.getTime() + once.lifetimeSeconds * 1_000).toISOString() }),
  };
  if (app.broker.isFifo(message.queue) && message.messageGroupId === undefined) {
    throw new InvalidOptionError(
      "messageGroupId",
      undefined,
      `text, for queue '${message.queue}' keeps the order within a group`,
    );
  }
  if (resolved.debounce) return sendDebounced(app, message, text, resolved.debounce);
  return once ? sendOnce(app, message, text, once) : deliver(app, message, text);
}

/** What the message says because of the call's options and the task's. */
function messageOptions(
  task: RegisteredTask,
  options: ResolvedOptions,
  now: Date,
  oldTags: readonly string[] = [],
): Partial<Message> {
  const { eta, messageGroupId, headers, timeLimit, softTimeLimit } = options;
  const expires = options.expires ?? taskExpiry(task, eta ?? now);
  const tags = [...new Set([...task.tags, ...(options.tags ?? []), ...oldTags])];
  return {
    ...(eta && { eta: eta.toISOString() }),
    ...(expires && { expires: expires.toISOString() }),
    ...(tags.length > 0 && { tags }),
    ...(headers && { headers }),
    ...(messageGroupId !== undefined && { messageGroupId }),
    ...(timeLimit !== undefined && { timeLimit }),
    ...(softTimeLimit !== undefined && { softTimeLimit }),
    ...((options.ignoreResult ?? task.ignoreResult) && { ignoreResult: true as const }),
    ...(!task.trackStarted && { trackStarted: false as const }),
  };
}

/** Seconds that an idempotency key is remembered, if records live as long. */
const IDEMPOTENCY_SECONDS = 86_400;

function onceOptions(
  app: App,
  { idempotencyKey, idempotencyExpires, throttle }: ResolvedOptions,
): OnceOptions | undefined {
  if (throttle) return { kind: "throttle", key: throttle.key, lifetimeSeconds: throttle.period };
  if (idempotencyKey === undefined) return undefined;
  const lifetimeSeconds = idempotencyExpires ?? Math.min(IDEMPOTENCY_SECONDS, app.config.resultExpires);
  return { kind: "idempotency", key: idempotencyKey, lifetimeSeconds };
}

function taskExpiry(task: RegisteredTask, start: Date): Date | undefined {
  return task.expires === undefined ? undefined : new Date(start.getTime() + task.expires * 1_000);
}
