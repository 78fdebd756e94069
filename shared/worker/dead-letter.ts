import { describeError, type StoredError, TaskCrashedError, type TaskError, TaskUndeliveredError } from "../errors.ts";
import { isFinal } from "../results/record.ts";
import { stepOf } from "../task/bulk.ts";
import type { App } from "../task/current-app.ts";
import type { Verdict } from "./acknowledgement.ts";
import { MAX_CRASHES } from "./after-crash.ts";
import { refreshed } from "./put-off.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/**
 * Seconds before a message whose task was never begun is tried again: the whole worker seems to be ill. At first soon, for most
 * deployments are mended soon; then less often, for each look costs three deliveries.
 */
const RESCUE_SECONDS = 60;
const LATER_RESCUE_SECONDS = 900;
const SOON_RESCUES = 10;

/** About two weeks of a worker that does not come up. */
const MAX_RESCUES = 1000;

/**
 * Handles one message of the dead-letter queue. SQS moves a message there after `maxReceiveCount` deliveries without an
 * acknowledgement, whoever was to blame; the record's fence tells how often its task was really begun.
 *
 * - Begun `MAX_CRASHES` times: the task ends as a FAILURE that says so.
 * - Less often: it shared a worker with one that crashed, or the worker never came up. It goes back to its queue, marked
 *   to run alone, and its record says so. After `MAX_RESCUES` times it ends as a FAILURE, too.
 */
export async function handleDeadLetter(app: App, delivery: TaskDelivery): Promise<Verdict> {
  const { message } = delivery;
  const known = await app.results.read(message.id);
  if (known && (isFinal(known.state) || known.attempt > message.attempt + 1)) return "acknowledge";
  if (known?.state === "STARTED" && message.seen !== known.fence) {
    // Another copy of the message may be running it. It comes back here when that run must be over.
    await app.broker.sendDeadLetter({ ...message, seen: known.fence }, Math.min(900, known.functionSeconds + 1));
    return "acknowledge";
  }

  // A run without a claim is not counted; once its message is a suspect it takes one.
  const starts = known && known.attempt === message.attempt ? known.fence - known.fenceBase : 0;
  const rescues = (message.rescues ?? 0) + 1;
  if (starts >= MAX_CRASHES) return end(app, delivery, new TaskCrashedError(message.task, starts), starts);
  if (rescues > MAX_RESCUES) {
    const reason = `it came back from the dead-letter queue ${MAX_RESCUES} times, since no worker could begin it`;
    return end(app, delivery, new TaskUndeliveredError(message.task, reason), undefined);
  }

  app.log.warn("A message is returned from the dead-letter queue", {
    id: message.id,
    task: message.task,
    starts,
    rescues,
    error: known?.error,
  });
  const kept = await refreshed(app, message);
  if (kept === undefined) return "acknowledge";
  // A message that sends the members of a group, or does a step of a bulk act, has no record: one would wait for ever.
  if (message.workflow?.fanOut === undefined && stepOf(message) === undefined) {
    await app.results.explain(kept, describeError(lost(rescues, known?.error)));
  }
  const wait = rescues > SOON_RESCUES ? LATER_RESCUE_SECONDS : RESCUE_SECONDS;
  // Dying after this sends it twice, which is harmless: one claim wins.
  await app.broker.send({ ...kept, suspect: true, rescues }, starts === 0 ? wait : 0);
  return "acknowledge";
}

/** Why a task waits that came back from the dead-letter queue; a worker may have said more before. */
function lost(rescues: number, last: StoredError | undefined): Error {
  const sentence = `Three deliveries ended without an outcome: its worker failed, died or did not come up. It is tried again (${rescues} of ${MAX_RESCUES} times).`;
  const told =
    last === undefined || last.message.startsWith(sentence.slice(0, 20)) ? "" : ` Before that: ${last.message}`;
  return new Error(sentence + told);
}

/** @param crashes how often the worker died, if that is why */
async function end(app: App, delivery: TaskDelivery, error: TaskError, crashes: number | undefined): Promise<Verdict> {
  const { message } = delivery;
  const { applied, record } = await app.results.failUnclaimed(message, delivery, describeError(error));
  if (!applied) return record && isFinal(record.state) ? "acknowledge" : "keep";
  app.log.error("A task has failed, for its worker died or could not begin it", {
    id: message.id,
    task: message.task,
    code: error.code,
    crashes,
  });
  // Its hook is called by a worker, which knows the task. Dying before this leaves the hook uncalled; the record and the log say it.
  if (crashes !== undefined) await app.broker.send({ ...message, crashed: crashes }, 0);
  return "acknowledge";
}
