/**
 * The life of one message (docs/architecture.md): admit, claim, run, settle, acknowledge. If the process dies
 * on any line, the message comes back and finds its record in one of the states that `afterRefusal` knows.
 */

import { isOfWorkflow } from "../canvas/let-go-on.ts";
import { beginReplacement } from "../canvas/replace.ts";
import { describeError, IdReusedError, TaskNotRegisteredError, TaskRevokedError } from "../errors.ts";
import type { ClaimOutcome } from "../results/claims.ts";
import { isSameContent } from "../results/content.ts";
import { failureKind } from "../results/failure-kind.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import { stepOf } from "../task/bulk.ts";
import type { App } from "../task/current-app.ts";
import type { TaskLoader } from "../task/task-loader.ts";
import { secondsUntil } from "../task/times.ts";
import type { Ending, Verdict } from "./acknowledgement.ts";
import { admit } from "./admission.ts";
import { afterCrash } from "./after-crash.ts";
import type { Invocation } from "./invocation.ts";
import { awaitNewer } from "./newer-code.ts";
import { loadPayload } from "./payload.ts";
import { comeBackAfter, hide, insure, sendRetry } from "./put-off.ts";
import { runClaimed } from "./run-claimed.ts";
import { type TaskDelivery, withPayloadStored } from "./task-delivery.ts";
import { goOn, handleHelper, isHelper } from "./workflow.ts";

/** How long a deployment may take to reach every function. */
const DEPLOYMENT_SECONDS = 15 * 60;

/** Handles one message of a task queue; then the workflow that it belongs to goes on. */
export async function handleDelivery(
  app: App,
  tasks: TaskLoader,
  delivery: TaskDelivery,
  invocation: Invocation,
): Promise<Verdict> {
  const { message } = delivery;
  if (isOfWorkflow(message) && isHelper(message)) return handleHelper(app, tasks, { ...delivery, message }, invocation);
  if (stepOf(message) !== undefined) {
    // Loaded for the few who have bulk acts: every start of a worker would pay for it.
    const { handleBulk } = await import("./bulk.ts");
    return handleBulk(app, await tasks.all(), delivery, invocation);
  }
  const ending = await handleTask(app, tasks, delivery, invocation);
  if (ending === "keep") return "keep";
  // Dying before this, or in it, leaves a record that is final: the message comes back, finds it so, and goes on.
  if (isOfWorkflow(message)) return goOn(app, tasks, { message, ending }, invocation);
  return "acknowledge";
}

/** Handles one message that asks for a run of a task. */
async function handleTask(
  app: App,
  tasks: TaskLoader,
  delivery: TaskDelivery,
  invocation: Invocation,
): Promise<Ending> {
  const { message } = delivery;
  const now = app.clock();
  const eta = message.eta === undefined ? now : new Date(message.eta);
  // SQS delivers on time by its own clock; if ours is behind, the rest of the wait is spent in the queue.
  if (eta > now) return hide(app, delivery, secondsUntil(eta, now));
  if (message.crashed !== undefined) return afterCrash(app, tasks, delivery, invocation);
  try {
    return await handleDue(app, tasks, delivery, invocation);
  } catch (error) {
    // The record is to say why it does not go on; if the store itself is what fails, the log says it.
    await app.results.explain(message, describeError(error)).catch(() => false);
    throw error;
  }
}

/** Handles a message whose time has come. */
async function handleDue(app: App, tasks: TaskLoader, received: TaskDelivery, invocation: Invocation): Promise<Ending> {
  const delivery = await withPayloadStored(app, received);
  const { message, fifo } = delivery;
  if (!fifo && app.broker.isFifo(message.queue)) {
    // It has only waited here for its time. Dying after this passes it on twice, which SQS notices.
    await app.broker.send(message, 0);
    return "acknowledge";
  }
  const task = await tasks.find(message.task);
  if (task === undefined) {
    // It may be that of a task which the next deployment brings: senders can be newer than workers.
    const reason = new TaskNotRegisteredError(message.task, (await tasks.all()).names);
    return awaitNewer(app, delivery, { reason, atMostSeconds: DEPLOYMENT_SECONDS });
  }

  const admission = await admit(app, task, delivery, invocation);
  if (!admission.admitted) return admission.verdict;
  try {
    // Before the claim, for a payload that S3 cannot give now is no start of the task.
    const payload = await loadPayload(app, message);
    await insure(app, delivery);
    const outcome = await claimAttempt(app, delivery, invocation.remainingMilliseconds() / 1000);
    // Dying from here to the settling leaves STARTED; the next delivery of this message shows that the run is over.
    if (!outcome.claimed) return await afterRefusal(app, tasks, delivery, outcome.record);
    return await runClaimed(app, { tasks, task, delivery, claim: outcome.claim, payload, invocation });
  } finally {
    await admission.place?.leave();
  }
}

/**
 * On a FIFO queue one message stands for every attempt: the record says which is next. A message that may have killed its worker takes a
 * claim even if its task is not tracked, for claims are what is counted.
 */
async function claimAttempt(app: App, delivery: TaskDelivery, functionSeconds: number): Promise<ClaimOutcome> {
  const { message, fifo, suspect } = delivery;
  // So does what may expire, for only a claim tells a copy of its message that it has begun in time.
  const tracked = message.trackStarted !== false || fifo || suspect || message.expires !== undefined;
  const options = { countStarts: fifo, tracked };
  let outcome = await app.results.claim(message, delivery, functionSeconds, options);
  const { contentHash, ...unhashed } = message;
  if (!outcome.claimed && contentHash !== undefined && outcome.record?.contentHash === undefined) {
    // A worker of an older version may have written the record, which then has no hash to be found by.
    const isSame = outcome.record !== undefined && isSameContent(message, outcome.record);
    if (isSame) outcome = await app.results.claim(unhashed, delivery, functionSeconds, options);
  }
  if (outcome.claimed || !fifo) return outcome;
  const { record } = outcome;
  const isDue = record?.state === "RETRY" && Date.parse(record.eta ?? "") <= app.clock().getTime();
  const isLater = isDue || record?.state === "STARTED";
  if (record === undefined || record.attempt <= message.attempt || !isLater) return outcome;
  const later = { ...message, attempt: record.attempt };
  return app.results.claim(later, delivery, functionSeconds, options);
}

/** A claim was refused: what the record says decides. */
async function afterRefusal(
  app: App,
  tasks: TaskLoader,
  delivery: TaskDelivery,
  record: StoredRecord | undefined,
): Promise<Verdict> {
  const { message, fifo } = delivery;
  if (record === undefined) return "keep";
  if (!isSameContent(message, record)) {
    // Its caller was told so, unless it died.
    const { code, message: reason } = new IdReusedError(message.id, message.task);
    app.log.warn("A message was refused", { id: message.id, task: message.task, code, reason });
    return "acknowledge";
  }
  if (isFinal(record.state)) {
    // Its worker may have died after it stored the failure, and before it wrote down the group.
    const { id, task, state, error } = record;
    if (state === "FAILURE" && error) app.failures.note({ ...failureKind(task, error), id, message: error.message }, 0);
    return "acknowledge";
  }
  if (record.replacedBy !== undefined) {
    // Its worker may have died before the workflow that it has become was begun.
    await beginReplacement(app, tasks, record.replacedBy);
    return "acknowledge";
  }
  if (record.revokeRequestedAt !== undefined) {
    const reason = new TaskRevokedError(record.id, "it was revoked while it ran");
    if (await app.results.revoke(message, delivery, describeError(reason))) return "acknowledge";
  }
  if (record.state === "STARTED") {
    if (record.attempt > message.attempt && !fifo) return "acknowledge";
    // SQS has delivered one message twice at once. If the run dies, it delivers it again, and that shows it.
    if (record.messageId === delivery.messageId) return "keep";
    return comeBackAfter(app, delivery, record);
  }
  if (record.state === "RETRY" && record.attempt > message.attempt) {
    // The worker may have died between settling as RETRY and sending; sending twice is harmless, for one claim wins.
    const isNext = fifo || record.attempt === message.attempt + 1;
    if (!isNext) return "acknowledge";
    // Its payload may have been stored for longer before it was settled.
    const payloadRef = record.refs.payload ?? message.payloadRef;
    const renewed = { ...message, ...(payloadRef && { payloadRef, payload: null }) };
    return sendRetry(app, { ...delivery, message: renewed }, new Date(record.eta ?? app.clock()));
  }
  return record.attempt > message.attempt ? "acknowledge" : "keep";
}
