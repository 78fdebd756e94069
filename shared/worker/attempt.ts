/**
 * The life of one message (docs/architecture.md): decode, claim, run, settle, continue, acknowledge. If the process dies
 * on any line, the message comes back and finds its record in one of the states that `afterRefusal` knows.
 */

import type { SQSRecord } from "aws-lambda";
import {
  describeError,
  InvalidPayloadError,
  MaxRetriesExceededError,
  ResultTooLargeError,
  Retry,
  TaskNotRegisteredError,
  TaskRevokedError,
  TaskTimeLimitError,
} from "../errors.ts";
import { byteLength, toJsonText } from "../message/json.ts";
import { decodeMessage, MAX_RESULT_BYTES, type Message } from "../message/message.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import type { Claim } from "../results/store.ts";
import { withContext } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import { dispatch, secondsUntil } from "../task/dispatch.ts";
import type { Registry } from "../task/registry.ts";
import { isRetryable, retryDelay } from "../task/retry-policy.ts";
import type { RegisteredTask } from "../task/task.ts";
import type { Invocation, Verdict } from "./batch.ts";
import { createRun, RESERVE_MILLISECONDS } from "./run.ts";

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
  const message = decodeMessage(record.body);
  const now = app.clock();
  const task = registry.find(message.task);
  if (task === undefined) return afterUnknownTask(app, registry, message, record, now);
  if (message.eta !== undefined && Date.parse(message.eta) > now.getTime()) {
    // SQS delivers on time by its own clock; if ours is behind, the rest of the wait is spent in the queue.
    await app.broker.hide(message.queue, record.receiptHandle, secondsUntil(new Date(message.eta), now));
    return "keep";
  }
  if (message.expires !== undefined && Date.parse(message.expires) <= now.getTime() && message.attempt === 1) {
    const reason = new TaskRevokedError(message.id, `it expired at ${message.expires} before it was started`);
    if (await app.results.expire(message, describeError(reason))) return "acknowledge";
  }
  if (!fitsInto(task, invocation)) {
    // A copy is sent, for a redelivery would count as a failure of this one. Dying between leaves two: one claim wins.
    await app.broker.send({ ...message, suspect: true }, 0);
    return "acknowledge";
  }

  const leaseUntil = new Date(now.getTime() + invocation.remainingMilliseconds());
  const outcome = await app.results.claim(message, leaseUntil);
  // Dying from here to the settling leaves STARTED with a lease; the next delivery takes over once that has ended.
  if (!outcome.claimed) return afterRefusal(app, message, record, outcome.record);
  return runClaimed(app, task, message, outcome.claim, invocation);
}

async function runClaimed(
  app: App,
  task: RegisteredTask,
  message: Message,
  claim: Claim,
  invocation: Invocation,
): Promise<Verdict> {
  const log = app.log.with({ task: task.name, id: message.id, attempt: message.attempt });
  const run = createRun(app, message, claim, log);
  const shared = invocation.remainingMilliseconds() < invocation.totalMilliseconds * WHOLE;
  let json: string;
  try {
    const result = await run.within(task, invocation.remainingMilliseconds(), () =>
      withContext(run.context, () => task.execute(message.payload, run.context)),
    );
    json = toJsonText(result);
    const sizeBytes = byteLength(json);
    if (sizeBytes > MAX_RESULT_BYTES) throw new ResultTooLargeError(task.name, sizeBytes, MAX_RESULT_BYTES);
  } catch (error) {
    const revoked = run.revoked();
    run.abandon();
    if (wasCutShort(task, error, shared)) {
      if (!(await app.results.release(claim))) return "keep";
      // Dying here leaves it waiting for a message; this one comes back and is claimed.
      await app.broker.send({ ...message, suspect: true }, 0);
      return "acknowledge";
    }
    return afterError(app, task, message, claim, log, error, revoked);
  } finally {
    run.end();
  }
  // Outside the try: if DynamoDB does not answer, the task has not failed. The message comes back.
  return settled(await app.results.succeed(claim, json));
}

/** A run that begins with less than this share of the function's time shares that time with others. */
const WHOLE = 0.95;

/**
 * Records that came back run one after another, on what is left of the function's time. One is begun only if all of its time
 * limit is left, or half of the function's time where it has none.
 */
function fitsInto(task: RegisteredTask, { remainingMilliseconds, totalMilliseconds }: Invocation): boolean {
  const wanted =
    task.timeLimit === undefined
      ? totalMilliseconds * 0.5
      : Math.min(task.timeLimit * 1_000 + RESERVE_MILLISECONDS, totalMilliseconds * WHOLE);
  return remainingMilliseconds() >= wanted;
}

/** Whether the function's end stopped a run that would have had more time alone: then it has not failed. */
function wasCutShort(task: RegisteredTask, error: unknown, shared: boolean): boolean {
  return shared && task.timeLimit === undefined && error instanceof TaskTimeLimitError;
}

/**
 * A name that is not registered may be that of a task which the next deployment brings: senders can be newer than workers. So
 * it waits a while before it fails.
 */
async function afterUnknownTask(
  app: App,
  registry: Registry,
  message: Message,
  record: SQSRecord,
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

async function afterError(
  app: App,
  task: RegisteredTask,
  message: Message,
  claim: Claim,
  log: App["log"],
  error: unknown,
  revoked: TaskRevokedError | undefined,
): Promise<Verdict> {
  const cause = error instanceof Retry ? (error.cause ?? error) : error;
  const record = describeError(cause);
  if (revoked) {
    log.info("Task was revoked while it ran");
    return settled(await app.results.abandon(claim, describeError(revoked)));
  }
  const wanted = error instanceof Retry || (!isHopeless(error) && isRetryable(task.retry, error));
  if (!wanted) {
    log.warn("Task failed", { error: record });
    return settled(await app.results.fail(claim, record));
  }
  const { maxRetries } = task.retry;
  if (message.attempt > maxRetries) {
    log.warn("Task failed after its last retry", { error: record });
    const final = describeError(new MaxRetriesExceededError(task.name, maxRetries, cause));
    return settled(await app.results.fail(claim, { ...final, ...(record.stack && { stack: record.stack }) }));
  }
  const seconds =
    error instanceof Retry && error.countdown !== undefined
      ? error.countdown
      : retryDelay(task.retry, message.attempt, app.random);
  const eta = new Date(app.clock().getTime() + seconds * 1_000);
  log.info("Task will be retried", { error: record, eta: eta.toISOString() });
  if (!(await app.results.retry(claim, record, eta))) return "keep";
  // Dying here leaves RETRY without a message; this message comes back and afterRefusal sends it.
  await sendRetry(app, message, eta);
  return "acknowledge";
}

/** Another run would end the same way. */
function isHopeless(error: unknown): boolean {
  return (
    error instanceof InvalidPayloadError || error instanceof TaskTimeLimitError || error instanceof ResultTooLargeError
  );
}

/** A refused settle means that someone else holds the task by now: their delivery decides, so this one is not deleted. */
function settled(applied: boolean): Verdict {
  return applied ? "acknowledge" : "keep";
}

async function sendRetry(app: App, message: Message, eta: Date): Promise<void> {
  const { suspect, ...rest } = message;
  const retry = { ...rest, attempt: message.attempt + 1, eta: eta.toISOString() };
  await dispatch(app, retry);
}

/** A claim was refused: what the record says decides. */
async function afterRefusal(
  app: App,
  message: Message,
  delivery: SQSRecord,
  record: StoredRecord | undefined,
): Promise<Verdict> {
  if (record === undefined) return "keep";
  if (isFinal(record.state)) return "acknowledge";
  if (record.revokeRequestedAt !== undefined) {
    const reason = new TaskRevokedError(record.id, "it was revoked while it ran");
    if (await app.results.revoke(message, describeError(reason))) return "acknowledge";
  }
  if (record.attempt > message.attempt) {
    // The worker may have died between settling as RETRY and sending; sending twice is harmless, for one claim wins.
    if (record.state === "RETRY" && record.attempt === message.attempt + 1) {
      await sendRetry(app, message, new Date(record.eta ?? app.clock()));
    }
    return "acknowledge";
  }
  if (record.state === "STARTED") {
    const seconds = (Date.parse(record.leaseUntil) - app.clock().getTime()) / 1_000;
    await app.broker.hide(message.queue, delivery.receiptHandle, seconds + 1);
  }
  return "keep";
}
