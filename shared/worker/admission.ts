/** What must hold before a message may be claimed. Whoever is turned away here has used up no attempt. */

import { describeError, TaskRevokedError } from "../errors.ts";
import { enter, type Place } from "../limits/concurrency.ts";
import { replacedBy, replacedReason } from "../limits/debounce.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import { secondsUntil } from "../task/dispatch.ts";
import type { RegisteredTask } from "../task/task.ts";
import type { Invocation, Verdict } from "./batch.ts";
import { type Delivery, putOff } from "./delivery.ts";
import { RESERVE_MILLISECONDS, timeLimits } from "./run.ts";

export type Admission = { admitted: true; place: Place | undefined } | { admitted: false; verdict: Verdict };

/** A record that is begun with less than this share of the function's time shares that time with others. */
const WHOLE = 0.95;

/** Whether what begins now has as much time as a function can give. */
export function hasWholeTime({ remainingMilliseconds, totalMilliseconds }: Invocation): boolean {
  return remainingMilliseconds() >= totalMilliseconds * WHOLE;
}

/** However slow a rate is, what waits looks again after this time, for the rate may have been changed. */
const LONGEST_WAIT_SECONDS = 120;

/** How far ahead turns under a rate limit are given away: a limit that is changed reaches what waits after that time. */
const HORIZON_SECONDS = 60;

/**
 * A turn that was missed for longer is no longer worth anything. Until then it is taken late: were it given back, a queue that is
 * slower than this would use up turns without starting anything.
 */
const TURN_SECONDS = 900;

export async function admit(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  invocation: Invocation,
  leaseUntil: Date,
): Promise<Admission> {
  const { message } = delivery;
  const turnedAway = (await hasEnded(app, delivery)) ?? (await mustWait(app, task, delivery, invocation));
  if (turnedAway) return { admitted: false, verdict: turnedAway };

  const changed = (await app.control.decisions()).limitsOf(task.name);
  const concurrency = changed.concurrency === undefined ? task.concurrency : changed.concurrency;
  const rateLimit = changed.rateLimit === undefined ? task.rateLimit : changed.rateLimit;

  let place: Place | undefined;
  if (concurrency) {
    const key = message.concurrencyKey;
    const run = { task: task.name, key, limit: concurrency, id: message.id, leaseUntil };
    // Dying from here on keeps the place until the lease ends.
    place = await enter(app.table, app.clock(), run);
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

/** Ends what must not be run any more. */
async function hasEnded(app: App, { message, receipt }: Delivery): Promise<Verdict | undefined> {
  const decided = (await app.control.decisions()).revokedBy(message);
  if (decided !== undefined) {
    const reason = describeError(new TaskRevokedError(message.id, decided.why));
    if (await app.results.revoke(message, receipt, reason)) return endedUnrun(app, message, reason.message);
  }
  const isFirst = message.attempt === 1;
  if (isFirst && message.expires !== undefined && Date.parse(message.expires) <= app.clock().getTime()) {
    const reason = new TaskRevokedError(message.id, `it expired at ${message.expires} before it was started`);
    if (await app.results.expire(message, describeError(reason))) return endedUnrun(app, message, reason.message);
  }
  // What was refused above has ended already, or runs: the claim finds out.
  return undefined;
}

/** No hook is called for a task that has never run, so its end is told here. */
function endedUnrun(app: App, { id, task }: Message, reason: string): Verdict {
  app.log.info("Task was revoked before it ran", { id, task, reason });
  return "acknowledge";
}

/** Puts off what must not be run yet. */
async function mustWait(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  invocation: Invocation,
): Promise<Verdict | undefined> {
  const { message } = delivery;
  const paused = (await app.control.decisions()).pausedSince(message);
  if (paused) {
    // After a pause work goes on within a tenth of the pause's length: a long one costs few looks, a short one is over soon.
    const seconds = (app.clock().getTime() - paused.getTime()) / 10_000;
    // Turns that were given away before the pause would all be due at once after it.
    const { slot, ...rest } = message;
    return putOff(app, { ...delivery, message: rest }, Math.min(60, Math.max(5, seconds)));
  }
  if (message.debounce && message.attempt === 1) {
    const verdict = await afterReplacement(app, delivery, { ...message.debounce, task: task.name, id: message.id });
    if (verdict) return verdict;
  }
  // A copy is sent, for a redelivery would count as a failure of this one.
  if (fitsInto(task, message, invocation)) return undefined;
  return putOff(app, delivery, 0, { suspect: true, crowded: (message.crowded ?? 0) + 1 });
}

/** A newer call of the burst takes this one's place, if it was really sent. */
async function afterReplacement(
  app: App,
  delivery: Delivery,
  call: { task: string; key: string; burst: string; id: string },
): Promise<Verdict | undefined> {
  const newer = await replacedBy(app.table, call);
  if (newer === undefined) return undefined;
  if ((await app.results.read(newer.id)) !== undefined) {
    const reason = new TaskRevokedError(call.id, replacedReason(newer.id));
    return (await app.results.expire(delivery.message, describeError(reason))) ? "acknowledge" : undefined;
  }
  // Its sender may have died before it was sent. A minute after its time that is certain, and this one runs.
  const seconds = secondsUntil(newer.eta, app.clock()) + 60;
  return newer.eta.getTime() + 60_000 > app.clock().getTime() ? putOff(app, delivery, seconds) : undefined;
}

async function waitForPlace(app: App, delivery: Delivery): Promise<Verdict> {
  const { message, record, fifo } = delivery;
  const before = fifo ? Number(record.attributes.ApproximateReceiveCount) - 1 : (message.deferrals ?? 0);
  const longest = Math.min(30, 1.6 ** Math.min(before, 20) * 2);
  const seconds = Math.max(1, longest * (0.5 + app.random() / 2));
  return putOff(app, delivery, seconds, { deferrals: before + 1 });
}

/** Undefined if it may start now. */
async function waitForTurn(
  app: App,
  task: RegisteredTask,
  delivery: Delivery,
  rateLimit: string,
): Promise<Verdict | undefined> {
  const { message, fifo } = delivery;
  const now = app.clock();
  const { slot, deferrals = 0 } = message;
  if (slot?.rateLimit === rateLimit) {
    const late = (now.getTime() - Date.parse(slot.at)) / 1_000;
    if (late < 0) return putOff(app, delivery, -late);
    if (late <= TURN_SECONDS) return undefined;
  }
  // On a FIFO queue a message cannot carry its turn along, so it takes none that is not now.
  const turn = await app.rateLimiter.turn(task.name, rateLimit, fifo ? 0 : HORIZON_SECONDS);
  if (turn.now) return undefined;
  if (turn.slot) {
    const taken = { slot: { at: turn.slot.toISOString(), rateLimit }, deferrals: deferrals + 1 };
    // Dying before it is sent wastes the turn; the message comes back and takes another.
    return putOff(app, delivery, secondsUntil(turn.slot, now), taken);
  }
  const spread = fifo ? 0 : app.random() * HORIZON_SECONDS;
  const seconds = Math.min(LONGEST_WAIT_SECONDS, secondsUntil(turn.notBefore, now) + spread);
  return putOff(app, delivery, Math.max(1, seconds), { deferrals: deferrals + 1 });
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
    ? Math.min(hard * 1_000 + RESERVE_MILLISECONDS, totalMilliseconds * WHOLE)
    : totalMilliseconds * 0.5;
  return remainingMilliseconds() >= wanted;
}
