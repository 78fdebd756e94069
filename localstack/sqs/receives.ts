/** Receives: dead letters keep their history, and each message shows the attributes that were asked for. */

import { isObject, type JsonObject, objectsOf, stringsOf } from "../json.ts";
import type { Fauxqs, Queue } from "./fauxqs.ts";
import { type KeptMessage, TRACE_HEADER } from "./kept-fields.ts";
import { toReceiptHandle } from "./receipts.ts";

interface Source {
  readonly queue: Queue;
  readonly message: KeptMessage;
}

/** By the message of an answer: the stored one. */
const sourceOf = new WeakMap<object, Source>();

/**
 * Makes a queue remember what it gives out, and move dead letters as AWS does: the move is no receive, and the message knows
 * where it came from. fauxqs counts a receive first and moves the message then.
 */
export function followReceives(queue: Queue): void {
  const dequeue = queue.dequeue.bind(queue);
  queue.dequeue = (maxMessages, visibilityTimeout, deadLetterQueueOf) => {
    const received = dequeue(maxMessages, visibilityTimeout, (arn) => {
      const target = deadLetterQueueOf?.(arn);
      return target && receiveDeadLetters(target, queue.arn);
    });
    for (const answer of received) {
      const message = queue.inflightMessages.get(answer.ReceiptHandle)?.message;
      if (message !== undefined) sourceOf.set(answer, { queue, message });
    }
    return received;
  };
}

/** The dead-letter queue, as the queue with that ARN sees it. */
function receiveDeadLetters(target: Queue, sourceArn: string): Queue {
  return Object.create(target, {
    enqueue: {
      value(message: KeptMessage) {
        message.approximateReceiveCount -= 1;
        target.enqueue(Object.assign(message, { deadLetterQueueSourceArn: sourceArn }));
      },
    },
  });
}

/** Completes the answer to a ReceiveMessage. */
export function completeReceived(request: JsonObject, answer: JsonObject, { md5OfMessageAttributes }: Fauxqs): void {
  const systemNames = [...stringsOf(request.AttributeNames), ...stringsOf(request.MessageSystemAttributeNames)];
  const asks = (name: string): boolean => systemNames.includes(name) || systemNames.includes("All");
  const selects = selectorOf(stringsOf(request.MessageAttributeNames));
  for (const received of objectsOf(answer.Messages)) {
    const source = sourceOf.get(received);
    if (source === undefined) continue;
    const { queue, message } = source;
    const attributes = {
      ...(isObject(received.Attributes) ? received.Attributes : {}),
      ...(message.awsTraceHeader && asks(TRACE_HEADER) && { [TRACE_HEADER]: message.awsTraceHeader }),
      ...(message.deadLetterQueueSourceArn &&
        asks("DeadLetterQueueSourceArn") && { DeadLetterQueueSourceArn: message.deadLetterQueueSourceArn }),
    };
    const all = Object.entries(message.messageAttributes);
    const selected = all.filter(([name]) => selects(name));
    const shown = selected.length === 0 ? undefined : Object.fromEntries(selected);
    const isWhole = selected.length === all.length;
    Object.assign(received, {
      ReceiptHandle: toReceiptHandle(queue, { handle: String(received.ReceiptHandle), messageId: message.messageId }),
      Attributes: Object.keys(attributes).length > 0 ? attributes : undefined,
      MessageAttributes: shown,
      MD5OfMessageAttributes: shown && (isWhole ? message.md5OfMessageAttributes : md5OfMessageAttributes(shown)),
    });
  }
}

/** `All`, `.*` and `*` are every attribute, `Hel.*` those that begin with `Hel`. */
function selectorOf(names: readonly string[]): (name: string) => boolean {
  const prefixes = names.flatMap((name) => (name.endsWith(".*") ? [name.slice(0, -2)] : name === "*" ? [""] : []));
  const isAll = names.includes("All");
  return (name) => isAll || names.includes(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
