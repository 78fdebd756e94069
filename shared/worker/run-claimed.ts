import {
  describeError,
  InvalidOnceResultError,
  InvalidPayloadError,
  InvalidResultError,
  MaxRetriesExceededError,
  ResultTooLargeError,
  TaskCrashedError,
  TaskRejectedError,
  TaskRevokedError,
  TaskTimeLimitError,
  ValueExpiredError,
} from "../errors.ts";
import type { Log } from "../log.ts";
import { type Json, parseJson } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { resultText } from "../message/user-values.ts";
import type { Claim } from "../results/claims.ts";
import { withRun } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import { isRetryable, retryDelay } from "../task/retry-policy.ts";
import { Ignore, Reject, Retry } from "../task/signals.ts";
import type { Outcome, RegisteredTask } from "../task/task.ts";
import type { Invocation, Verdict } from "./batch.ts";
import { MAX_CRASHES } from "./dead-letter.ts";
import { type Delivery, putOff, sendRetry, withPayloadUntil } from "./delivery.ts";
import { createRun, hookRun, type Run, timeLimits } from "./run.ts";

/** One run, from its claim to its end. */
interface Attempt {
  app: App;
  task: RegisteredTask;
  delivery: Delivery;
  claim: Claim;
  payload: Json;
  run: Run;
  log: Log;
  invocation: Invocation;
}

/** Kept of the function's time for what comes after a hook. */
const HOOK_RESERVE_MILLISECONDS = 500;

/** What a run begins with. */
export type Start = Loaded & {
  invocation: Invocation;
  /** It did not have to wait for others in its batch. */
  alone: boolean;
};

/** A payload, or why there is none any more. */
type Loaded = { payload: Json } | { payload: undefined; expired: ValueExpiredError };

/** Fetches a large payload. */
export async function loadPayload(app: App, { payload, payloadRef }: Message): Promise<Loaded> {
  if (payloadRef === undefined) return { payload };
  try {
    return { payload: parseJson(await app.claimChecks.load(payloadRef)) };
  } catch (error) {
    // Any other error is S3's, and no fault of the task: the message comes back.
    if (!(error instanceof ValueExpiredError)) throw error;
    return { payload: undefined, expired: error };
  }
}

/** Runs a claimed attempt and stores its outcome. */
export async function runClaimed(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  claim: Claim,
  start: Start,
): Promise<Verdict> {
  try {
    return await run(app, task, delivery, claim, start);
  } catch (error) {
    // What could not be stored is not the task's fault, and its start is not one that killed a worker.
    await app.results.release(claim).catch(() => false);
    throw error;
  }
}

async function run(app: App, task: RegisteredTask, delivery: Delivery, claim: Claim, start: Start): Promise<Verdict> {
  const { message } = delivery;
  const { starts = 0 } = claim;
  if (starts > MAX_CRASHES) {
    // A FIFO queue has no dead-letter queue, which would break its order: what crashes its worker ends here.
    return settled(await app.results.fail(claim, describeError(new TaskCrashedError(task.name, starts - 1))));
  }
  if (start.payload === undefined) return settled(await app.results.fail(claim, describeError(start.expired)));
  const { payload, alone, invocation } = start;
  const log = app.log.with({ task: task.name, id: message.id, attempt: message.attempt });
  const run = createRun(app, claim, log, delivery.fifo);
  const attempt: Attempt = { app, task, delivery, claim, payload, run, log, invocation };
  let result: unknown;
  let json: string | undefined;
  try {
    result = await run.within(task, invocation.remainingMilliseconds(), () =>
      withRun(run, () => task.execute(payload, run.context)),
    );
    json = message.ignoreResult ? undefined : resultText(task.name, result);
  } catch (error) {
    const revoked = run.revoked();
    run.abandon();
    const trouble = run.trouble();
    if (trouble) throw trouble.error;
    return await afterError(attempt, error, revoked, alone);
  } finally {
    run.end();
  }
  // Outside the try: if DynamoDB does not answer, the task has not failed. The message comes back.
  if (!(await app.results.succeed(claim, json))) return "keep";
  await callHook(attempt, { state: "SUCCESS", result });
  return "acknowledge";
}

async function afterError(
  attempt: Attempt,
  error: unknown,
  revoked: TaskRevokedError | undefined,
  alone: boolean,
): Promise<Verdict> {
  const { app, task, delivery, claim, log } = attempt;
  const { message } = delivery;
  if (wasCutShort(task, message, error, alone)) return giveBack(attempt, 0, { suspect: true });
  if (revoked) {
    log.info("Task was revoked while it ran");
    return settled(await app.results.abandon(claim, describeError(revoked)));
  }
  if (error instanceof Ignore) {
    log.info("Task ignored itself", { reason: error.message });
    const reason = new TaskRevokedError(message.id, `it ignored itself: ${error.message}`);
    return settled(await app.results.abandon(claim, describeError(reason)));
  }
  if (error instanceof Reject) {
    return error.requeue
      ? giveBack(attempt, error.countdown)
      : fail(attempt, new TaskRejectedError(task.name, error.message), error);
  }
  const wanted = error instanceof Retry || (!isHopeless(error) && isRetryable(task.retry, error));
  const cause = error instanceof Retry ? (error.cause ?? error) : error;
  if (!wanted) return fail(attempt, cause, cause);
  const { maxRetries } = task.retry;
  if (message.attempt > maxRetries) {
    return fail(attempt, new MaxRetriesExceededError(task.name, maxRetries, cause), cause);
  }
  return retry(attempt, cause, error instanceof Retry ? error.countdown : undefined);
}

/** Gives the attempt back unfinished, to be run again under the same number. */
async function giveBack(
  { app, delivery, claim }: Attempt,
  seconds: number,
  changes: Partial<Message> = {},
): Promise<Verdict> {
  if (!(await app.results.release(claim))) return "keep";
  // Dying here leaves it waiting for a message; this one comes back and is claimed.
  return putOff(app, delivery, seconds, changes);
}

async function retry(attempt: Attempt, cause: unknown, countdown: number | undefined): Promise<Verdict> {
  const { app, task, delivery, claim, log } = attempt;
  const seconds = countdown ?? retryDelay(task.retry, delivery.message.attempt, app.random);
  const eta = new Date(app.clock().getTime() + seconds * 1_000);
  const record = describeError(cause);
  log.info("Task will be retried", { error: record, eta: eta.toISOString() });
  const message = await withPayloadUntil(app, delivery.message, eta);
  if (!(await app.results.retry({ ...claim, message }, record, eta))) return "keep";
  // Dying here leaves RETRY without a message; this message comes back and afterRefusal sends it.
  const verdict = await sendRetry(app, { ...delivery, message }, eta);
  await callHook(attempt, { state: "RETRY", error: cause });
  return verdict;
}

/** @param error what the record says; `cause` is what the task threw */
async function fail(attempt: Attempt, error: unknown, cause: unknown): Promise<Verdict> {
  const { app, task, claim, log } = attempt;
  const record = describeError(error);
  // Where the failure is said in our words, the stack is still that of the task's own error.
  const { stack = record.stack } = describeError(cause);
  if (task.throws.some((type) => cause instanceof type)) {
    log.info("Task failed as expected", { error: { name: record.name, message: record.message } });
  } else log.warn("Task failed", { error: { ...record, stack } });
  if (!(await app.results.fail(claim, { ...record, ...(stack !== undefined && { stack }) }))) return "keep";
  await callHook(attempt, { state: "FAILURE", error: cause });
  return "acknowledge";
}

/** The outcome is stored, so a hook that fails, or does not come back in time, changes nothing. */
async function callHook({ task, payload, run, log, invocation }: Attempt, outcome: Outcome): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const left = Math.max(0, invocation.remainingMilliseconds() - HOOK_RESERVE_MILLISECONDS);
  const tooLate = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new Error("It did not end within the function's time.")), left);
  });
  const hook = hookRun(run);
  try {
    await Promise.race([withRun(hook, () => task.settled(payload, hook.context, outcome)), tooLate]);
  } catch (error) {
    log.error("A hook failed", { state: outcome.state, error: describeError(error) });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the function's end stopped a run that would have had more time alone: then it has not failed. */
function wasCutShort(task: RegisteredTask, message: Message, error: unknown, alone: boolean): boolean {
  return !alone && !Number.isFinite(timeLimits(task, message).hard) && error instanceof TaskTimeLimitError;
}

/** Another run would end the same way. */
function isHopeless(error: unknown): boolean {
  return (
    error instanceof InvalidPayloadError ||
    error instanceof TaskTimeLimitError ||
    error instanceof ResultTooLargeError ||
    error instanceof InvalidResultError ||
    error instanceof InvalidOnceResultError
  );
}

/** A refused settle means that someone else holds the task by now: their delivery decides, so this one is not deleted. */
function settled(applied: boolean): Verdict {
  return applied ? "acknowledge" : "keep";
}
