/**
 * Receipt handles: fauxqs's own, with the message and the queue that they belong to, so that a made-up one is known as such,
 * and one whose visibility timeout has ended still leads to its message.
 */

import type { Message, Queue } from "./fauxqs.ts";

/** A handle that this queue has given out. */
export interface Receipt {
  /** By which fauxqs knows the message while it is in flight. */
  readonly handle: string;
  readonly messageId: string;
}

/** Not in the place of the others: that of a message which is in flight anew, or was deleted. */
export type ReceiptState = "in flight" | "visible" | "received anew" | "gone";

const PARTS = /^(\S+) (\S+) (\S+)$/;

/** The handle as a receive answers it. */
export function toReceiptHandle(queue: Queue, { handle, messageId }: Receipt): string {
  return Buffer.from(`${handle} ${messageId} ${queue.arn}`).toString("base64");
}

/** Reads a handle that was given out before; undefined for any other text. */
export function readReceiptHandle(queue: Queue, text: string): Receipt | undefined {
  const plain = Buffer.from(text, "base64").toString();
  const [, handle = "", messageId = "", arn] = PARTS.exec(plain) ?? [];
  return arn === queue.arn && toReceiptHandle(queue, { handle, messageId }) === text
    ? { handle, messageId }
    : undefined;
}

export function stateOf(queue: Queue, receipt: Receipt): ReceiptState {
  const { handle, messageId } = receipt;
  if (queue.inflightMessages.has(handle)) return "in flight";
  queue.processTimers();
  const isSame = (message: Message): boolean => message.messageId === messageId;
  if (queue.messages.some(isSame) || [...queue.fifoMessages.values()].flat().some(isSame)) return "visible";
  return handleInFlight(queue, receipt) === undefined ? "gone" : "received anew";
}

/** The handle by which fauxqs knows the message now, if it is in flight. */
export function handleInFlight(queue: Queue, { messageId }: Receipt): string | undefined {
  return [...queue.inflightMessages].find(([, { message }]) => message.messageId === messageId)?.[0];
}

/** Puts a visible message of a standard queue back under its old handle, by which it can then be deleted or hidden. */
export function takeAgain(queue: Queue, { handle, messageId }: Receipt): void {
  const index = queue.messages.findIndex((message) => message.messageId === messageId);
  const [message] = index < 0 ? [] : queue.messages.splice(index, 1);
  if (message !== undefined) {
    queue.inflightMessages.set(handle, { message, receiptHandle: handle, visibilityDeadline: Date.now() });
  }
}
