import type { SQSRecord } from "aws-lambda";

/** A message as SQS has delivered it, once: what Lambda's event says of it, read at the door. */
export interface Delivery {
  messageId: string;
  receiptHandle: string;
  /** How often SQS has delivered this message, this time included. */
  receiveCount: number;
  /** When it was put on its queue. */
  sentAt: Date;
  /** Name of the queue that it came from, the last part of its ARN. */
  queueName: string;
  /** The group whose order it keeps; undefined on a queue that is not FIFO. */
  fifoGroup: string | undefined;
  body: string;
  /** SQS's message attributes that are texts. */
  attributes: Readonly<Record<string, string>>;
}

/** One delivery among those of a message: a later one has a higher count. */
export type DeliveryId = Pick<Delivery, "messageId" | "receiveCount">;

/** Stands for "by no delivery", in a step that is taken without one. */
export const NO_DELIVERY: DeliveryId = { messageId: "", receiveCount: 0 };

/** https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event */
export function readDelivery(record: SQSRecord): Delivery {
  const { messageId, receiptHandle, body, eventSourceARN, attributes, messageAttributes } = record;
  const texts = Object.entries(messageAttributes ?? {}).flatMap(([name, { stringValue }]) =>
    stringValue === undefined ? [] : [[name, stringValue] as const],
  );
  return {
    messageId,
    receiptHandle,
    body,
    receiveCount: Number(attributes.ApproximateReceiveCount),
    sentAt: new Date(Number(attributes.SentTimestamp)),
    queueName: eventSourceARN.split(":").at(-1) ?? "",
    fifoGroup: eventSourceARN.endsWith(".fifo") ? (attributes.MessageGroupId ?? "") : undefined,
    attributes: Object.fromEntries(texts),
  };
}
