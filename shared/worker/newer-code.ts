/** Messages whose task this worker does not have, or has only in older code: they wait for a worker that has it (docs/decisions/0064-versions.md). */

import { describeError, NewerPayloadError, type TaskError } from "../errors.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Verdict } from "./acknowledgement.ts";
import { MAX_WAIT_SECONDS, waitSeconds } from "./newer-message.ts";
import { putOff } from "./put-off.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/** How long a message waits that nobody can run, and what its record says then. */
interface Waiting {
  reason: TaskError;
  /** @defaultValue 13 days */
  atMostSeconds?: number;
}

/** Puts a message off whose payload is of a newer version than its task; undefined for any other. */
export async function awaitNewerPayload(
  app: App,
  { name, payloadVersion }: RegisteredTask,
  delivery: TaskDelivery,
): Promise<Verdict | undefined> {
  const version = payloadVersionOf(delivery.message);
  if (version <= payloadVersion) return undefined;
  return awaitNewer(app, delivery, { reason: new NewerPayloadError(name, version, payloadVersion) });
}

/** Lets a message wait, each time as long as it has waited by then; in the end its task fails for that reason, and can be replayed. */
export async function awaitNewer(
  app: App,
  delivery: TaskDelivery,
  { reason, atMostSeconds = MAX_WAIT_SECONDS }: Waiting,
): Promise<Verdict> {
  const { message, receiveCount, fifo } = delivery;
  const now = app.clock();
  const described = describeError(reason);
  const fields = { id: message.id, task: message.task, code: reason.code };
  // A message of a FIFO queue stays where it is, and cannot say since when.
  const since = new Date(message.newerSince ?? (fifo ? delivery.sentAt : now));
  const waited = (now.getTime() - since.getTime()) / 1000;
  if (waited >= atMostSeconds) {
    app.log.error("A task has failed, for no worker came that knows it", fields);
    const { applied, record } = await app.results.failUnclaimed(message, delivery, described);
    return applied || (record && isFinal(record.state)) ? "acknowledge" : "keep";
  }
  if (message.newerSince === undefined && receiveCount === 1) {
    app.log.warn("A task waits for a deployment that may bring what it needs", fields);
    await app.results.explain(message, described);
  }
  return putOff(app, delivery, waitSeconds(waited), { newerSince: since.toISOString() });
}
