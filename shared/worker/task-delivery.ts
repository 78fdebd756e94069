import { DEFAULT_QUEUE } from "../config.ts";
import type { Delivery } from "../message/delivery.ts";
import { decodeMessage } from "../message/encoding.ts";
import { toJsonText } from "../message/json.ts";
import { MAX_INLINE_BYTES } from "../message/large-values.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import { packPayload } from "../task/submit.ts";
import type { Order } from "./batch.ts";

/** A delivery that asks for one attempt of one task. */
export interface TaskDelivery extends Delivery {
  message: Message;
  /** Our name of the queue that it came from. */
  source: string;
  /** Nothing of its FIFO group comes before it is acknowledged, so it waits where it is. */
  fifo: boolean;
  /** SQS delivered it before, or its worker died: perhaps because of it. */
  suspect: boolean;
}

/** A payload above this is run alone: in memory it is several times as large. */
const LARGE_BYTES = 4 * 1024 * 1024;

/** A message that was put off so often, because others had left it too little time, runs before all others. */
const MAX_CROWDED = 5;

/** @throws InvalidMessageError for a body that is no message */
export function readTaskDelivery(app: App, delivery: Delivery): TaskDelivery {
  const decoded = decodeMessage(delivery.body);
  const source = app.config.queueNamed(delivery.queueName);
  const message = onKnownQueue(app, decoded, source);
  return {
    ...delivery,
    message,
    source: source ?? message.queue,
    fifo: delivery.fifoGroup !== undefined,
    suspect: message.suspect === true || delivery.receiveCount > 1,
  };
}

/** A message's queue may have been taken out of the service while it was under way, or waited as a timer. */
export function onKnownQueue(app: App, message: Message, instead = DEFAULT_QUEUE): Message {
  return app.config.queues.includes(message.queue) ? message : { ...message, queue: instead };
}

/** When it runs among the others of its batch. */
export function orderOf({ message, suspect }: TaskDelivery): Order {
  if ((message.crowded ?? 0) >= MAX_CROWDED) return "first";
  return suspect || (message.payloadRef?.sizeBytes ?? 0) > LARGE_BYTES ? "alone" : "together";
}

/** A foreign writer may send a payload that is too large for a record; it is stored as ours are. */
export async function withPayloadStored(app: App, delivery: TaskDelivery): Promise<TaskDelivery> {
  const { message, body } = delivery;
  if (message.payloadRef !== undefined || body.length <= MAX_INLINE_BYTES) return delivery;
  return { ...delivery, message: { ...message, ...(await packPayload(app, message, toJsonText(message.payload))) } };
}
