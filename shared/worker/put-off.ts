/** How a message waits: hidden where it is, sent again for later, or as the next attempt. */

import { keepForTask } from "../canvas/keep.ts";
import { neededUntil, REFRESH_SECONDS } from "../lifetimes.ts";
import type { Message } from "../message/message.ts";
import type { StoredRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import { dispatch } from "../task/submit.ts";
import type { Verdict } from "./acknowledgement.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/** The longest delay of one message, and the longest that a message put off waits before someone looks at it again. */
const MAX_PUT_OFF_SECONDS = 900;

/** SQS keeps a message for 14 days. Before that, even one of a FIFO queue is sent again: last in its group, but not lost. */
const MAX_FIFO_SECONDS = 13 * 86_400;

/** Hides a message where it is. */
export async function hide(app: App, { source, receiptHandle }: TaskDelivery, seconds: number): Promise<"keep"> {
  await app.broker.hide(source, receiptHandle, seconds);
  return "keep";
}

/**
 * Lets a message wait without using up anything of it: neither its attempt nor its receive count, for what comes back is a new SQS
 * message. On a FIFO queue it is hidden instead; there the receive count means nothing.
 */
export async function putOff(
  app: App,
  delivery: TaskDelivery,
  seconds: number,
  changes: Partial<Message> = {},
): Promise<Verdict> {
  const { fifo } = delivery;
  if (fifo && !isForgottenSoon(app, delivery)) return hide(app, delivery, seconds);

  const fresh = await refreshed(app, delivery.message);
  if (fresh === undefined) return "acknowledge";
  // On a FIFO queue it must differ from what SQS has seen in the last five minutes.
  const message = { ...fresh, ...changes, ...(fifo && { deferrals: (fresh.deferrals ?? 0) + 1 }) };
  // Dying after this leaves two of the same message, which is harmless: one claim wins.
  await app.broker.send(message, Math.min(MAX_PUT_OFF_SECONDS, Math.max(0, Math.ceil(seconds))));
  return "acknowledge";
}

/** Whether SQS has kept a message for so long that it may not come back once more. */
function isForgottenSoon(app: App, { sentAt }: TaskDelivery): boolean {
  return (app.clock().getTime() - sentAt.getTime()) / 1000 >= MAX_FIFO_SECONDS;
}

/**
 * A message of a FIFO queue that is run in its last day has a copy sent first, behind its group: if its worker dies, SQS may have forgotten
 * the message by the time when it would come back. Dying after this leaves a copy, which finds the record that the run leaves.
 */
export async function insure(app: App, delivery: TaskDelivery): Promise<void> {
  if (!delivery.fifo || !isForgottenSoon(app, delivery)) return;
  const fresh = await refreshed(app, delivery.message);
  if (fresh !== undefined) await app.broker.send({ ...fresh, deferrals: (fresh.deferrals ?? 0) + 1 }, 0);
}

/**
 * Keeps what a waiting message needs for as long as the message may be on its way: its record, which tells that it has not been
 * revoked, and its payload. Undefined if its task has ended meanwhile.
 */
export async function refreshed(app: App, message: Message): Promise<Message | undefined> {
  const now = app.clock();
  const last = message.refreshedAt ?? message.eta ?? message.sentAt;
  if (now.getTime() - Date.parse(last) < REFRESH_SECONDS * 1000) return message;
  await keepForTask(app, message, now);
  const renewed = { ...(await withPayloadUntil(app, message, now)), refreshedAt: now.toISOString() };
  return (await app.results.refresh(renewed)) ? renewed : undefined;
}

/** The message with its payload stored for an attempt at `eta`, and for its record after that. */
export async function withPayloadUntil(app: App, message: Message, eta: Date): Promise<Message> {
  const { payloadRef } = message;
  if (payloadRef === undefined) return message;
  const until = new Date(neededUntil(app.clock(), eta));
  const name = { id: message.id, part: "payload", version: String(app.clock().getTime()) } as const;
  return { ...message, payloadRef: { ...payloadRef, ...(await app.largeValues.renew(name, payloadRef, until)) } };
}

/**
 * Comes back when the run that holds the task must be over. The copy says which run was seen: if that one still holds the task
 * then, its worker has died. A message of a FIFO queue is not sent but hidden, so the record says what it has seen.
 */
export async function comeBackAfter(
  app: App,
  delivery: TaskDelivery,
  { fence, functionSeconds }: StoredRecord,
): Promise<Verdict> {
  // Dying after this, or hiding it in vain, shows it again when its visibility timeout ends, by when that run is over, too.
  if (delivery.fifo) await app.results.witness(delivery.message, delivery, fence);
  return putOff(app, delivery, functionSeconds + 1, { seen: fence, suspect: true });
}

/** Lets the next attempt happen at `eta`. On a FIFO queue this message stands for every attempt. */
export async function sendRetry(app: App, delivery: TaskDelivery, eta: Date): Promise<Verdict> {
  if (delivery.fifo) return putOff(app, delivery, (eta.getTime() - app.clock().getTime()) / 1000);
  const { suspect, seen, slot, deferrals, refreshedAt, crowded, rescues, newerSince, ...rest } = delivery.message;
  await keepForTask(app, rest, eta);
  await dispatch(app, { ...rest, attempt: rest.attempt + 1, eta: eta.toISOString() });
  return "acknowledge";
}
