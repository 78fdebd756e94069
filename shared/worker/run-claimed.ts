import { describeError, type ErrorRecord, TaskCrashedError, TaskReturnedError, TaskTimeLimitError } from "../errors.ts";
import { parseJson } from "../message/json.ts";
import { resultText } from "../message/user-values.ts";
import type { Claim, ReleaseReason } from "../results/claims.ts";
import { withRun } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import { hasWholeTime } from "./admission.ts";
import { MAX_CRASHES } from "./dead-letter.ts";
import { type Delivery, putOff, sendRetry, withPayloadUntil } from "./delivery.ts";
import { callHook, type Hooked } from "./hook.ts";
import { isExpected, judge } from "./outcome.ts";
import type { Payload } from "./payload.ts";
import { createRun, RESERVE_MILLISECONDS, type Run } from "./run.ts";
import type { Invocation, Verdict } from "./verdict.ts";

/** One run, from its claim to its end. */
interface Attempt extends Hooked {
  app: App;
  delivery: Delivery;
  claim: Claim;
}

/**
 * How often an attempt may be given back, by why. An outcome that could not be stored is tried again after waits that double up to 15
 * minutes, so that an outage of half a day fails nothing; with every try the task's work is done again.
 */
const MAX_RELEASES: Readonly<Record<ReleaseReason, number>> = { unsettled: 50, cutShort: 3, requeued: 1000 };
const LONGEST_PAUSE_SECONDS = 900;

/** Runs a claimed attempt and stores its outcome. */
export async function runClaimed(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  claim: Claim,
  start: { payload: Payload; invocation: Invocation },
): Promise<Verdict> {
  const log = app.log.with({ task: task.name, id: claim.message.id, attempt: claim.message.attempt });
  const run = createRun(app, claim, log, delivery.fifo);
  const attempt: Attempt = { app, task, delivery, claim, run, log, ...start };
  try {
    return await runAttempt(attempt);
  } catch (error) {
    // It could not be stored, which is not the task's fault: its start is not one that killed a worker. Dying here leaves STARTED.
    log.error("The outcome of a run could not be stored", { error: describeError(error) });
    return giveBack(attempt, "unsettled", error);
  } finally {
    run.end();
  }
}

async function runAttempt(attempt: Attempt): Promise<Verdict> {
  const { app, task, claim, run, payload, invocation } = attempt;
  const { starts = 0 } = claim;
  if (starts > MAX_CRASHES) {
    // A FIFO queue has no dead-letter queue, which would break its order: what crashes its worker ends here.
    return fail(attempt, new TaskCrashedError(task.name, starts - 1));
  }
  if (payload.text === undefined) return fail(attempt, payload.gone);
  const { text } = payload;
  const shared = !hasWholeTime(invocation);
  const milliseconds = invocation.remainingMilliseconds();
  let result: unknown;
  let json: string | undefined;
  try {
    result = await run.within(task, milliseconds, () => withRun(run, () => task.execute(parseJson(text), run.context)));
    json = claim.message.ignoreResult ? undefined : resultText(task.name, result);
  } catch (error) {
    const revoked = run.revoked();
    run.abandon();
    const trouble = run.trouble();
    if (trouble) throw trouble.error;
    const seconds = Math.max(0, milliseconds - RESERVE_MILLISECONDS) / 1000;
    return await afterError(attempt, { error, revoked, shared, seconds });
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
  thrown: { error: unknown; revoked: ReturnType<Run["revoked"]>; shared: boolean; seconds: number },
): Promise<Verdict> {
  const { app, task, claim, log } = attempt;
  const { id, attempt: number } = claim.message;
  const judgement = judge({ task, id, attempt: number, random: app.random, ...thrown });
  switch (judgement.outcome) {
    case "cutShort":
      return giveBack(attempt, "cutShort", new TaskTimeLimitError(task.name, thrown.seconds));
    case "revoke": {
      log.info("Task was revoked while it ran", { reason: judgement.error.message });
      return settled(await app.results.abandon(claim, describeError(judgement.error)));
    }
    case "requeue":
      return giveBack(attempt, "requeued", new Error(judgement.reason), judgement.seconds);
    case "retry":
      return retry(attempt, judgement.cause, judgement.seconds);
    case "fail":
      return fail(attempt, judgement.error, judgement.cause);
  }
}

/**
 * Gives the attempt back unfinished, to be run again under the same number; when that has been done too often, the task has failed.
 * @param error why, as its record says until it runs again
 */
async function giveBack(attempt: Attempt, reason: ReleaseReason, error: unknown, seconds?: number): Promise<Verdict> {
  const { app, task, delivery, claim } = attempt;
  const times = await app.results.release(claim, reason, describeError(error));
  if (times === undefined) return "keep";
  if (times > MAX_RELEASES[reason]) {
    const last = reason === "cutShort" ? error : new TaskReturnedError(task.name, times - 1, error);
    const record = describeError(last);
    // Dying before this leaves it waiting: its message comes back, and it is begun once more.
    const { applied } = await app.results.failUnclaimed(claim.message, delivery.receipt, record);
    return applied ? failed(attempt, record, last) : "keep";
  }
  // Dying here leaves it waiting for a message; this one comes back and is claimed.
  const changes = reason === "cutShort" ? { suspect: true as const } : {};
  const pause = reason === "unsettled" ? Math.min(LONGEST_PAUSE_SECONDS, 2 ** times) : 0;
  return putOff(app, delivery, seconds ?? pause, changes);
}

async function retry(attempt: Attempt, cause: unknown, seconds: number): Promise<Verdict> {
  const { app, delivery, claim, log } = attempt;
  const eta = new Date(app.clock().getTime() + seconds * 1000);
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
async function fail(attempt: Attempt, error: unknown, cause = error): Promise<Verdict> {
  const record = describeError(error);
  // Where the failure is said in our words, the stack is still that of the task's own error.
  const { stack = record.stack } = describeError(cause);
  const kept = { ...record, ...(stack !== undefined && { stack }) };
  if (!(await attempt.app.results.fail(attempt.claim, kept))) return "keep";
  return failed(attempt, kept, cause);
}

/** The failure is stored. */
async function failed(attempt: Attempt, record: ErrorRecord, cause: unknown): Promise<Verdict> {
  const { task, log } = attempt;
  if (isExpected(task, cause)) {
    log.info("Task failed as expected", { error: { name: record.name, message: record.message } });
  } else log.warn("Task failed", { error: record });
  await callHook(attempt, { state: "FAILURE", error: cause });
  return "acknowledge";
}

/** A refused settle means that someone else holds the task by now: their delivery decides, so this one is not deleted. */
function settled(applied: boolean): Verdict {
  return applied ? "acknowledge" : "keep";
}
