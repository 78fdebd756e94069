/** Requests that SQS refuses and fauxqs lets through. */

import { isObject, type JsonObject, objectsOf, parseObject } from "../json.ts";
import type { Queue, QueueStore } from "./fauxqs.ts";
import { hasLapsed } from "./fifo.ts";

/** An error of SQS, in its words. */
export interface SqsRefusal {
  readonly code: string;
  readonly message: string;
}

/** An entry of a batch that fails while the others succeed. */
export interface FailedEntry {
  readonly Id: unknown;
  readonly SenderFault: boolean;
  readonly Code: string;
  readonly Message: string;
}

const FIFO_ATTRIBUTES = ["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];
/** Alphanumeric characters and punctuation: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const VALID_ID = /^[!-~]{1,128}$/;
const MAX_DELAY_SECONDS = 900;
const MAX_RECEIVE_COUNT = 1000;
const MAX_WAIT_SECONDS = 20;

/** Why SQS would refuse the whole request, if it would. */
export function refusalOf(action: string, request: JsonObject, queues: QueueStore): SqsRefusal | undefined {
  const queue = queueOf(request, queues);
  switch (action) {
    case "CreateQueue": {
      const isFifo = String(request.QueueName).endsWith(".fifo");
      return refuseFifoAttributes(request, isFifo, {}) ?? refuseRedrivePolicy(request, isFifo, queues);
    }
    case "SetQueueAttributes": {
      const isFifo = queue?.isFifo() ?? false;
      const present = queue?.attributes ?? {};
      return refuseFifoAttributes(request, isFifo, present) ?? refuseRedrivePolicy(request, isFifo, queues);
    }
    case "SendMessage":
      return refuseDelay(request) ?? refuseIds(request, queue);
    case "DeleteMessage":
      return refuseReceipt(request, queue);
    case "ReceiveMessage":
      return refuseWait(request);
    default:
      return undefined;
  }
}

/** Takes the entries out of a batch that SQS would refuse one by one. */
export function takeRefusedEntries(action: string, request: JsonObject, queue: Queue | undefined): FailedEntry[] {
  const failed: FailedEntry[] = [];
  request.Entries = objectsOf(request.Entries).filter((entry) => {
    const refusal =
      action === "DeleteMessageBatch" ? refuseReceipt(entry, queue) : (refuseDelay(entry) ?? refuseIds(entry, queue));
    if (refusal !== undefined) {
      failed.push({ Id: entry.Id, SenderFault: true, Code: refusal.code, Message: refusal.message });
    }
    return refusal === undefined;
  });
  return failed;
}

/** The queue that a request names, if it exists. */
export function queueOf(request: JsonObject, queues: QueueStore): Queue | undefined {
  const url = request.QueueUrl;
  return typeof url === "string" ? queues.getQueue(url) : undefined;
}

function refuseDelay(message: JsonObject): SqsRefusal | undefined {
  const delay = message.DelaySeconds;
  if (delay === undefined || isWholeNumber(delay, MAX_DELAY_SECONDS)) return undefined;
  return invalid(`Value ${delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`);
}

/** A FIFO queue refuses to delete what has become visible again; a standard queue takes it, to no effect. */
function refuseReceipt({ ReceiptHandle: receipt }: JsonObject, queue: Queue | undefined): SqsRefusal | undefined {
  if (queue === undefined || !hasLapsed(queue, String(receipt))) return undefined;
  return invalid(`Value ${receipt} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`);
}

function refuseWait(request: JsonObject): SqsRefusal | undefined {
  const wait = request.WaitTimeSeconds;
  if (wait === undefined || isWholeNumber(wait, MAX_WAIT_SECONDS)) return undefined;
  return invalid(
    `Value ${wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
  );
}

function refuseRedrivePolicy(request: JsonObject, fifo: boolean, queues: QueueStore): SqsRefusal | undefined {
  const attributes = isObject(request.Attributes) ? request.Attributes : {};
  const text = attributes.RedrivePolicy;
  if (typeof text !== "string" || text === "") return undefined;
  const start = `Value ${text} for parameter RedrivePolicy is invalid. Reason:`;
  const policy = parseObject(text);
  if (policy === undefined) return invalid(`${start} Redrive policy is not a valid JSON map.`);
  const count = Number(policy.maxReceiveCount);
  if (count === 0 || !isWholeNumber(count, MAX_RECEIVE_COUNT)) {
    return invalid(
      `${start} Invalid value for maxReceiveCount: ${policy.maxReceiveCount}, valid values are from 1 to 1000 both inclusive.`,
    );
  }
  const target = queues.getQueueByArn(String(policy.deadLetterTargetArn));
  if (target === undefined) return invalid(`${start} Dead letter target does not exist.`);
  if (target.isFifo() !== fifo) return invalid(`${start} Dead-letter queue must be same type of queue as the source.`);
  return undefined;
}

/** Of a message: an id with other characters, and a deduplication id that a standard queue has no use for. */
function refuseIds(message: JsonObject, queue: Queue | undefined): SqsRefusal | undefined {
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
function refuseFifoAttributes(
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

function invalid(message: string): SqsRefusal {
  return { code: "InvalidParameterValue", message };
}

function isWholeNumber(value: unknown, max: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
