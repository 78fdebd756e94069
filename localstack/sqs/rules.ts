/** Requests that fit SQS's model and that SQS refuses all the same. The others are left as fauxqs takes them. */

import { ACCOUNT_ID } from "../account.ts";
import { isObject, type JsonObject, stringsOf } from "../json.ts";
import { type BatchRules, refuseBatch } from "./batches.ts";
import { invalidValue, type SqsRefusal } from "./errors.ts";
import type { Queue, QueueStore } from "./fauxqs.ts";
import { isWholeNumber, refuseFifoIds, refuseMessage } from "./messages.ts";
import {
  omitUnset,
  READABLE,
  refuseChangedAttributes,
  refuseNewAttributes,
  refuseOtherAttributes,
  refuseQueueName,
  refuseTagKeys,
  refuseTags,
  removeAttributes,
} from "./queue-attributes.ts";
import { handleInFlight, readReceiptHandle, stateOf, takeAgain } from "./receipts.ts";
import { refuseRedrive } from "./redrive.ts";

/** A request whose queue, if it names one, exists. */
export interface Call {
  readonly action: string;
  readonly request: JsonObject;
  readonly queue: Queue | undefined;
  readonly queues: QueueStore;
}

const NO_QUEUE: SqsRefusal = { code: "QueueDoesNotExist", message: "The specified queue does not exist." };
const MAX_VISIBILITY_SECONDS = 43_200;
const MAX_WAIT_SECONDS = 20;
const MAX_MESSAGES = 10;
const SYSTEM_ATTRIBUTES = [
  ...["All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"],
  ...["SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn"],
];

/** Finds the queue that a request names. @returns a refusal if it names one that does not exist */
export function findQueue({ QueueUrl: url }: JsonObject, queues: QueueStore): Queue | SqsRefusal | undefined {
  if (typeof url !== "string") return undefined;
  // A name alone will do, as on AWS; the host does not matter, the account does.
  const account = url.split("/").at(-2);
  const isOthers = account !== undefined && /^\d{12}$/.test(account) && account !== ACCOUNT_ID;
  return (isOthers ? undefined : queues.getQueue(url)) ?? NO_QUEUE;
}

/** Of each batch: how one of its entries is checked. */
export const BATCHES: Readonly<Record<string, BatchRules>> = {
  SendMessageBatch: { required: "MessageBody", refuseOne: refuseMessage },
  DeleteMessageBatch: { required: "ReceiptHandle", refuseOne: useReceiptToDelete },
  ChangeMessageVisibilityBatch: { required: "ReceiptHandle", refuseOne: useReceiptToChange },
};

/** Why SQS would refuse the whole request, if it would. */
export function refuseRequest(call: Call): SqsRefusal | undefined {
  const { action, request, queue, queues } = call;
  if (action === "CreateQueue") return refuseNewQueue(request, queues);
  if (action === "GetQueueUrl") {
    if (request.QueueName === "") return refuseQueueName("");
    const owner = request.QueueOwnerAWSAccountId ?? ACCOUNT_ID;
    return owner === ACCOUNT_ID ? undefined : NO_QUEUE;
  }
  if (queue === undefined) return undefined;
  const batch = BATCHES[action];
  if (batch !== undefined) return refuseBatch(action, request, queue, batch);
  switch (action) {
    case "SetQueueAttributes":
      return refuseNewSettings(request, queue, queues);
    case "GetQueueAttributes":
      request.AttributeNames ??= [];
      return refuseNames(stringsOf(request.AttributeNames), READABLE);
    case "TagQueue":
      return refuseTags(request, queue.tags.keys(), queue.name);
    case "UntagQueue":
      return refuseTagKeys(stringsOf(request.TagKeys));
    case "SendMessage":
      return refuseFifoIds(request, queue) ?? refuseMessage(request, queue);
    case "DeleteMessage":
      return useReceiptToDelete(request, queue);
    case "ChangeMessageVisibility":
      return useReceiptToChange(request, queue);
    case "ReceiveMessage":
      return refuseReceive(request);
    default:
      return undefined;
  }
}

function refuseNewQueue(request: JsonObject, queues: QueueStore): SqsRefusal | undefined {
  const name = String(request.QueueName);
  const attributes = textsOf(request.Attributes);
  const refusal =
    refuseQueueName(name) ??
    refuseNewAttributes(name, attributes) ??
    refuseRedrive({ name, isFifo: name.endsWith(".fifo") }, attributes, queues) ??
    refuseTags(request, [], name);
  if (refusal !== undefined) return refusal;
  omitUnset(attributes);
  request.Attributes = attributes;
  const existing = queues.getQueueByName(name);
  return existing && refuseOtherAttributes(existing, attributes);
}

function refuseNewSettings(request: JsonObject, queue: Queue, queues: QueueStore): SqsRefusal | undefined {
  const attributes = textsOf(request.Attributes);
  const source = { name: queue.name, isFifo: queue.isFifo() };
  const refusal = refuseChangedAttributes(queue, attributes) ?? refuseRedrive(source, attributes, queues);
  if (refusal !== undefined) return refusal;
  removeAttributes(queue, attributes);
  request.Attributes = attributes;
  return undefined;
}

function refuseReceive(request: JsonObject): SqsRefusal | undefined {
  const { MaxNumberOfMessages: most, WaitTimeSeconds: wait, VisibilityTimeout: hidden } = request;
  if (most !== undefined && (most === 0 || !isWholeNumber(most, MAX_MESSAGES))) {
    return invalidValue("MaxNumberOfMessages", most, "Must be between 1 and 10, if provided.");
  }
  if (wait !== undefined && !isWholeNumber(wait, MAX_WAIT_SECONDS)) {
    return invalidValue("WaitTimeSeconds", wait, "Must be >= 0 and <= 20, if provided.");
  }
  return (
    refuseVisibility(hidden) ??
    refuseNames(stringsOf(request.MessageSystemAttributeNames), SYSTEM_ATTRIBUTES) ??
    // The model declares a queue's attributes for this one, too.
    refuseNames(stringsOf(request.AttributeNames), [...SYSTEM_ATTRIBUTES, ...READABLE])
  );
}

function refuseNames(names: readonly string[], known: readonly string[]): SqsRefusal | undefined {
  const unknown = names.find((name) => !known.includes(name));
  return unknown === undefined ? undefined : { code: "InvalidAttributeName", message: `Unknown Attribute ${unknown}.` };
}

function refuseVisibility(seconds: unknown): SqsRefusal | undefined {
  if (seconds === undefined || isWholeNumber(seconds, MAX_VISIBILITY_SECONDS)) return undefined;
  return invalidValue("VisibilityTimeout", seconds, "Must be between 0 and 43200, if provided.");
}

/**
 * Puts fauxqs's handle in the place of the one that was given out. A message that is gone is deleted once more without an error;
 * one that is visible again is deleted from a standard queue, and not from a FIFO queue.
 */
function useReceiptToDelete(entry: JsonObject, queue: Queue): SqsRefusal | undefined {
  const given = String(entry.ReceiptHandle);
  const receipt = readReceiptHandle(queue, given);
  if (receipt === undefined) return unknownHandle(given);
  const state = stateOf(queue, receipt);
  if (queue.isFifo() && (state === "visible" || state === "received anew")) {
    return invalidValue("ReceiptHandle", given, "The receipt handle has expired.");
  }
  if (state === "visible") takeAgain(queue, receipt);
  entry.ReceiptHandle = receipt.handle;
  return undefined;
}

/** The same for a change of visibility: in a standard queue any handle of the message will do, as long as it is not deleted. */
function useReceiptToChange(entry: JsonObject, queue: Queue): SqsRefusal | undefined {
  const given = String(entry.ReceiptHandle);
  const refusal = refuseVisibility(entry.VisibilityTimeout ?? Number.NaN);
  if (refusal !== undefined) return refusal;
  const receipt = readReceiptHandle(queue, given);
  if (receipt === undefined) return unknownHandle(given);
  const state = stateOf(queue, receipt);
  const reason = "Message does not exist or is not available for visibility timeout change.";
  if (state === "gone") return invalidValue("ReceiptHandle", given, reason);
  if (state !== "in flight" && queue.isFifo()) return { code: "MessageNotInflight", message: reason };
  if (state === "visible") takeAgain(queue, receipt);
  entry.ReceiptHandle = state === "received anew" ? handleInFlight(queue, receipt) : receipt.handle;
  return undefined;
}

function unknownHandle(given: string): SqsRefusal {
  return {
    code: "ReceiptHandleIsInvalid",
    message: `The input receipt handle "${given}" is not a valid receipt handle.`,
  };
}

function textsOf(value: unknown): Record<string, string> {
  const texts = Object.entries(isObject(value) ? value : {}).map(([name, text]) => [name, String(text)]);
  return Object.fromEntries(texts);
}
