/**
 * The life of one message (docs/architecture.md): decode, admit, claim, run, settle, acknowledge. If the process dies
 * on any line, the message comes back and finds its record in one of the states that `afterRefusal` knows.
 */

import type { SQSRecord } from "aws-lambda";
import { describeError, TaskCrashedError, TaskNotRegisteredError, TaskRevokedError } from "../errors.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import type { Claim, ClaimOutcome } from "../results/store.ts";
import type { App } from "../task/current-app.ts";
import { secondsUntil } from "../task/dispatch.ts";
import type { Registry } from "../task/registry.ts";
import type { RegisteredTask } from "../task/task.ts";
import { admit } from "./admission.ts";
import type { Invocation, Verdict } from "./batch.ts";
import { MAX_CRASHES } from "./dead-letter.ts";
import { type Delivery, readDelivery, sendRetry } from "./delivery.ts";
import { runClaimed, settled } from "./run-claimed.ts";

/** How long a deployment may take to reach every function. */
const DEPLOYMENT_MILLISECONDS = 15 * 60_000;
const UNKNOWN_TASK_SECONDS = 60;

/**
 * Handles one record of a task queue.
 * @throws InvalidMessageError for a body that is no message
 */
export async function handleTaskRecord(
  app: App,
  registry: Registry,
  record: SQSRecord,
  invocation: Invocation,
): Promise<Verdict> {
  const delivery = readDelivery(record);
  const { message, fifo } = delivery;
  const now = app.clock();
  if (message.eta !== undefined && Date.parse(message.eta) > now.getTime()) {
    // SQS delivers on time by its own clock; if ours is behind, the rest of the wait is spent in the queue.
    await app.broker.hide(message.queue, record.receiptHandle, secondsUntil(new Date(message.eta), now));
    return "keep";
  }
  if (!fifo && app.broker.isFifo(message.queue)) {
    // It has only waited here for its time. Dying after this passes it on twice, which SQS notices.
    await app.broker.send(message, 0);
    return "acknowledge";
  }
  const task = registry.find(message.task);
  if (task === undefined) return afterUnknownTask(app, registry, delivery, now);

  const leaseUntil = new Date(now.getTime() + invocation.remainingMilliseconds());
  const admission = await admit(app, task, delivery, invocation, leaseUntil);
  if (!admission.admitted) return admission.verdict;
  try {
    const outcome = await claimAttempt(app, delivery, leaseUntil);
    // Dying from here to the settling leaves STARTED with a lease; the next delivery takes over once that has ended.
    if (!outcome.claimed) return await afterRefusal(app, delivery, outcome.record);
    return await afterClaim(app, task, delivery, outcome.claim, invocation);
  } finally {
    await admission.place?.leave();
  }
}

/** On a FIFO queue one message stands for every attempt: the record says which is next. */
async function claimAttempt(app: App, { message, fifo }: Delivery, leaseUntil: Date): Promise<ClaimOutcome> {
  const outcome = await app.results.claim(message, leaseUntil, { countStarts: fifo });
  if (outcome.claimed || !fifo) return outcome;
  const { record } = outcome;
  const isDue = record?.state === "RETRY" && Date.parse(record.eta ?? "") <= app.clock().getTime();
  const isLater = isDue || record?.state === "STARTED";
  if (record === undefined || record.attempt <= message.attempt || !isLater) return outcome;
  return app.results.claim({ ...message, attempt: record.attempt }, leaseUntil, { countStarts: true });
}

async function afterClaim(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  claim: Claim,
  invocation: Invocation,
): Promise<Verdict> {
  const { starts = 0 } = claim;
  if (starts <= MAX_CRASHES) return runClaimed(app, task, { ...delivery, message: claim.message }, claim, invocation);
  // A FIFO queue has no dead-letter queue, which would break its order: what crashes its worker ends here.
  return settled(await app.results.fail(claim, describeError(new TaskCrashedError(task.name, starts - 1))));
}

/**
 * A name that is not registered may be that of a task which the next deployment brings: senders can be newer than workers. So
 * it waits a while before it fails.
 */
async function afterUnknownTask(
  app: App,
  registry: Registry,
  { message, record }: Delivery,
  now: Date,
): Promise<Verdict> {
  if (now.getTime() - Date.parse(message.sentAt) < DEPLOYMENT_MILLISECONDS) {
    await app.broker.hide(message.queue, record.receiptHandle, UNKNOWN_TASK_SECONDS);
    return "keep";
  }
  const reason = describeError(new TaskNotRegisteredError(message.task, registry.names));
  const { applied, record: found } = await app.results.failUnclaimed(message, reason);
  return applied || (found && isFinal(found.state)) ? "acknowledge" : "keep";
}

/** A claim was refused: what the record says decides. */
async function afterRefusal(app: App, delivery: Delivery, record: StoredRecord | undefined): Promise<Verdict> {
  const { message, fifo } = delivery;
  if (record === undefined) return "keep";
  if (isFinal(record.state)) return "acknowledge";
  if (record.revokeRequestedAt !== undefined) {
    const reason = new TaskRevokedError(record.id, "it was revoked while it ran");
    if (await app.results.revoke(message, describeError(reason))) return "acknowledge";
  }
  const hideFor = (seconds: number): Promise<void> =>
    app.broker.hide(message.queue, delivery.record.receiptHandle, seconds);
  if (record.state === "STARTED") {
    if (record.attempt > message.attempt && !fifo) return "acknowledge";
    await hideFor((Date.parse(record.leaseUntil) - app.clock().getTime()) / 1_000 + 1);
    return "keep";
  }
  if (record.state === "RETRY" && record.attempt > message.attempt) {
    // The worker may have died between settling as RETRY and sending; sending twice is harmless, for one claim wins.
    const isNext = fifo || record.attempt === message.attempt + 1;
    return isNext ? sendRetry(app, delivery, new Date(record.eta ?? app.clock())) : "acknowledge";
  }
  return record.attempt > message.attempt ? "acknowledge" : "keep";
}
