/**
 * The state of a task record after each step, told as simply as possible and without a look at how the store does it:
 *
 * - The record is the lock. Absent, `PENDING`, `RETRY` of my attempt or `STARTED` by a run that is known to be over: it may be claimed.
 * - Each claim has a fence, one higher than the last. Only the newest may write, and only until it has settled.
 * - Without a claim (`trackStarted: false`) a run may write as long as nobody has ended its attempt.
 * - Whoever asks for a revoke ends a task that waits; one that runs is marked, and never claimed again.
 */

import type { TaskState } from "../../../shared/results/record.ts";
import type { Event, Evidence, Worker } from "./step.ts";
import {
  type Answer,
  attemptOf,
  deliveryOf,
  etaOf,
  type Held,
  type ModelRecord,
  RESULT_SECONDS,
  type Setup,
  START,
  shownState,
  type TaskModel,
  textOf,
} from "./task-model.ts";

const UNFINISHED_SECONDS = 20 * 86_400;
const MAX_WORKERS = 3;

/** Nothing on Lambda runs longer. */
const WORKER_MILLISECONDS = 900_000;

/** Takes a step in the model, and says what the store must answer. */
export function take(model: TaskModel, step: Event): Answer {
  const { record, setup, now } = model;
  switch (step.do) {
    case "pending":
      model.record ??= born("PENDING", 1, unfinishedTtl(model, etaOf(setup) ?? now));
      return undefined;
    case "claim":
      return claim(model, step);
    case "succeed":
      return settle(model, step.by, (mine) => {
        end(model, mine, "SUCCESS");
        mine.result = setup.ignoreResult ? undefined : textOf(model, step);
        mine.error = undefined;
      });
    case "fail":
    case "revokeRunning":
      return settle(model, step.by, (mine) => {
        end(model, mine, step.do === "fail" ? "FAILURE" : "REVOKED");
        mine.error = textOf(model, step);
      });
    case "retry":
      return settle(model, step.by, (mine, held) => {
        giveBack(mine, held.attempt + 1);
        mine.progress = undefined;
        mine.error = textOf(model, step);
        mine.ttl = unfinishedTtl(model, now + step.afterSeconds * 1000);
      });
    case "release":
      return settle(model, step.by, (mine, held) => {
        giveBack(mine, held.attempt);
        mine.error = textOf(model, step);
      });
    case "progress":
      return settle(model, step.by, (mine) => {
        mine.progress = textOf(model, step);
      });
    case "requestRevoke":
      if (step.meanwhile && record?.state === "STARTED") take(model, step.meanwhile);
      return requestRevoke(model, step);
    case "revoke":
      return (!record || isIdle(record, step.evidence)) && endUnclaimed(model, step, "REVOKED");
    case "expire":
      return (!record || record.state === "PENDING") && endUnclaimed(model, step, "REVOKED");
    case "failUnclaimed":
      return record && !isIdle(record, step.evidence) ? record.state : endUnclaimed(model, step, "FAILURE");
    case "explain":
      return explain(model, step);
    case "replace":
      return record?.state === "PENDING" && revokeWaiting(model, record, step);
    case "stateOf":
      return record?.state;
    case "openEntry":
      return openEntry(model, step.by);
    case "closeEntry":
      return closeEntry(model, step);
    case "wait":
      return wait(model, now + step.milliseconds);
    case "waitFor": {
      const ends = {
        ttl: Number(record?.ttl) * 1000,
        shown: Number(record?.shownUntil) * 1000,
      };
      return wait(model, ends[step.end] + step.milliseconds);
    }
    case "sweep":
      model.record = undefined;
      return undefined;
  }
}

function born(state: TaskState, attempt: number, ttl: number): ModelRecord {
  return {
    state,
    attempt,
    ttl,
    fence: 0,
    starts: 0,
    holder: undefined,
    revokeAsked: false,
    shownUntil: undefined,
    finishedAt: undefined,
    result: undefined,
    error: undefined,
    progress: undefined,
  };
}

/** Epoch seconds until which a record is kept that goes on at `from`, or now. */
function unfinishedTtl({ setup, now }: TaskModel, from = now): number {
  // A timer may be sent so much later.
  const late = from > now + 900_000 ? 30 * 86_400 : 0;
  return kept(setup, Math.floor(Math.max(from, now) / 1000) + UNFINISHED_SECONDS + late);
}

function kept({ keepSeconds }: Setup, ttl: number): number {
  return Math.max(ttl, keepSeconds === undefined ? 0 : START / 1000 + keepSeconds);
}

/** Nobody runs it, as far as a delivery knows, and it has not ended. */
function isIdle({ state }: ModelRecord, evidence: Evidence): boolean {
  const isOver = evidence === "again" || evidence === "seen";
  return state === "PENDING" || state === "RETRY" || (state === "STARTED" && isOver);
}

/** Nobody has ended this attempt, as far as anybody knows. */
function mayRunUnclaimed(record: ModelRecord | undefined, attempt: number): boolean {
  if (record === undefined) return true;
  return (record.state === "PENDING" || record.state === "RETRY") && record.attempt === attempt;
}

function claim(model: TaskModel, step: Extract<Event, { do: "claim" }>): Answer {
  const { record, setup, now } = model;
  const attempt = attemptOf(model, step.attempt);
  if (!setup.tracked) {
    // It only looks.
    if (!mayRunUnclaimed(record, attempt)) return record?.state;
    hold(model, { attempt, fence: 0, since: now });
    return { claimed: { fence: 0, starts: undefined } };
  }
  if (record && (record.revokeAsked || record.attempt !== attempt || !isIdle(record, step.evidence)))
    return record.state;
  const holder = { ...deliveryOf(model, step.evidence), functionSeconds: step.functionSeconds };
  model.record = record ?? born("STARTED", attempt, 0);
  const mine = model.record;
  mine.state = "STARTED";
  mine.fence += 1;
  mine.starts += 1;
  mine.holder = holder;
  mine.progress = undefined;
  mine.ttl = unfinishedTtl(model);
  hold(model, { attempt, fence: mine.fence, since: now });
  return { claimed: { fence: mine.fence, starts: setup.countStarts ? mine.starts : undefined } };
}

function hold(model: TaskModel, held: Held): void {
  model.workers = [held, ...model.workers].slice(0, MAX_WORKERS);
}

/** Lets the holder of a claim write, if it is the newest; a run without one, if its attempt has not ended. */
function settle(model: TaskModel, by: Worker, write: (mine: ModelRecord, held: Held) => void): boolean {
  const held = model.workers[by];
  if (held === undefined) return false;
  const { record, setup } = model;
  const mayWrite = setup.tracked
    ? record?.state === "STARTED" && record.fence === held.fence
    : mayRunUnclaimed(record, held.attempt);
  if (!mayWrite) return false;
  model.record ??= born("PENDING", held.attempt, unfinishedTtl(model));
  write(model.record, held);
  return true;
}

function end({ now, setup }: TaskModel, mine: ModelRecord, state: TaskState): void {
  Object.assign(mine, { state, holder: undefined, revokeAsked: false, finishedAt: now });
  // It is kept for as long as a copy of its message may be on its way, for that would run again.
  const seconds = Math.floor(now / 1000);
  mine.shownUntil = kept(setup, seconds + RESULT_SECONDS);
  mine.ttl = Math.max(mine.shownUntil, seconds + UNFINISHED_SECONDS);
}

function giveBack(mine: ModelRecord, attempt: number): void {
  Object.assign(mine, { state: "RETRY", attempt, holder: undefined, starts: 0 });
}

/** Its message is still on its way and must find the record, so its time to live stays. */
function revokeWaiting(model: TaskModel, record: ModelRecord, event: Event): true {
  const { ttl, shownUntil } = record;
  end(model, record, "REVOKED");
  Object.assign(record, { ttl, shownUntil, error: textOf(model, event) });
  return true;
}

function explain(model: TaskModel, event: Extract<Event, { do: "explain" }>): boolean {
  model.record ??= born("PENDING", attemptOf(model, event.attempt), unfinishedTtl(model));
  const { state } = model.record;
  if (state !== "PENDING" && state !== "RETRY") return false;
  model.record.error = textOf(model, event);
  return true;
}

function requestRevoke(model: TaskModel, event: Event): Answer {
  const { record } = model;
  if (record === undefined) return undefined;
  if (record.state === "PENDING" || record.state === "RETRY") revokeWaiting(model, record, event);
  else if (record.state === "STARTED") record.revokeAsked = true;
  return shownState(record.state, record.revokeAsked);
}

function endUnclaimed(model: TaskModel, event: Extract<Event, { attempt: number }>, state: TaskState): true {
  model.record ??= born(state, attemptOf(model, event.attempt), 0);
  end(model, model.record, state);
  model.record.error = textOf(model, event);
  return true;
}

function openEntry(model: TaskModel, by: Worker): Answer {
  const fence = model.workers[by]?.fence ?? 0;
  if (model.ledger?.result !== undefined) return `done: ${model.ledger.result}`;
  if (model.ledger && model.ledger.fence > fence) return "taken";
  model.ledger = { fence, result: undefined };
  return "open";
}

function closeEntry(model: TaskModel, event: Extract<Event, { do: "closeEntry" }>): boolean {
  const { ledger, workers } = model;
  if (!ledger || ledger.result !== undefined || ledger.fence !== workers[event.by]?.fence) return false;
  ledger.result = textOf(model, event);
  return true;
}

/** Time never goes back; a worker does not outlive its function. */
function wait(model: TaskModel, until: number): undefined {
  model.now = Math.max(model.now, until);
  model.workers = model.workers.filter(({ since }) => model.now - since <= WORKER_MILLISECONDS);
}
