/** Fields of a message that fauxqs drops: `MessageGroupId` on standard queues, and the system attribute `AWSTraceHeader`. */

import { isObject, type JsonObject, objectsOf, stringsOf } from "../json.ts";
import type { Queue } from "./fauxqs.ts";

/**
 * fauxqs puts the request's own `MessageAttributes` object into the stored message, so that object identifies it.
 * Fair queues: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
const groups = new WeakMap<object, string>();

/** Notes the group of a message that is about to be sent. */
export function noteGroup(message: JsonObject): void {
  if (typeof message.MessageGroupId !== "string") return;
  message.MessageAttributes ??= {};
  if (isObject(message.MessageAttributes)) groups.set(message.MessageAttributes, message.MessageGroupId);
}

/** Makes a standard queue keep the groups of its messages. */
export function keepGroups(queue: Queue): void {
  const enqueue = queue.enqueue.bind(queue);
  queue.enqueue = (message) => {
    const group = groups.get(message.messageAttributes);
    enqueue(group === undefined ? message : Object.assign(message, { messageGroupId: group }));
  };
}

const TRACE_HEADER = "AWSTraceHeader";
const MAX_REMEMBERED = 10_000;

/** The one system attribute that a sender may set. Kept in memory, for the newest messages. */
export class TraceHeaders {
  readonly #byMessageId = new Map<string, string>();

  /** Notes the header of each message that a SendMessage or SendMessageBatch stored. */
  remember(request: JsonObject, answer: JsonObject): void {
    this.#set(answer.MessageId, request);
    const entries = objectsOf(request.Entries);
    for (const sent of objectsOf(answer.Successful)) {
      this.#set(sent.MessageId, entries.find((entry) => entry.Id === sent.Id) ?? {});
    }
  }

  /** Adds the header to each received message that has one, if the receive asks for it. */
  addTo(answer: JsonObject, request: JsonObject): void {
    const asked = [...stringsOf(request.AttributeNames), ...stringsOf(request.MessageSystemAttributeNames)];
    if (!asked.includes(TRACE_HEADER) && !asked.includes("All")) return;
    for (const message of objectsOf(answer.Messages)) {
      const header = this.#byMessageId.get(String(message.MessageId));
      if (header !== undefined) {
        message.Attributes = { ...(isObject(message.Attributes) ? message.Attributes : {}), [TRACE_HEADER]: header };
      }
    }
  }

  #set(messageId: unknown, message: JsonObject): void {
    const attributes = isObject(message.MessageSystemAttributes) ? message.MessageSystemAttributes : {};
    const header = isObject(attributes[TRACE_HEADER]) ? attributes[TRACE_HEADER].StringValue : undefined;
    if (typeof messageId !== "string" || typeof header !== "string") return;
    this.#byMessageId.set(messageId, header);
    const [oldest] = this.#byMessageId.keys();
    if (oldest !== undefined && this.#byMessageId.size > MAX_REMEMBERED) this.#byMessageId.delete(oldest);
  }
}
