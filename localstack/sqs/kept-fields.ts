/** Fields of a message that fauxqs drops: `MessageGroupId` on standard queues, `AWSTraceHeader`, and the source of a dead letter. */

import { isObject, type JsonObject } from "../json.ts";
import type { Message, Queue } from "./fauxqs.ts";

/** A message as it is stored, in memory and on disk. */
export interface KeptMessage extends Message {
  awsTraceHeader?: string;
  deadLetterQueueSourceArn?: string;
}

type Fields = Pick<KeptMessage, "messageGroupId" | "awsTraceHeader">;

export const TRACE_HEADER = "AWSTraceHeader";

/** fauxqs puts the request's own `MessageAttributes` object into the stored message, so that object identifies it. */
const fieldsOf = new WeakMap<object, Fields>();

/** Notes the fields of a message that is about to be sent. */
export function noteFields(message: JsonObject): void {
  const { MessageGroupId: group, MessageSystemAttributes: system } = message;
  const trace = isObject(system) && isObject(system[TRACE_HEADER]) ? system[TRACE_HEADER].StringValue : undefined;
  message.MessageAttributes ??= {};
  if (!isObject(message.MessageAttributes)) return;
  fieldsOf.set(message.MessageAttributes, {
    ...(typeof group === "string" && { messageGroupId: group }),
    ...(typeof trace === "string" && { awsTraceHeader: trace }),
  });
}

/**
 * Makes a queue keep the fields of its messages.
 * Fair queues: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function keepFields(queue: Queue): void {
  const enqueue = queue.enqueue.bind(queue);
  queue.enqueue = (message) => enqueue(Object.assign(message, fieldsOf.get(message.messageAttributes)));
}
