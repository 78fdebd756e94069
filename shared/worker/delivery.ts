import type { SQSRecord } from "aws-lambda";
import { decodeMessage, type Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import { dispatch } from "../task/dispatch.ts";
import type { Verdict } from "./batch.ts";

/** A message as it was received. */
export interface Delivery {
  message: Message;
  record: SQSRecord;
  /** It came from a FIFO queue: nothing of its group comes before it is acknowledged, so it waits where it is. */
  fifo: boolean;
}

/** The longest delay of one message, and the longest that a message put off waits before someone looks at it again. */
const MAX_PUT_OFF_SECONDS = 900;

/** @throws InvalidMessageError for a body that is no message */
export function readDelivery(record: SQSRecord): Delivery {
  return { message: decodeMessage(record.body), record, fifo: isFifo(record) };
}

export function isFifo({ eventSourceARN }: SQSRecord): boolean {
  return eventSourceARN.endsWith(".fifo");
}

/**
 * Lets a message wait without using up anything of it: neither its attempt nor its receive count, for what comes back is a new SQS
 * message. On a FIFO queue it is hidden instead; there the receive count means nothing.
 */
export async function putOff(
  app: App,
  { message, record, fifo }: Delivery,
  seconds: number,
  changes: Partial<Message> = {},
): Promise<Verdict> {
  if (fifo) {
    await app.broker.hide(message.queue, record.receiptHandle, seconds);
    return "keep";
  }
  // Dying after this leaves two of the same message, which is harmless: one claim wins.
  await app.broker.send({ ...message, ...changes }, Math.min(MAX_PUT_OFF_SECONDS, Math.max(0, Math.ceil(seconds))));
  return "acknowledge";
}

/** Lets the next attempt happen at `eta`. On a FIFO queue this message stands for every attempt. */
export async function sendRetry(app: App, delivery: Delivery, eta: Date): Promise<Verdict> {
  const { message, fifo } = delivery;
  if (fifo) return putOff(app, delivery, (eta.getTime() - app.clock().getTime()) / 1_000);
  const { suspect, slot, deferrals, payloadRef, ...rest } = message;
  const name = { id: message.id, part: "payload", version: String(message.attempt + 1) } as const;
  const until = new Date(eta.getTime() + app.config.resultExpires * 1_000);
  await dispatch(app, {
    ...rest,
    ...(payloadRef && { payloadRef: await app.claimChecks.renew(name, payloadRef, until) }),
    attempt: message.attempt + 1,
    eta: eta.toISOString(),
  });
  return "acknowledge";
}
