/**
 * MessageRetentionPeriod: a message that is too old goes, unless somebody has it in hand. Its age counts from when it was sent,
 * also in a dead-letter queue.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
 */

import type { Message, Queue } from "./fauxqs.ts";

/** Looking at each message takes time where there are many of them. */
const SWEEP_MILLISECONDS = 1000;

/** Makes a queue drop what is too old whenever somebody looks into it, once a second at most. */
export function keepRetention(queue: Queue): void {
  const processTimers = queue.processTimers.bind(queue);
  let nextSweep = 0;
  queue.processTimers = () => {
    processTimers();
    const now = Date.now();
    if (now < nextSweep) return;
    nextSweep = now + SWEEP_MILLISECONDS;
    dropSentBefore(queue, now - Number(queue.attributes.MessageRetentionPeriod) * 1000);
  };
}

function dropSentBefore(queue: Queue, oldest: number): void {
  const kept = (messages: Message[]): Message[] => {
    const rest = messages.filter(({ sentTimestamp }) => sentTimestamp >= oldest);
    if (rest.length === messages.length) return messages;
    for (const { messageId, sentTimestamp } of messages) {
      if (sentTimestamp < oldest) queue.persistence?.deleteMessage(messageId);
    }
    return rest;
  };
  queue.messages = kept(queue.messages);
  queue.delayedMessages = kept(queue.delayedMessages);
  for (const groups of [queue.fifoMessages, queue.fifoDelayed]) {
    for (const [group, messages] of groups) {
      const rest = kept(messages);
      if (rest.length === 0) groups.delete(group);
      else groups.set(group, rest);
    }
  }
}
