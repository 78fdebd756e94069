import { beginReplacement, defineReplacement } from "../canvas/replace.ts";
import {
  describeError,
  type StoredError,
  shortened,
  TaskCrashedError,
  TaskError,
  TaskReturnedError,
  TaskTimeLimitError,
} from "../errors.ts";
import type { LogFields } from "../log.ts";
import { parseJson } from "../message/json.ts";
import { resultText } from "../message/user-values.ts";
import type { Claim, ReleaseReason } from "../results/claims.ts";
import { runTimes } from "../results/ended.ts";
import type { TaskState } from "../results/record.ts";
import { withRun } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { TaskLoader } from "../task/task-loader.ts";
import type { Node } from "../workflows/definition.ts";
import type { Ending, Verdict } from "./acknowledgement.ts";
import { hasWholeTime } from "./admission.ts";
import { MAX_CRASHES } from "./after-crash.ts";
import { callHook, type Hooked } from "./hook.ts";
import type { Invocation } from "./invocation.ts";
import { isExpected, judge } from "./judge-error.ts";
import type { Payload } from "./payload.ts";
import { putOff, sendRetry, withPayloadUntil } from "./put-off.ts";
import { createRun, type Run } from "./run.ts";
import type { TaskDelivery } from "./task-delivery.ts";
import { RESERVE_MILLISECONDS } from "./time-limit.ts";

/** An attempt that was claimed, with all that its run needs. */
interface Claimed {
  tasks: TaskLoader;
  task: RegisteredTask;
  delivery: TaskDelivery;
  claim: Claim;
  payload: Payload;
  invocation: Invocation;
}

/** A run, from its claim to its end. */
interface ClaimedRun extends Claimed, Hooked {
  app: App;
  /** The log has the line of this run. */
  told: boolean;
}

/**
 * How often an attempt may be given back, by why. An outcome that could not be stored is tried again after waits that double up to 15
 * minutes, so that an outage of half a day fails nothing; with every try the task's work is done again.
 */
const MAX_RELEASES: Readonly<Record<ReleaseReason, number>> = { unsettled: 50, cutShort: 3, requeued: 1000 };
const LONGEST_PAUSE_SECONDS = 900;

/** Runs a claimed attempt and stores its outcome. */
export async function runClaimed(app: App, claimed: Claimed): Promise<Ending> {
  const { task, claim } = claimed;
  const log = app.log.with({ task: task.name, id: claim.message.id, attempt: claim.message.attempt });
  const run = createRun(app, claim, log, { task, tasks: claimed.tasks, fifo: claimed.delivery.fifo });
  // The claim's message has the number of the attempt that it took, which on a FIFO queue may be a later one.
  const delivery = { ...claimed.delivery, message: claim.message };
  const current: ClaimedRun = { ...claimed, delivery, app, run, log, told: false };
  try {
    const ending = await runToEnd(current);
    if (!current.told)
      tell(current, "warn", "lost", { message: "Another run holds the task: this outcome was not stored" });
    return ending;
  } catch (error) {
    // It could not be stored, which is not the task's fault: its start is not one that killed a worker. Dying here leaves STARTED.
    log.error("The outcome of a run could not be stored", { error: describeError(error) });
    return giveBack(current, "unsettled", error);
  } finally {
    run.end();
  }
}

async function runToEnd(current: ClaimedRun): Promise<Ending> {
  const { app, task, claim, run, payload, invocation } = current;
  const { starts = 0 } = claim;
  if (starts > MAX_CRASHES) {
    // A FIFO queue has no dead-letter queue, which would break its order: what crashes its worker ends here.
    return fail(current, new TaskCrashedError(task.name, starts - 1));
  }
  if (payload.text === undefined) return fail(current, payload.gone);
  const { text, shape } = payload;
  const shared = !hasWholeTime(invocation);
  const milliseconds = invocation.remainingMilliseconds();
  let result: unknown;
  let json: string | undefined;
  try {
    result = await run.within(task, milliseconds, () =>
      withRun(run, () => task.execute(parseJson(text), run.context, shape)),
    );
    json = claim.message.ignoreResult ? undefined : resultText(task.name, result);
  } catch (error) {
    const revoked = run.revoked();
    run.stop();
    const trouble = run.trouble();
    if (trouble) throw trouble.error;
    const seconds = Math.max(0, milliseconds - RESERVE_MILLISECONDS) / 1000;
    return await afterError(current, { error, revoked, shared, seconds });
  } finally {
    run.end();
  }
  // Outside the try: if DynamoDB does not answer, the task has not failed. The message comes back.
  // A refused settle means that someone else holds the task by now: their delivery decides, so this one is not deleted.
  if (!(await app.results.succeed(claim, json))) return "keep";
  tell(current, "info", "SUCCESS", { message: "Task succeeded" });
  await callHook(current, { state: "SUCCESS", result });
  return { resultJson: json };
}

async function afterError(
  current: ClaimedRun,
  thrown: { error: unknown; revoked: ReturnType<Run["revoked"]>; shared: boolean; seconds: number },
): Promise<Verdict> {
  const { app, task, claim } = current;
  const { id, attempt: number } = claim.message;
  const judgement = judge({ task, id, attempt: number, random: app.random, ...thrown });
  switch (judgement.outcome) {
    case "cutShort":
      return giveBack(current, "cutShort", new TaskTimeLimitError(task.name, thrown.seconds));
    case "revoke": {
      if (!(await app.results.revokeRunning(claim, describeError(judgement.error)))) return "keep";
      tell(current, "info", "REVOKED", { message: "Task was revoked while it ran", reason: judgement.error.message });
      return "acknowledge";
    }
    case "requeue":
      return giveBack(current, "requeued", new Error(judgement.reason), judgement.seconds);
    case "replace":
      return replace(current, judgement.node);
    case "retry":
      return retry(current, judgement.cause, judgement.seconds);
    case "fail":
      return fail(current, judgement.error, judgement.cause);
  }
}

/**
 * Gives the attempt back unfinished, to be run again under the same number; when that has been done too often, the task has failed.
 * @param error why, as its record says until it runs again
 */
async function giveBack(
  current: ClaimedRun,
  reason: ReleaseReason,
  error: unknown,
  seconds?: number,
): Promise<Verdict> {
  const { app, task, delivery, claim } = current;
  const times = await app.results.release(claim, reason, describeError(error));
  if (times === undefined) return "keep";
  if (times > MAX_RELEASES[reason]) {
    const last = reason === "cutShort" ? error : new TaskReturnedError(task.name, times - 1, error);
    const stored = describeError(last);
    // Dying before this leaves it waiting: its message comes back, and it is begun once more.
    const { applied } = await app.results.failUnclaimed(claim.message, delivery, stored);
    return applied ? failed(current, stored, last) : "keep";
  }
  tell(current, "info", reason, { message: "Task was given back", times, error: shortened(describeError(error)) });
  // Dying here leaves it waiting for a message; this one comes back and is claimed.
  const changes = reason === "cutShort" ? { suspect: true as const } : {};
  const pause = reason === "unsettled" ? Math.min(LONGEST_PAUSE_SECONDS, 2 ** times) : 0;
  return putOff(app, delivery, seconds ?? pause, changes);
}

/** The task becomes a workflow; a canvas that cannot be sent is its failure. */
async function replace(current: ClaimedRun, node: Node): Promise<Verdict> {
  const { app, tasks, claim } = current;
  let workflow: string;
  try {
    workflow = await defineReplacement(app, tasks, claim.message, node);
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    return fail(current, error);
  }
  if (!(await app.results.replaceBy(claim, workflow))) return "keep";
  tell(current, "info", "replaced", { message: "Task becomes a workflow", workflow });
  // Dying before this leaves a workflow that has not begun; this message comes back, and begins it.
  await beginReplacement(app, tasks, workflow);
  return "acknowledge";
}

async function retry(current: ClaimedRun, cause: unknown, seconds: number): Promise<Verdict> {
  const { app, delivery, claim } = current;
  const eta = new Date(app.clock().getTime() + seconds * 1000);
  const error = describeError(cause);
  const message = await withPayloadUntil(app, delivery.message, eta);
  if (!(await app.results.retry({ ...claim, message }, error, eta))) return "keep";
  tell(current, "info", "RETRY", { message: "Task will be retried", error, eta: eta.toISOString() });
  // Dying here leaves RETRY without a message; this message comes back and afterRefusal sends it.
  const verdict = await sendRetry(app, { ...delivery, message }, eta);
  await callHook(current, { state: "RETRY", error: cause });
  return verdict;
}

/** @param error what the record says; `cause` is what the task threw */
async function fail(current: ClaimedRun, error: unknown, cause = error): Promise<Verdict> {
  const described = describeError(error);
  // Where the failure is said in our words, the stack is still that of the task's own error.
  const { stack = described.stack } = describeError(cause);
  const kept = { ...described, ...(stack !== undefined && { stack }) };
  if (!(await current.app.results.fail(current.claim, kept))) return "keep";
  return failed(current, kept, cause);
}

/** The failure is stored. */
async function failed(current: ClaimedRun, error: StoredError, cause: unknown): Promise<Verdict> {
  const { task } = current;
  if (isExpected(task, cause)) {
    const { name, message } = error;
    tell(current, "info", "FAILURE", { message: "Task failed as expected", error: { name, message } });
  } else tell(current, "warn", "FAILURE", { message: "Task failed", error });
  await callHook(current, { state: "FAILURE", error: cause });
  return "acknowledge";
}

/**
 * The line of a run, once its outcome is stored: each has one, so that a log alone says what ran when, how long, and with which end.
 * @param outcome the task's state, or why it goes on
 */
function tell(
  current: ClaimedRun,
  level: "info" | "warn",
  outcome: TaskState | ReleaseReason | "replaced" | "lost",
  { message, ...fields }: { message: string } & LogFields,
): void {
  const { app, claim, log } = current;
  const { rootId, queue } = claim.message;
  current.told = true;
  log[level](message, { outcome, rootId, queue, ...runTimes(claim, app.clock()), ...fields });
}
