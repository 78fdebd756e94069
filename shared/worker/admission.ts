/** The conditions under which a message may be claimed. A message that is turned away here has used up no attempt. */

import type { Decisions } from "../control/decisions.ts";
import { describeError, TaskRevokedError, WorkflowStoppedError } from "../errors.ts";
import type { Place } from "../limits/concurrency.ts";
import { replacedReason } from "../limits/debounce.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import { revokedBy } from "../task/revoked-by.ts";
import { secondsUntil } from "../task/times.ts";
import type { Verdict } from "./acknowledgement.ts";
import type { Invocation } from "./invocation.ts";
import { awaitNewerPayload } from "./newer-code.ts";
import { putOff } from "./put-off.ts";
import type { TaskDelivery } from "./task-delivery.ts";
import { RESERVE_MILLISECONDS, timeLimits } from "./time-limit.ts";

/** The decisions of operators, and the names by which they may mean the task of a message: the one of today, and earlier ones. */
interface Deciding {
  decisions: Decisions;
  names: readonly string[];
}

export type Admission = { admitted: true; place: Place | undefined } | { admitted: false; verdict: Verdict };

/** A record that is begun with less than this share of the function's time shares that time with others. */
const WHOLE = 0.95;

/** Whether what begins now has as much time as a function can give. */
export function hasWholeTime({ remainingMilliseconds, totalMilliseconds }: Invocation): boolean {
  return remainingMilliseconds() >= totalMilliseconds * WHOLE;
}

/** How far ahead what waits for its turn is told a time to ask again: a limit that is changed reaches it after that time, or twice. */
const HORIZON_SECONDS = 60;

/** Where the queue itself is late, the same number of messages is spread over a longer time, or they would all come back at once. */
const LONGEST_HORIZON_SECONDS = 300;

export async function admit(
  app: App,
  task: RegisteredTask,
  delivery: TaskDelivery,
  invocation: Invocation,
): Promise<Admission> {
  const { message } = delivery;
  // Asked once, for all of one admission goes by the same decisions; and together, so that the reads share a call.
  const [decisions, isStopped] = await Promise.all([app.control.decisions(), isStoppedNow(app, message)]);
  const names = [task.name, ...task.aliases];
  const turnedAway =
    (await hasEnded(app, delivery, { decisions, isStopped, names })) ??
    (await afterReplacement(app, delivery)) ??
    (await awaitNewerPayload(app, task, delivery)) ??
    (await whilePaused(app, delivery, { decisions, names })) ??
    (await untilItFits(app, task, delivery, invocation));
  if (turnedAway) return { admitted: false, verdict: turnedAway };

  const changed = names.map(decisions.limitsOf).find((one) => Object.keys(one).length > 0) ?? {};
  const concurrency = changed.concurrency === undefined ? task.concurrency : changed.concurrency;
  const rateLimit = changed.rateLimit === undefined ? task.rateLimit : changed.rateLimit;

  let place: Place | undefined;
  if (concurrency) {
    const key = message.concurrencyKey;
    const heldUntil = new Date(app.clock().getTime() + invocation.remainingMilliseconds());
    const run = { task: task.name, key, limit: concurrency, id: message.id, heldUntil };
    // Dying from here on keeps the place until the function's time is over.
    place = await app.concurrency.enter(run);
    if (place === undefined) return { admitted: false, verdict: await waitForPlace(app, delivery) };
  }
  try {
    const verdict = rateLimit ? await waitForTurn(app, task, delivery, rateLimit) : undefined;
    if (verdict === undefined) return { admitted: true, place };
    await place?.leave();
    return { admitted: false, verdict };
  } catch (error) {
    await place?.leave();
    throw error;
  }
}

/** Whether its workflow was stopped where it stands. A callback tells of the end, and is no part of it. */
async function isStoppedNow(app: App, { workflow }: Message): Promise<boolean> {
  return (
    workflow !== undefined && workflow.callback === undefined && app.workflows.isStopped(workflow.id, workflow.place)
  );
}

/** Ends what must not be run any more. */
async function hasEnded(
  app: App,
  delivery: TaskDelivery,
  { decisions, isStopped, names }: Deciding & { isStopped: boolean },
): Promise<Verdict | undefined> {
  const { message } = delivery;
  const decided = await revokedBy(app, decisions, message, names);
  if (decided !== undefined) {
    const reason = describeError(new TaskRevokedError(message.id, decided.why));
    if (await app.results.revoke(message, delivery, reason)) return endedUnrun(app, message, reason.message);
  }
  if (isStopped) {
    const reason = describeError(new WorkflowStoppedError(message.id));
    if (await app.results.revoke(message, delivery, reason)) return endedUnrun(app, message, reason.message);
  }
  const isFirst = message.attempt === 1;
  if (isFirst && message.expires !== undefined && Date.parse(message.expires) <= app.clock().getTime()) {
    const reason = new TaskRevokedError(message.id, `it expired at ${message.expires} before it was started`);
    if (await app.results.expire(message, describeError(reason))) return endedUnrun(app, message, reason.message);
  }
  const { schedule, eta } = message;
  if (isFirst && schedule?.edition !== undefined && eta !== undefined) {
    // It was sent ahead of its time, and whoever has changed its entry since then was told that it does not fire.
    if (!(await app.schedules.stands(schedule.name, schedule.edition, new Date(eta)))) {
      const reason = new TaskRevokedError(message.id, `schedule entry '${schedule.name}' was changed before ${eta}`);
      if (await app.results.expire(message, describeError(reason))) return endedUnrun(app, message, reason.message);
    }
  }
  // A write that was refused above found a task that has ended, or runs: the claim finds out.
  return undefined;
}

/** No hook is called for a task that has never run, so its end is told here. */
function endedUnrun(app: App, { id, task }: Message, reason: string): Verdict {
  app.log.info("Task was revoked before it ran", { id, task, reason });
  return "acknowledge";
}

/**
 * Any newer call of the burst takes this one's place, if it was really sent. Asked before a pause: after a long one, nobody would know
 * any more whose place was taken.
 */
async function afterReplacement(app: App, delivery: TaskDelivery): Promise<Verdict | undefined> {
  const { message } = delivery;
  if (message.debounce === undefined || message.attempt > 1) return undefined;
  const { ids, eta } = await app.bursts.callsAfter({ ...message.debounce, task: message.task, id: message.id });
  if (ids.length === 0) return undefined;
  for (const id of ids) {
    if ((await app.results.read(id)) === undefined) continue;
    const reason = new TaskRevokedError(message.id, replacedReason(id));
    return (await app.results.expire(message, describeError(reason))) ? "acknowledge" : undefined;
  }
  // Their senders may have died before they were sent. A minute after the newest one's time that is certain, and this one runs.
  const runsAt = eta.getTime() + 60_000;
  return runsAt > app.clock().getTime() ? putOff(app, delivery, secondsUntil(eta, app.clock()) + 60) : undefined;
}

async function whilePaused(
  app: App,
  delivery: TaskDelivery,
  { decisions, names }: Deciding,
): Promise<Verdict | undefined> {
  const { queue } = delivery.message;
  const paused = names.flatMap((task) => decisions.pausedSince({ queue, task }) ?? [])[0];
  if (paused === undefined) return undefined;
  // After a pause work goes on within a tenth of the pause's length: a long one costs few looks, a short one is over soon.
  const seconds = (app.clock().getTime() - paused.getTime()) / 10_000;
  // How late it is after the pause says nothing of the queue.
  const { slot, ...message } = delivery.message;
  return putOff(app, { ...delivery, message }, Math.min(60, Math.max(5, seconds)));
}

/** A copy is sent, for a redelivery would count as a failure of this one. */
async function untilItFits(
  app: App,
  task: RegisteredTask,
  delivery: TaskDelivery,
  invocation: Invocation,
): Promise<Verdict | undefined> {
  const { message } = delivery;
  if (fitsInto(task, message, invocation)) return undefined;
  return putOff(app, delivery, 0, { suspect: true, crowded: (message.crowded ?? 0) + 1 });
}

async function waitForPlace(app: App, delivery: TaskDelivery): Promise<Verdict> {
  const { message, receiveCount, fifo } = delivery;
  const before = fifo ? receiveCount - 1 : (message.deferrals ?? 0);
  const longest = Math.min(30, 1.6 ** Math.min(before, 20) * 2);
  const seconds = Math.max(1, longest * (0.5 + app.random() / 2));
  return putOff(app, delivery, seconds, { deferrals: before + 1 });
}

/** Undefined if it may start now. Nothing that a message carries gives it a right to start: each start asks. */
async function waitForTurn(
  app: App,
  task: RegisteredTask,
  delivery: TaskDelivery,
  rateLimit: string,
): Promise<Verdict | undefined> {
  const { message, fifo } = delivery;
  const now = app.clock();
  const slot = message.slot?.rateLimit === rateLimit ? message.slot : undefined;
  if (slot && Date.parse(slot.at) > now.getTime()) return putOff(app, delivery, secondsUntil(new Date(slot.at), now));

  const late = (now.getTime() - Date.parse(slot?.at ?? message.eta ?? message.sentAt)) / 1000;
  // On a FIFO queue a message is hidden, and cannot say for when.
  const horizon = fifo ? HORIZON_SECONDS : Math.min(LONGEST_HORIZON_SECONDS, Math.max(HORIZON_SECONDS, late));
  const turn = await app.rateLimiter.turn(task.name, rateLimit, horizon);
  if (turn.now) return undefined;
  // Dying before it is sent leaves a time at which nobody asks; the message comes back and is told another.
  const next = { at: turn.askAt.toISOString(), rateLimit };
  return putOff(app, delivery, secondsUntil(turn.askAt, now), { slot: next });
}

/**
 * Records that came back run one after another, on what is left of the function's time. One is begun only if all of its time
 * limit is left, or half of the function's time where it has none.
 */
function fitsInto(
  task: RegisteredTask,
  message: Message,
  { remainingMilliseconds, totalMilliseconds }: Invocation,
): boolean {
  const { hard } = timeLimits(task, message);
  const wanted = Number.isFinite(hard)
    ? Math.min(hard * 1000 + RESERVE_MILLISECONDS, totalMilliseconds * WHOLE)
    : totalMilliseconds * 0.5;
  return remainingMilliseconds() >= wanted;
}
