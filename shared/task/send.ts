import { InvalidOptionError, MissingOptionError } from "../errors.ts";
import { parseJson } from "../message/json.ts";
import { MAX_MESSAGE_TAGS } from "../message/labels.ts";
import type { Message, ScheduleMark } from "../message/message.ts";
import { payloadVersionField } from "../message/payload-version.ts";
import { payloadText } from "../message/user-values.ts";
import { contentHashOf } from "../results/content.ts";
import type { SharedKey } from "../results/idempotency-keys.ts";
import { checkCallerId } from "./caller-id.ts";
import { currentRun } from "./context.ts";
import type { App } from "./current-app.ts";
import type { Position } from "./fifo-send-order.ts";
import { type ApplyOptions, checkQueue, type ResolvedOptions, resolveOptions } from "./options.ts";
import { payloadOrNone } from "./payload.ts";
import type { RegisteredTask } from "./registered-task.ts";
import { sendDebounced, sendOnce } from "./send-once.ts";
import { type Outgoing, type Sent, submit } from "./submit.ts";
import { secondsAfter } from "./times.ts";

/** Fields of the message that the caller decides. */
interface Known {
  /** A derived id. @defaultValue a new one */
  id?: string;
  /** The caller's own id: the same content again is the same task. */
  callerId?: unknown;
  /** The version of the payload. @defaultValue the newest. A newer one than the task has is not checked: its worker waits for newer code. */
  payloadVersion?: number;
  /** Fields of the message that it repeats, which this version does not know. */
  others?: object;
  /** The task that this one runs again. */
  replayOf?: string;
  /** Tags of that task. */
  tags?: readonly string[];
  /** The firing of an entry that asks for it. */
  schedule?: ScheduleMark;
  /** Its record is kept at least until then. */
  keepUntil?: Date;
  /** @defaultValue 1 */
  attempt?: number;
  /** Done when all was checked, right before the message is sent. */
  beforeSend?: () => Promise<void>;
}

/**
 * Sends one task: message first, then its PENDING record. A crash between the two leaves a task that runs (its claim
 * writes the record), never a record that waits for a message which nobody sent.
 *
 * @param payload taken as it is at this moment; `undefined` is no payload
 * @throws InvalidPayloadError, PayloadTooLargeError, InvalidOptionError and its kin,
 * IdempotencyKeyReusedError: nothing was sent
 * @throws IdReusedError: there is a task of that id with other content, which goes on; nothing of this one is run
 * @throws BrokerError: SQS did not take the message
 * @throws ResultStoreError: the message was sent and will run; its record could not be written
 */
export async function sendTask(
  app: App,
  task: RegisteredTask,
  payload: unknown,
  { options = {}, ...known }: Known & { options?: ApplyOptions | undefined } = {},
): Promise<Sent> {
  // A run that was given up (time limit, taken over) must not go on to set things off.
  currentRun()?.over.throwIfAborted();

  const now = app.clock();
  const resolved = resolveOptions(options, now, task);
  checkQueue(resolved.queue, app.config.queues);
  const { callerId } = known;
  if (callerId !== undefined) checkCallerId(callerId, options, now);
  const version = known.payloadVersion ?? task.payloadVersion;
  const text = payloadText(task.name, payloadOrNone(task.schema, payload, version === task.payloadVersion));
  // The order of calls is that of this moment: a schema, a payload or a key may take longer for one than for the next.
  const fifo = app.broker.isFifo(resolved.queue);
  const entry = fifo ? app.fifoOrder.join(resolved.queue) : undefined;
  let position: Position | undefined;
  try {
    const message = await toMessage(app, task, { text, version, resolved, now, known, callerId });
    if (fifo) {
      const { messageGroupId } = message;
      if (messageGroupId === undefined) {
        throw new MissingOptionError("messageGroupId", `queue '${message.queue}' keeps the order within a group`);
      }
      await entry?.reached;
      position = app.fifoOrder.join(`${message.queue} ${messageGroupId}`);
      entry?.leave();
    }
    await known.beforeSend?.();
    return await sendMessage(app, task, { message, payloadText: text, position }, resolved);
  } finally {
    entry?.leave();
    position?.leave();
  }
}

/** Makes the message. A parse of its own: a schema or a key function that changes what it is given does not change what is sent. */
async function toMessage(
  app: App,
  task: RegisteredTask,
  call: {
    text: string;
    version: number;
    resolved: ResolvedOptions;
    now: Date;
    known: Known;
    callerId: string | undefined;
  },
): Promise<Message> {
  const { text, version, resolved, now, known, callerId } = call;
  const parent = currentRun();
  const keys = version > task.payloadVersion ? {} : await task.validate(parseJson(text), version);
  const id = callerId ?? known.id ?? app.newId();
  const json = parseJson(text);
  const once = sharedKeyOf(app, resolved);
  return {
    ...known.others,
    v: 1,
    id,
    task: task.name,
    attempt: known.attempt ?? 1,
    payload: json,
    ...payloadVersionField(version),
    queue: resolved.queue,
    sentAt: now.toISOString(),
    rootId: parent?.context.rootId ?? id,
    ...(parent && { parentId: parent.context.id }),
    ...(known.replayOf !== undefined && { replayOf: known.replayOf }),
    ...(known.schedule && { schedule: known.schedule }),
    ...(known.keepUntil && { keepUntil: known.keepUntil.toISOString() }),
    ...(callerId !== undefined && { contentHash: contentHashOf(task.name, json) }),
    ...keys,
    ...messageOptions(task, resolved, now, known.tags),
    ...(once && { keepUntil: secondsAfter(now, once.lifetimeSeconds).toISOString() }),
  };
}

function sendMessage(app: App, task: RegisteredTask, outgoing: Outgoing, options: ResolvedOptions): Promise<Sent> {
  if (options.debounce) return sendDebounced(app, outgoing, options.debounce, task.expires);
  const once = sharedKeyOf(app, options);
  return once ? sendOnce(app, outgoing, once) : submit(app, outgoing);
}

/** The message's fields that come from the options of the call and of the task. */
function messageOptions(
  task: RegisteredTask,
  options: ResolvedOptions,
  now: Date,
  oldTags: readonly string[] = [],
): Partial<Message> {
  const { eta, messageGroupId, headers, timeLimit, softTimeLimit } = options;
  // The start of a debounced call is not known yet.
  const ownExpires =
    task.expires === undefined || options.debounce ? undefined : secondsAfter(eta ?? now, task.expires);
  const expires = options.expires ?? ownExpires;
  const tags = [...new Set([...task.tags, ...(options.tags ?? []), ...oldTags])];
  if (tags.length > MAX_MESSAGE_TAGS) {
    throw new InvalidOptionError("tags", `${tags.length} texts`, `at most ${MAX_MESSAGE_TAGS} with those of the task`);
  }
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

function sharedKeyOf(
  app: App,
  { idempotencyKey, idempotencyExpires, throttle }: ResolvedOptions,
): SharedKey | undefined {
  if (throttle) return { kind: "throttle", key: throttle.key, lifetimeSeconds: throttle.period };
  if (idempotencyKey === undefined) return undefined;
  const lifetimeSeconds = idempotencyExpires ?? Math.min(IDEMPOTENCY_SECONDS, app.config.resultExpires);
  return { kind: "idempotency", key: idempotencyKey, lifetimeSeconds };
}
