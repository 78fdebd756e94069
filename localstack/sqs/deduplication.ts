/**
 * Deduplication of FIFO queues: a second message with the same id within five minutes is accepted and not delivered.
 *
 * fauxqs remembers the newest 10 000 ids of a queue and knows no DeduplicationScope.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
 */
import { createHash } from "node:crypto";
import type { JsonObject } from "../json.ts";
import type { Message, Queue } from "./fauxqs.ts";

export const DEDUPLICATION_MILLISECONDS = 5 * 60 * 1000;
/** Neither a group nor an id may contain it. */
const SEPARATOR = " ";

interface SentMessage {
  readonly messageId: string;
  readonly sequenceNumber: string | undefined;
  readonly sentAt: number;
}

/** The messages that a queue accepted in the last five minutes, by deduplication key. */
export class RecentMessages {
  /** Oldest first. */
  readonly #byKey = new Map<string, SentMessage>();

  find(key: string, now: number): SentMessage | undefined {
    const sent = this.#byKey.get(key);
    return sent === undefined || isForgotten(sent, now) ? undefined : sent;
  }

  add(key: string, sent: SentMessage, now: number): void {
    this.#byKey.delete(key);
    this.#byKey.set(key, sent);
    for (const [oldKey, old] of this.#byKey) {
      if (!isForgotten(old, now)) break;
      this.#byKey.delete(oldKey);
    }
  }
}

function isForgotten({ sentAt }: SentMessage, now: number): boolean {
  return now - sentAt >= DEDUPLICATION_MILLISECONDS;
}

const recentMessages = new WeakMap<Queue, RecentMessages>();

/** Makes a FIFO queue deduplicate as AWS does. */
export function deduplicate(queue: Queue): void {
  const recent = new RecentMessages();
  recentMessages.set(queue, recent);
  const enqueue = queue.enqueue.bind(queue);
  queue.checkDeduplication = (key) => {
    const sent = recent.find(key, Date.now());
    if (sent === undefined) return { isDuplicate: false };
    const original = { isDuplicate: true, originalMessageId: sent.messageId };
    return sent.sequenceNumber === undefined ? original : { ...original, originalSequenceNumber: sent.sequenceNumber };
  };
  queue.recordDeduplication = (key, messageId, sequenceNumber) => {
    recent.add(key, { messageId, sequenceNumber, sentAt: Date.now() }, Date.now());
  };
  queue.enqueue = (message) => {
    const key = message.messageDeduplicationId;
    if (key !== undefined) message.messageDeduplicationId = key.slice(key.indexOf(SEPARATOR) + 1);
    enqueue(message);
  };
}

/** Notes what an earlier process accepted. */
export function restoreDeduplication(queue: Queue, stored: string, sent: SentMessage, now: number): void {
  const [id = "", group = ""] = stored.split(SEPARATOR).reverse();
  recentMessages.get(queue)?.add(keyOf(queue, group, id), sent, now);
}

/** A message's deduplication id as it is stored: with its group, for the scope may change later. */
export function storedDeduplication({ messageGroupId = "", messageDeduplicationId = "" }: Message): string {
  return messageGroupId + SEPARATOR + messageDeduplicationId;
}

/** Puts the queue's deduplication key in the place of the id of a message to be sent; `deduplicate` takes it out again. */
export function scopeDeduplicationId(queue: Queue, message: JsonObject): void {
  const { MessageGroupId: group, MessageDeduplicationId: given, MessageBody: body } = message;
  if (queue.attributes.DeduplicationScope !== "messageGroup" || typeof group !== "string") return;
  const isContentBased = queue.attributes.ContentBasedDeduplication === "true" && typeof body === "string";
  const id = given ?? (isContentBased ? createHash("sha256").update(body).digest("hex") : undefined);
  if (typeof id === "string" && id !== "") message.MessageDeduplicationId = keyOf(queue, group, id);
}

function keyOf(queue: Queue, group: string, id: string): string {
  return queue.attributes.DeduplicationScope === "messageGroup" ? group + SEPARATOR + id : id;
}
