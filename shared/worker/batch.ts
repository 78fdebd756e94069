import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { describeError, InvalidMessageError, NewerMessageError } from "../errors.ts";
import { type Delivery, readDelivery } from "../message/delivery.ts";
import type { App } from "../task/current-app.ts";
import type { Verdict } from "./acknowledgement.ts";
import type { Invocation } from "./invocation.ts";
import { awaitNewerLovage } from "./newer-message.ts";
import { recordUnreadable } from "./unreadable.ts";

/** Before all others; with the others at once; or after them, one by one. */
export type Order = "first" | "together" | "alone";

/** How a function handles the messages of its queue. */
export interface Handler<Content> {
  /**
   * Reads a delivery, at the door and once: whatever comes after works with checked fields.
   * @throws InvalidMessageError for a message that the function cannot read, NewerMessageError for one that a newer one can
   */
  read(delivery: Delivery): Content;
  handle(content: Content, invocation: Invocation): Promise<Verdict>;
  /** @defaultValue deliveries that come again alone, the others together */
  orderOf?(content: Content): Order;
}

/** A delivery with what could be read of it. */
type Entry<Content> = { delivery: Delivery; order: Order } & ({ content: Content } | { error: unknown });

/** With less than this left, a delivery is handed back rather than begun. */
const LEAST_MILLISECONDS = 3000;

/**
 * Handles the deliveries of one SQS event and reports those that SQS must make again. Fail-closed: a message is acknowledged
 * only if its handler said so. Never throws, for that would bring back the whole batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 *
 * Messages delivered for the first time run at once. Those that come again run after them and one by one: their worker may
 * have died because of one of them, and then only that one is running when it dies again. Messages of one FIFO group run in order,
 * and stop at the first that is kept.
 */
export async function handleBatch<Content>(
  app: App,
  event: SQSEvent,
  context: Pick<Context, "getRemainingTimeInMillis">,
  handler: Handler<Content>,
): Promise<SQSBatchResponse> {
  const remainingMilliseconds = (): number => context.getRemainingTimeInMillis();
  const invocation = { remainingMilliseconds, totalMilliseconds: remainingMilliseconds() };
  const done = new Set<string>();
  const isDone = async (entry: Entry<Content>): Promise<boolean> => {
    const { delivery } = entry;
    try {
      return (await handleEntry(app, handler, entry, invocation)) === "acknowledge";
    } catch (error) {
      app.log.error("A message is kept for redelivery", { messageId: delivery.messageId, error: describeError(error) });
      return false;
    }
  };
  const hasTime = (): boolean => remainingMilliseconds() >= LEAST_MILLISECONDS;
  const run = async (lane: readonly Entry<Content>[]): Promise<void> => {
    for (const [index, entry] of lane.entries()) {
      if ((index === 0 || hasTime()) && (await isDone(entry))) done.add(entry.delivery.messageId);
      else return showRest(app, lane.slice(index + 1));
    }
  };

  const entries = event.Records.map((record) => readEntry(handler, readDelivery(record)));
  const lanes = Map.groupBy(lanesOf(entries), orderOfLane);
  for (const lane of lanes.get("first") ?? []) await run(lane);
  await Promise.all((lanes.get("together") ?? []).map(run));
  for (const lane of lanes.get("alone") ?? []) {
    if (hasTime()) await run(lane);
  }

  const kept = event.Records.filter(({ messageId }) => !done.has(messageId));
  return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

function readEntry<Content>(handler: Handler<Content>, delivery: Delivery): Entry<Content> {
  const again = delivery.receiveCount > 1 ? "alone" : "together";
  try {
    const content = handler.read(delivery);
    return { delivery, content, order: handler.orderOf?.(content) ?? again };
  } catch (error) {
    return { delivery, error, order: again };
  }
}

/** A message that cannot be read will never be: it is recorded as a FAILURE instead of being delivered again. One of a newer version waits. */
async function handleEntry<Content>(
  app: App,
  handler: Handler<Content>,
  entry: Entry<Content>,
  invocation: Invocation,
): Promise<Verdict> {
  try {
    if ("error" in entry) throw entry.error;
    return await handler.handle(entry.content, invocation);
  } catch (error) {
    if (error instanceof NewerMessageError) return awaitNewerLovage(app, entry.delivery, error);
    if (error instanceof InvalidMessageError) return recordUnreadable(app, entry.delivery, error);
    throw error;
  }
}

/** The entries of one FIFO group run one after another. Every other entry is a lane by itself. */
function lanesOf<Content>(entries: readonly Entry<Content>[]): Entry<Content>[][] {
  const lanes = Map.groupBy(entries, ({ delivery: { fifoGroup, messageId } }) =>
    fifoGroup === undefined ? `message ${messageId}` : `group ${fifoGroup}`,
  );
  return [...lanes.values()];
}

function orderOfLane(lane: readonly Entry<unknown>[]): Order {
  const orders: readonly Order[] = ["first", "alone"];
  return orders.find((order) => lane.some((entry) => entry.order === order)) ?? "together";
}

/**
 * Shows again the messages that follow a kept one in its group. SQS gives them to nobody before that one is back; without this they
 * would stay hidden for longer, and the group with them.
 */
async function showRest(app: App, rest: readonly Entry<unknown>[]): Promise<void> {
  const show = async ({ delivery: { queueName, receiptHandle } }: Entry<unknown>): Promise<void> => {
    const queue = app.config.queueNamed(queueName);
    if (queue === undefined) throw new Error(`Queue '${queueName}' is not configured.`);
    await app.broker.hide(queue, receiptHandle, 0);
  };
  for (const outcome of await Promise.allSettled(rest.map(show))) {
    if (outcome.status === "fulfilled") continue;
    app.log.warn("A message of a FIFO group stays hidden for its visibility timeout", {
      error: describeError(outcome.reason),
    });
  }
}
