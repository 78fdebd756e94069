/**
 * Fair queues: `MessageGroupId` on the messages of a standard queue, which fauxqs drops.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
import type { Queue } from "./fauxqs.ts";
import { isObject, type JsonObject } from "./json.ts";

/** fauxqs makes its message around the very object that a request holds its attributes in. */
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
