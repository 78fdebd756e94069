/** The cloud of one app: it delivers messages that are due, and turns its clock to the next time at which one is. */

import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createDeadLetterWorker, createWorker } from "../app.ts";
import type { App } from "../task/current-app.ts";
import { FUNCTION_MILLISECONDS, type Ground, messageIn } from "./ground.ts";
import type { Queued } from "./queues.ts";
import { createTurns } from "./turns.ts";

/** A function that is invoked with messages. */
export type Handle = (
  event: SQSEvent,
  context: { getRemainingTimeInMillis(): number },
) => Promise<Pick<SQSBatchResponse, "batchItemFailures">>;

export interface Cloud {
  /** Delivers one batch of what is due. Answers whether anything was. */
  deliver(parts?: Delivering): Promise<boolean>;
  /** Delivers until nothing is due. @throws Error if that has no end */
  deliverAll(parts?: Delivering): Promise<void>;
  /** Turns the clock to a time, in milliseconds, and does all that falls due on the way. */
  turnTo(end: number, parts?: Delivering): Promise<void>;
  /** Turns the clock to a time, in milliseconds, while no function is called; what has lived its time is gone. */
  jumpTo(end: number): void;
}

interface Delivering {
  /** The messages that are delivered. @defaultValue all */
  wanted?: ((message: Queued) => boolean) | undefined;
  /** Gets what is for the worker. @defaultValue a worker with the ground's tasks */
  worker?: Handle | undefined;
}

/** More deliveries in one go are those of a task that sends itself. */
const MAX_DELIVERIES = 100_000;

/**
 * @param time the clock of ground and app, which it turns
 * @param delivered told of the tasks of a batch
 */
export function createCloud(
  ground: Ground,
  app: App,
  time: { now: number },
  delivered: (id: string) => void = () => {},
): Cloud {
  const { queues, table, bucket, runs } = ground;
  const ownWorker = createWorker(ground.watched, app);
  const deadLetterWorker = createDeadLetterWorker(app);
  const turns = createTurns(() => app, ground.modules, table);

  const cloud: Cloud = {
    async deliver({ wanted, worker = ownWorker } = {}) {
      const Records = queues.receive(wanted);
      const [first] = Records;
      if (first === undefined) return false;
      for (const { body } of Records) {
        const id = messageIn(body)?.id;
        if (id !== undefined) delivered(id);
      }
      const handle = first.eventSourceARN.endsWith(`:${ground.dead.split("/").at(-1)}`) ? deadLetterWorker : worker;
      const context = { getRemainingTimeInMillis: () => FUNCTION_MILLISECONDS };
      const { batchItemFailures } = await handle({ Records }, context);
      const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId } of Records) if (!kept.has(messageId)) queues.acknowledge(messageId);
      return true;
    },
    async deliverAll(parts) {
      for (let count = 0; await cloud.deliver(parts); count++) {
        if (count < MAX_DELIVERIES) continue;
        const { task } = runs.at(-1) ?? {};
        throw new Error(
          `Nothing came to an end in ${MAX_DELIVERIES} deliveries: task '${task}' ran last. Does it send itself?`,
        );
      }
    },
    async turnTo(end, parts) {
      for (const call of turns.begin()) await call.make();
      for (;;) {
        await cloud.deliverAll(parts);
        const next = Math.min(turns.next(), queues.next()?.visibleAt ?? Number.POSITIVE_INFINITY);
        if (next > end) break;
        time.now = Math.max(time.now, next);
        for (const call of turns.due()) await call.make();
      }
      cloud.jumpTo(end);
    },
    jumpTo(end) {
      time.now = end;
      const now = new Date(end);
      table.expire(now);
      bucket.expire(now);
      queues.expire();
    },
  };
  return cloud;
}
