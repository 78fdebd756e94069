import type { SQSRecord } from "aws-lambda";
import { describeError, TaskCrashedError } from "../errors.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { Verdict } from "./batch.ts";
import { readDelivery } from "./delivery.ts";

/** A task whose worker died this often while it ran is to blame itself; equal to the queue's maxReceiveCount. */
export const MAX_CRASHES = 3;

/** Seconds before a message whose task was never begun is tried again: the whole worker seems to be ill. */
const RESCUE_SECONDS = 60;

/**
 * Handles one record of the dead-letter queue. SQS moves a message there after `maxReceiveCount` deliveries without an
 * acknowledgement, whoever was to blame; the record's fence tells how often its task was really begun.
 *
 * - Begun `MAX_CRASHES` times: the task ends as a FAILURE that says so.
 * - Less often: it shared a worker with one that crashed, or the worker never came up. It goes back to its queue, marked
 *   to run alone.
 *
 * @throws InvalidMessageError for a body that is no message
 */
export async function handleDeadLetter(app: App, record: SQSRecord): Promise<Verdict> {
  const { message, receipt } = readDelivery(app, record);
  const known = await app.results.read(message.id);
  if (known && (isFinal(known.state) || known.attempt > message.attempt + 1)) return "acknowledge";
  if (known?.state === "STARTED" && message.seen !== known.fence) {
    // Another copy of the message may be running it. It comes back here when that run must be over.
    await app.broker.sendDeadLetter({ ...message, seen: known.fence }, Math.min(900, known.leaseSeconds + 1));
    return "acknowledge";
  }

  // What runs without a claim is not counted; once it is a suspect it takes one.
  const begun = known && known.attempt === message.attempt ? known.fence - known.fenceBase : 0;
  if (begun >= MAX_CRASHES) {
    const error = describeError(new TaskCrashedError(message.task, begun));
    const outcome = await app.results.failUnclaimed(message, receipt, error);
    return outcome.applied || (outcome.record && isFinal(outcome.record.state)) ? "acknowledge" : "keep";
  }
  app.log.warn("A message is returned from the dead-letter queue", { id: message.id, task: message.task, begun });
  // Dying after this sends it twice, which is harmless: one claim wins.
  await app.broker.send({ ...message, suspect: true }, begun === 0 ? RESCUE_SECONDS : 0);
  return "acknowledge";
}
