/**
 * AWS's rules of delivery for a FIFO queue, which fauxqs bends: it gives one message of a group to a receive, and puts the
 * messages of a group that become visible together back in the wrong order.
 *
 * A group is open, and a receive takes as many of its messages as it can, in order; or some of them are in flight, and it is
 * locked until each of those was deleted or is visible again. A message that comes back stands before all that were sent later.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
 */
import type { Message, Queue } from "./fauxqs.ts";

/** Replaces the queue's own ways to give messages and to take them back. */
export function followFifoRules(queue: Queue): void {
  const takeOnePerGroup = queue.dequeue.bind(queue);
  const processTimers = queue.processTimers.bind(queue);
  const changeVisibility = queue.changeVisibility.bind(queue);
  let isReceiving = false;

  queue.dequeue = (maxMessages, ...options) => {
    queue.processTimers();
    const received: ReturnType<Queue["dequeue"]> = [];
    const locks = new Map<string, number>();
    isReceiving = true;
    try {
      while (received.length < maxMessages) {
        const [message] = takeOnePerGroup(1, ...options);
        if (message === undefined) break;
        received.push(message);
        // This receive may go on with the group that it has just locked.
        const group = groupOf(queue.inflightMessages.get(message.ReceiptHandle)?.message);
        queue.fifoLockedGroups.delete(group);
        locks.set(group, (locks.get(group) ?? 0) + 1);
      }
    } finally {
      isReceiving = false;
      for (const [group, count] of locks) queue.fifoLockedGroups.set(group, count);
    }
    return received;
  };

  queue.processTimers = () => {
    // With a visibility timeout of 0 one receive would take the same message again and again.
    if (isReceiving) return;
    const inFlight = [...queue.inflightMessages.values()];
    processTimers();
    const returned = inFlight.filter(({ receiptHandle }) => !queue.inflightMessages.has(receiptHandle));
    restoreOrder(
      queue,
      returned.map(({ message }) => message),
    );
  };

  queue.changeVisibility = (receiptHandle, seconds) => {
    const entry = queue.inflightMessages.get(receiptHandle);
    changeVisibility(receiptHandle, seconds);
    if (seconds === 0 && entry !== undefined) restoreOrder(queue, [entry.message]);
  };
}

function groupOf(message: Message | undefined): string {
  return message?.messageGroupId ?? "";
}

/** Sorts the groups of messages that are visible again; sequence numbers have the same length, so they compare as text. */
function restoreOrder(queue: Queue, returned: readonly Message[]): void {
  for (const group of new Set(returned.map(groupOf))) {
    queue.fifoMessages.get(group)?.sort((one, other) => (sequenceOf(one) < sequenceOf(other) ? -1 : 1));
  }
}

function sequenceOf({ sequenceNumber = "" }: Message): string {
  return sequenceNumber;
}
