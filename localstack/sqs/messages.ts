/** Rules for a message that is to be sent, alone or in a batch. */

import { isObject, type JsonObject } from "../json.ts";
import { invalid, invalidValue, missing, type SqsRefusal } from "./errors.ts";
import type { Queue } from "./fauxqs.ts";
import { refuseMessageAttributes } from "./message-attributes.ts";

/** Alphanumeric characters and punctuation: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const VALID_ID = /^[!-~]{1,128}$/;
const MAX_DELAY_SECONDS = 900;
const WRONG_QUEUE_TYPE = "The request include parameter that is not valid for this queue type.";

/** Why SQS would refuse this message, if it would. */
export function refuseMessage(message: JsonObject, queue: Queue): SqsRefusal | undefined {
  return refuseDelay(message, queue) ?? refuseIds(message, queue) ?? refuseMessageAttributes(message);
}

/** A FIFO queue takes no message without a group and a deduplication id. */
export function refuseFifoIds(message: JsonObject, queue: Queue): SqsRefusal | undefined {
  if (!queue.isFifo()) return undefined;
  if (message.MessageGroupId === undefined) return missing("MessageGroupId");
  if (message.MessageDeduplicationId !== undefined || queue.attributes.ContentBasedDeduplication === "true") {
    return undefined;
  }
  return invalid(
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );
}

/** As SQS counts: the body, and of each attribute its name, type and value. */
export function bytesOf(message: JsonObject): number {
  const attributes = isObject(message.MessageAttributes) ? message.MessageAttributes : {};
  let bytes = Buffer.byteLength(String(message.MessageBody));
  for (const [name, attribute] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name);
    for (const value of Object.values(isObject(attribute) ? attribute : {})) bytes += Buffer.byteLength(String(value));
  }
  return bytes;
}

export function isWholeNumber(value: unknown, most: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most;
}

function refuseDelay({ DelaySeconds: delay }: JsonObject, queue: Queue): SqsRefusal | undefined {
  if (delay === undefined) return undefined;
  if (!isWholeNumber(delay, MAX_DELAY_SECONDS)) {
    return invalidValue("DelaySeconds", delay, "DelaySeconds must be >= 0 and <= 900.");
  }
  return queue.isFifo() && delay !== 0 ? invalidValue("DelaySeconds", delay, WRONG_QUEUE_TYPE) : undefined;
}

/** An id with other characters, and a deduplication id that a standard queue has no use for. */
function refuseIds(message: JsonObject, queue: Queue): SqsRefusal | undefined {
  for (const name of ["MessageGroupId", "MessageDeduplicationId"]) {
    const value = message[name];
    if (typeof value === "string" && !VALID_ID.test(value)) {
      const rule = `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`;
      return invalidValue(name, value, rule);
    }
  }
  const { MessageDeduplicationId: id } = message;
  return queue.isFifo() || id === undefined ? undefined : invalidValue("MessageDeduplicationId", id, WRONG_QUEUE_TYPE);
}
