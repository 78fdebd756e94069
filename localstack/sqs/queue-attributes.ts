/**
 * Attributes and tags of a queue that is created or changed: the ones that AWS has, with the values that it takes, in its form.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
 */

import { cut } from "../../shared/echo.ts";
import { isObject, type JsonObject, parseObject } from "../json.ts";
import { invalid, type SqsRefusal } from "./errors.ts";
import type { Queue } from "./fauxqs.ts";

interface Setting {
  readonly expected: string;
  /** The value as AWS keeps it; undefined if it is none. */
  readonly read: (text: string) => string | undefined;
}

const FLAG = oneOf("true", "false");
const JSON_TEXT: Setting = { expected: "a JSON object", read: (text) => (parseObject(text) ? text : undefined) };

const SETTINGS: Readonly<Record<string, Setting>> = {
  VisibilityTimeout: wholeNumber(0, 43_200),
  DelaySeconds: wholeNumber(0, 900),
  MaximumMessageSize: wholeNumber(1024, 1_048_576),
  MessageRetentionPeriod: wholeNumber(60, 1_209_600),
  ReceiveMessageWaitTimeSeconds: wholeNumber(0, 20),
  Policy: JSON_TEXT,
  KmsMasterKeyId: { expected: "a key", read: (text) => text },
  KmsDataKeyReusePeriodSeconds: wholeNumber(60, 86_400),
  SqsManagedSseEnabled: FLAG,
  FifoQueue: FLAG,
  ContentBasedDeduplication: FLAG,
  DeduplicationScope: oneOf("queue", "messageGroup"),
  FifoThroughputLimit: oneOf("perQueue", "perMessageGroupId"),
  // Their rules need the other queues (redrive.ts).
  RedrivePolicy: { expected: "a JSON object", read: (text) => text },
  RedriveAllowPolicy: { expected: "a JSON object", read: (text) => text },
};
/** Empty text takes these away. */
const REMOVABLE = ["Policy", "KmsMasterKeyId", "RedrivePolicy", "RedriveAllowPolicy"];
const READ_ONLY = [
  ...["QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages"],
  ...["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"],
];
/** As good as not set, and not given back. */
const UNSET: Readonly<Record<string, string>> = { KmsDataKeyReusePeriodSeconds: "300" };
/** AWS words the refusal of these two in another way than that of the others. */
const FIFO_ONLY = ["FifoQueue", "ContentBasedDeduplication"];
const FIFO_ONLY_BY_NAME = ["DeduplicationScope", "FifoThroughputLimit"];

/** The suffix counts towards the 80 characters. */
const QUEUE_NAME = /^(?:[\w-]{1,80}|[\w-]{1,75}\.fifo)$/;
const FIFO_SUFFIX = ".fifo";
const MAX_TAGS = 50;

/** Attributes of which a reader may ask; `All` is one of them. */
export const READABLE: readonly string[] = ["All", ...Object.keys(SETTINGS), ...READ_ONLY];

export function refuseQueueName(name: string): SqsRefusal | undefined {
  if (QUEUE_NAME.test(name)) return undefined;
  return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
}

/** Checks the attributes of a queue that is created, and brings them into AWS's form. */
export function refuseNewAttributes(name: string, attributes: Record<string, string>): SqsRefusal | undefined {
  const isFifoName = name.endsWith(FIFO_SUFFIX);
  const refusal = refuseValues(attributes);
  if (refusal !== undefined) return refusal;
  if (isFifoName && attributes.FifoQueue !== "true") {
    return invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  }
  if (!isFifoName && attributes.FifoQueue === "true") {
    return invalid(
      "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
    );
  }
  return refuseKind(attributes, isFifoName) ?? refuseCombination(attributes, attributes);
}

/** Checks attributes that an existing queue is to get, and brings them into AWS's form. */
export function refuseChangedAttributes(queue: Queue, attributes: Record<string, string>): SqsRefusal | undefined {
  const refusal = refuseValues(attributes) ?? refuseKind(attributes, queue.isFifo());
  if (refusal !== undefined) return refusal;
  if (attributes.FifoQueue === "false") {
    return {
      code: "InvalidAttributeValue",
      message: "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
    };
  }
  return refuseCombination(attributes, { ...queue.attributes, ...attributes });
}

/** Of a queue that exists already: an attribute that it has not. */
export function refuseOtherAttributes(queue: Queue, attributes: Record<string, string>): SqsRefusal | undefined {
  const present: Readonly<Record<string, string>> = { SqsManagedSseEnabled: "true", ...queue.attributes };
  const other = Object.entries(attributes).find(([name, value]) => present[name] !== value);
  if (other === undefined) return undefined;
  return {
    code: "QueueNameExists",
    message: `A queue already exists with the same name and a different value for attribute ${other[0]}`,
  };
}

/** Takes from the queue what the attributes take away, and leaves in them what they set. */
export function removeAttributes(queue: Queue, attributes: Record<string, string>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (!isUnset(name, value)) continue;
    delete attributes[name];
    delete queue.attributes[name];
  }
  if (attributes.SqsManagedSseEnabled === "true") {
    delete queue.attributes.KmsMasterKeyId;
    delete queue.attributes.KmsDataKeyReusePeriodSeconds;
  }
}

/** Leaves out of a new queue's attributes what is as good as not set. */
export function omitUnset(attributes: Record<string, string>): void {
  for (const [name, value] of Object.entries(attributes)) if (isUnset(name, value)) delete attributes[name];
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-tags.html */
export function refuseTags(request: JsonObject, present: Iterable<string>, queueName: string): SqsRefusal | undefined {
  const given = request.Tags ?? request.tags;
  const tags = isObject(given) ? given : {};
  for (const [key, value] of Object.entries(tags)) {
    const refusal = refuseTagKey(key);
    if (refusal !== undefined) return refusal;
    if (String(value).length > 256) return invalid("Tag values must be between 0 and 256 characters in length.");
  }
  if (new Set([...present, ...Object.keys(tags)]).size > MAX_TAGS) {
    return invalid(`Too many tags added for queue ${queueName}.`);
  }
  return undefined;
}

export function refuseTagKeys(keys: readonly string[]): SqsRefusal | undefined {
  if (keys.length === 0) return invalid("Tag keys must be between 1 and 128 characters in length.");
  return keys.map(refuseTagKey).find((refusal) => refusal !== undefined);
}

function refuseTagKey(key: string): SqsRefusal | undefined {
  if (key === "" || key.length > 128) return invalid("Tag keys must be between 1 and 128 characters in length.");
  return /^aws:/i.test(key) ? invalid("Tag keys must not begin with 'aws:', which is reserved.") : undefined;
}

function refuseValues(attributes: Record<string, string>): SqsRefusal | undefined {
  for (const [name, text] of Object.entries(attributes)) {
    const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (setting === undefined) return { code: "InvalidAttributeName", message: `Unknown Attribute ${cut(name)}.` };
    if (text === "" && REMOVABLE.includes(name)) continue;
    const value = setting.read(text);
    if (value === undefined) {
      return {
        code: "InvalidAttributeValue",
        message: `Invalid value for the parameter ${name}. Reason: '${cut(text)}' is not ${setting.expected}.`,
      };
    }
    attributes[name] = value;
  }
  return undefined;
}

function refuseKind(attributes: Record<string, string>, isFifo: boolean): SqsRefusal | undefined {
  if (isFifo) return undefined;
  const unknown = FIFO_ONLY.find((name) => name in attributes);
  if (unknown !== undefined) return { code: "InvalidAttributeName", message: `Unknown Attribute ${unknown}.` };
  const misplaced = FIFO_ONLY_BY_NAME.find((name) => name in attributes);
  if (misplaced === undefined) return undefined;
  return {
    code: "InvalidAttributeName",
    message: `You can specify the ${misplaced} only when FifoQueue is set to true.`,
  };
}

/** @param all what the queue will have */
function refuseCombination(given: Record<string, string>, all: Record<string, string>): SqsRefusal | undefined {
  if (all.FifoThroughputLimit === "perMessageGroupId" && all.DeduplicationScope !== "messageGroup") {
    return {
      code: "InvalidAttributeValue",
      message: "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
    };
  }
  if (!given.KmsMasterKeyId) return undefined;
  if (given.SqsManagedSseEnabled === "true") {
    return {
      code: "InvalidAttributeName",
      message:
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    };
  }
  given.SqsManagedSseEnabled = "false";
  return undefined;
}

function isUnset(name: string, value: string): boolean {
  return value === "" || UNSET[name] === value;
}

function wholeNumber(least: number, most: number): Setting {
  return {
    expected: `a whole number from ${least} to ${most}`,
    read: (text) => (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? `${+text}` : undefined),
  };
}

function oneOf(...values: readonly string[]): Setting {
  return {
    expected: values.map((value) => `'${value}'`).join(" or "),
    read: (text) => values.find((value) => value.toLowerCase() === text.toLowerCase()),
  };
}
