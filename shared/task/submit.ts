import { MAX_DELAY_SECONDS } from "../broker/broker.ts";
import { IdReusedError, ResultStoreError } from "../errors.ts";
import { neededUntil } from "../lifetimes.ts";
import type { Message } from "../message/message.ts";
import { isSameContent } from "../results/content.ts";
import type { StoredRecord, TaskState } from "../results/record.ts";
import type { App } from "./current-app.ts";
import type { Position } from "./fifo-send-order.ts";
import { secondsUntil } from "./times.ts";

/** A task that was accepted: durable in SQS, and recorded. */
export interface Sent {
  id: string;
  state: TaskState;
}

/** A message that is ready to be sent. */
export interface Outgoing {
  message: Message;
  payloadText: string;
  /** On a FIFO queue: its position among the calls of its group. */
  position: Position | undefined;
}

/** Stores the payload if it is large, sends the message, writes the record. */
export async function submit(app: App, { message, payloadText, position }: Outgoing): Promise<Sent> {
  return submitPacked(app, { ...message, ...(await packPayload(app, message, payloadText)) }, position);
}

/** Sends a message whose payload is stored, if it is large, and writes its record. */
export async function submitPacked(app: App, packed: Message, position: Position | undefined): Promise<Sent> {
  // Nothing is refused from here on. Dying after this leaves the name of a task that was never sent: task/replay.ts.
  if (packed.replayOf !== undefined) await app.results.replayed(packed.replayOf, packed.id);
  // One at a time: of several in one call SQS may refuse the first and take the others.
  await position?.reached;
  await dispatch(app, packed);
  position?.leave();
  // Dying here leaves a task that runs; its claim writes the record.
  // With a key, its record is what tells the next call that this one was sent.
  const isKeyed = packed.keepUntil !== undefined || packed.debounce !== undefined || packed.contentHash !== undefined;
  const earlier = packed.ignoreResult && !isKeyed ? undefined : await recordPending(app, packed);
  // A worker refuses the message by the same comparison, so nothing of it is run.
  if (earlier && !isSameContent(packed, earlier)) throw new IdReusedError(packed.id, packed.task);
  return { id: packed.id, state: packed.contentHash === undefined ? "PENDING" : (earlier?.state ?? "PENDING") };
}

/**
 * Sends a message for its `eta`: at once, by SQS's own delay up to 15 minutes, by a timer beyond. Either is durable when
 * this resolves, and either may be repeated.
 */
export async function dispatch(app: App, message: Message): Promise<void> {
  const eta = message.eta === undefined ? undefined : new Date(message.eta);
  const seconds = secondsUntil(eta, app.clock());
  if (eta !== undefined && seconds > MAX_DELAY_SECONDS) await app.timers.put(message, eta);
  else await app.broker.send(message, seconds);
}

/** A large payload goes to S3, for as long as its message and then its record may live. */
export async function packPayload(
  app: App,
  message: Message,
  text: string,
): Promise<Pick<Message, "payload" | "payloadRef">> {
  const eta = message.eta === undefined ? undefined : new Date(message.eta);
  const unfinished = neededUntil(app.clock(), eta) + app.config.resultExpires * 1000;
  const until = new Date(Math.max(unfinished, Date.parse(message.keepUntil ?? message.sentAt)));
  const stored = await app.largeValues.store(
    { id: message.id, part: "payload", version: message.contentHash ?? "1" },
    text,
    until,
  );
  return "ref" in stored ? { payload: null, payloadRef: stored.ref } : { payload: message.payload };
}

/** Answers with the record of an earlier send, or of a worker that was faster. */
async function recordPending(app: App, message: Message): Promise<StoredRecord | undefined> {
  try {
    return await app.results.pending(message);
  } catch (error) {
    throw new ResultStoreError(message.task, message.id, error);
  }
}
