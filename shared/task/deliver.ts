import { ResultStoreError } from "../errors.ts";
import { neededUntil } from "../lifetimes.ts";
import type { Message } from "../message/message.ts";
import type { TaskState } from "../results/record.ts";
import type { App } from "./current-app.ts";
import { dispatch } from "./dispatch.ts";

/** A task that was accepted: durable in SQS, and recorded. */
export interface Sent {
  id: string;
  state: TaskState;
}

/** Stores the payload if it is large, sends the message, writes the record. */
export async function deliver(app: App, message: Message, payloadText: string): Promise<Sent> {
  return deliverPacked(app, { ...message, ...(await packPayload(app, message, payloadText)) });
}

/** Sends a message whose payload is stored, if it is large, and writes its record. */
export async function deliverPacked(app: App, packed: Message): Promise<Sent> {
  // Nothing is refused from here on. Dying after this leaves the name of a task that was never sent: task/replay.ts.
  if (packed.replayOf !== undefined) await app.results.replayed(packed.replayOf, packed.id);
  await dispatch(app, packed);
  // Dying here leaves a task that runs; its claim writes the record.
  // With a key, its record is what tells the next call that this one was sent.
  const isKeyed = packed.keepUntil !== undefined || packed.debounce !== undefined;
  if (packed.ignoreResult && !isKeyed) return { id: packed.id, state: "PENDING" };
  return { id: packed.id, state: await record(app, packed) };
}

/** A large payload goes to S3, for as long as its message and then its record may live. */
export async function packPayload(
  app: App,
  message: Message,
  text: string,
): Promise<Pick<Message, "payload" | "payloadRef">> {
  const eta = message.eta === undefined ? undefined : new Date(message.eta);
  const unfinished = neededUntil(app.clock(), eta) + app.config.resultExpires * 1_000;
  const until = new Date(Math.max(unfinished, Date.parse(message.keepUntil ?? message.sentAt)));
  const stored = await app.claimChecks.store({ id: message.id, part: "payload", version: "1" }, text, until);
  return "ref" in stored ? { payload: null, payloadRef: stored.ref } : { payload: message.payload };
}

async function record(app: App, message: Message): Promise<TaskState> {
  try {
    return await app.results.pending(message);
  } catch (error) {
    throw new ResultStoreError(message.task, message.id, error);
  }
}
