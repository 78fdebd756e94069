/** Messages of a newer version of Lovage: they wait for a worker that can read them (docs/decisions/0064-versions.md). */

import { describeError, type NewerMessageError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import { requiredFields } from "../message/fields.ts";
import { type Json, parseJson } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { readTime } from "../message/time.ts";
import type { App } from "../task/current-app.ts";
import type { Verdict } from "./acknowledgement.ts";
import { recordUnreadable } from "./unreadable.ts";

/** A deployment takes minutes, and is over soon; one that was taken back may take days. */
const FIRST_WAIT_SECONDS = 15;
const LONGEST_WAIT_SECONDS = 900;

/** SQS keeps a message for 14 days, and nobody waits longer for a deployment. */
export const MAX_WAIT_SECONDS = 13 * 86_400;

/** A message that waits for a newer worker does so each time as long as it has waited by then. */
export function waitSeconds(waited: number): number {
  return Math.min(LONGEST_WAIT_SECONDS, Math.max(FIRST_WAIT_SECONDS, waited));
}

/**
 * Lets a message wait that a newer version of Lovage has sent: nothing of it is known for sure, so it goes back to its queue with all that
 * it holds. In the dead-letter queue, and on a FIFO queue, it stays where it is.
 */
export async function awaitNewerLovage(app: App, delivery: Delivery, error: NewerMessageError): Promise<Verdict> {
  const { messageId, receiptHandle, queueName, receiveCount, fifoGroup } = delivery;
  const { fields } = error;
  const now = app.clock();
  const source = app.config.queueNamed(queueName);
  const mark = typeof fields.newerSince === "string" ? readTime(fields.newerSince) : undefined;
  const staysThere = source === undefined || fifoGroup !== undefined;
  const since = mark ?? (staysThere ? delivery.sentAt : now);
  const waited = (now.getTime() - since.getTime()) / 1000;
  if (waited >= MAX_WAIT_SECONDS) return recordUnreadable(app, delivery, error);
  if (mark === undefined && receiveCount === 1) {
    app.log.warn("A message of a newer version waits for a worker that can read it", { messageId, queue: queueName });
    await explain(app, delivery, error);
  }
  if (source === undefined) return "keep";
  if (fifoGroup !== undefined) {
    await app.broker.hide(source, receiptHandle, waitSeconds(waited));
    return "keep";
  }
  // Dying after this leaves two of the same message, which is harmless: one claim wins.
  await app.broker.giveBack(source, { ...fields, newerSince: since.toISOString() }, waitSeconds(waited));
  return "acknowledge";
}

/** Says on the record, if there is one, why its message waits. */
async function explain(app: App, { body }: Delivery, error: NewerMessageError): Promise<void> {
  const message = knownPart(parseJson(body));
  if (message === undefined || (await app.results.read(message.id)) === undefined) return;
  await app.results.explain(message, describeError(error));
}

/** The fields that each version has, if this one has them as they were. */
function knownPart(value: Json): Message | undefined {
  try {
    return typeof value === "object" && value !== null && !Array.isArray(value) ? requiredFields(value) : undefined;
  } catch {
    return undefined;
  }
}
