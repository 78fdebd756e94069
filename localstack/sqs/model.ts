/**
 * SQS's operations and their parameters, from the service's model. A request that does not fit is refused here, before any rule
 * reads it: an operation that is not done, a parameter that is missing, has another type, or is unknown.
 */

import { echo, listText } from "../../shared/echo.ts";
import { isObject, type JsonObject } from "../json.ts";
import { missing, type SqsRefusal, unsupported } from "./errors.ts";

interface Kind {
  readonly name: string;
  readonly accepts: (value: unknown) => boolean;
  /** Of each object in a list. */
  readonly members?: Members;
}

type Members = Readonly<Record<string, Kind>>;

interface Operation {
  readonly members: Members;
  readonly required: readonly string[];
}

const isText = (value: unknown): boolean => typeof value === "string";
const TEXT: Kind = { name: "text", accepts: isText };
const NUMBER: Kind = { name: "a number", accepts: (value) => typeof value === "number" };
const TEXTS: Kind = { name: "a list of texts", accepts: (value) => Array.isArray(value) && value.every(isText) };
const MAP: Kind = {
  name: "an object of texts",
  accepts: (value) => isObject(value) && Object.values(value).every(isText),
};
/** A message attribute's own fields are looked at by a rule. */
const ATTRIBUTES: Kind = {
  name: "an object of message attributes",
  accepts: (value) => isObject(value) && Object.values(value).every(isObject),
};

const MESSAGE = {
  MessageBody: TEXT,
  DelaySeconds: NUMBER,
  MessageAttributes: ATTRIBUTES,
  MessageSystemAttributes: ATTRIBUTES,
  MessageDeduplicationId: TEXT,
  MessageGroupId: TEXT,
};

function entries(members: Members): Kind {
  return { name: "a list of objects", accepts: (value) => Array.isArray(value) && value.every(isObject), members };
}

function operation(required: Members, optional: Members = {}): Operation {
  return { members: { ...required, ...optional }, required: Object.keys(required) };
}

const QUEUE = { QueueUrl: TEXT };
const PAGE = { NextToken: TEXT, MaxResults: NUMBER };

const OPERATIONS: Readonly<Record<string, Operation>> = {
  AddPermission: operation({ ...QUEUE, Label: TEXT, AWSAccountIds: TEXTS, Actions: TEXTS }),
  ChangeMessageVisibility: operation({ ...QUEUE, ReceiptHandle: TEXT, VisibilityTimeout: NUMBER }),
  ChangeMessageVisibilityBatch: operation({
    ...QUEUE,
    Entries: entries({ Id: TEXT, ReceiptHandle: TEXT, VisibilityTimeout: NUMBER }),
  }),
  CreateQueue: operation({ QueueName: TEXT }, { Attributes: MAP, tags: MAP }),
  DeleteMessage: operation({ ...QUEUE, ReceiptHandle: TEXT }),
  DeleteMessageBatch: operation({ ...QUEUE, Entries: entries({ Id: TEXT, ReceiptHandle: TEXT }) }),
  DeleteQueue: operation(QUEUE),
  GetQueueAttributes: operation(QUEUE, { AttributeNames: TEXTS }),
  GetQueueUrl: operation({ QueueName: TEXT }, { QueueOwnerAWSAccountId: TEXT }),
  ListDeadLetterSourceQueues: operation(QUEUE, PAGE),
  ListQueues: operation({}, { QueueNamePrefix: TEXT, ...PAGE }),
  ListQueueTags: operation(QUEUE),
  PurgeQueue: operation(QUEUE),
  ReceiveMessage: operation(QUEUE, {
    AttributeNames: TEXTS,
    MessageSystemAttributeNames: TEXTS,
    MessageAttributeNames: TEXTS,
    MaxNumberOfMessages: NUMBER,
    VisibilityTimeout: NUMBER,
    WaitTimeSeconds: NUMBER,
  }),
  RemovePermission: operation({ ...QUEUE, Label: TEXT }),
  SendMessage: operation({ ...QUEUE, MessageBody: TEXT }, MESSAGE),
  SendMessageBatch: operation({ ...QUEUE, Entries: entries({ Id: TEXT, ...MESSAGE }) }),
  SetQueueAttributes: operation({ ...QUEUE, Attributes: MAP }),
  TagQueue: operation({ ...QUEUE, Tags: MAP }),
  UntagQueue: operation({ ...QUEUE, TagKeys: TEXTS }),
};

/** Names of the operations that are done. */
export const OPERATION_NAMES: readonly string[] = Object.keys(OPERATIONS);

/** Why the request does not fit the model, if it does not. Parameters that are null count as absent, and are taken out. */
export function refuseShape(action: string, request: JsonObject): SqsRefusal | undefined {
  const known = Object.hasOwn(OPERATIONS, action) ? OPERATIONS[action] : undefined;
  if (known === undefined) {
    return unsupported(`Operation ${echo(action)} is not done here: expected ${OPERATION_NAMES.join(", ")}.`);
  }
  const refusal = refuseMembers(action, request, known.members);
  if (refusal !== undefined) return refusal;
  const absent = known.required.find((name) => isAbsent(name, request[name]));
  return absent === undefined ? undefined : missing(absent);
}

/** A rule says how long these are, and refuses an empty one in its own words. */
const HAVE_A_LENGTH = ["QueueName", "Label"];

/** Of most lists and maps AWS refuses an empty one in other words. */
function isAbsent(name: string, value: unknown): boolean {
  if (name === "Actions") return !Array.isArray(value) || value.length === 0;
  if (name === "Tags") return !isObject(value) || Object.keys(value).length === 0;
  return value === undefined || (value === "" && !HAVE_A_LENGTH.includes(name));
}

function refuseMembers(place: string, object: JsonObject, members: Members): SqsRefusal | undefined {
  for (const [name, value] of Object.entries(object)) {
    if (value === null) {
      delete object[name];
      continue;
    }
    const kind = Object.hasOwn(members, name) ? members[name] : undefined;
    if (kind === undefined) {
      return unsupported(
        `Parameter ${echo(name)} of ${place} is not done here: expected ${listText(Object.keys(members))}.`,
      );
    }
    if (!kind.accepts(value)) {
      return {
        code: "SerializationException",
        message: `Parameter ${name} of ${place} has the value ${echo(value)}: expected ${kind.name}.`,
      };
    }
    const inside = kind.members;
    if (inside === undefined || !Array.isArray(value)) continue;
    for (const entry of value) {
      const refusal = refuseMembers(`an entry of ${place}`, entry, inside);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
}
