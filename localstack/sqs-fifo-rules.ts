/** What SQS refuses of message groups, deduplication ids and the attributes of FIFO queues, and fauxqs lets through. */
import type { Queue } from "./fauxqs.ts";
import { isObject, type JsonObject } from "./json.ts";
import { invalid, type SqsRefusal } from "./sqs-refusal.ts";

const FIFO_ATTRIBUTES = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
/** Alphanumeric characters and punctuation: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const VALID_ID = /^[!-~]{1,128}$/;

/** Of a message: an id with other characters, and a deduplication id that a standard queue has no use for. */
export function refuseIds(message: JsonObject, queue: Queue | undefined): SqsRefusal | undefined {
  if (queue !== undefined && !queue.isFifo() && message.MessageDeduplicationId !== undefined) {
    return invalid(
      `Value ${message.MessageDeduplicationId} for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    );
  }
  for (const name of ["MessageGroupId", "MessageDeduplicationId"]) {
    const value = message[name];
    if (typeof value === "string" && value !== "" && !VALID_ID.test(value)) {
      return invalid(
        `Value ${value} for parameter ${name} is invalid. Reason: ${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
      );
    }
  }
  return undefined;
}

/**
 * Of a queue that is created or changed: a name and attributes that are not of the same kind of queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 *
 * @param present what the queue has already
 */
export function refuseFifoAttributes(
  request: JsonObject,
  isFifoName: boolean,
  present: Readonly<Record<string, string>>,
): SqsRefusal | undefined {
  const given = isObject(request.Attributes) ? request.Attributes : {};
  const attributes: JsonObject = { ...present, ...given };
  if (isFifoName && attributes.FifoQueue !== "true") {
    return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  }
  const misplaced = FIFO_ATTRIBUTES.find((name) => name in given);
  // A standard name with FifoQueue is refused by fauxqs, in AWS's words.
  if (!isFifoName && misplaced !== undefined && attributes.FifoQueue !== "true") {
    return { code: "InvalidAttributeName", message: `Unknown Attribute ${misplaced}.` };
  }
  if (attributes.FifoThroughputLimit === "perMessageGroupId" && attributes.DeduplicationScope !== "messageGroup") {
    return {
      code: "InvalidAttributeValue",
      message: "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
    };
  }
  return undefined;
}
