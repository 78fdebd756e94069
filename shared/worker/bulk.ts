/**
 * The part of a worker that works on bulk acts. A message asks for one step of an act; whoever gets it does that and the next ones, as long
 * as they are due and there is time, and then asks for the next. Dying anywhere brings the message back, and the act goes on from the step
 * that its item names: a step may be done twice, and each of its tasks is acted on once, for to revoke or replay a task again changes nothing.
 */

import type { BulkAct, Outcome } from "../bulk/act.ts";
import { PAGE_TASKS } from "../bulk/acts.ts";
import { replayOrHeal } from "../canvas/heal.ts";
import { cut } from "../echo.ts";
import { BrokerError, describeError, ResultStoreError, TaskError, TaskNotFoundError } from "../errors.ts";
import { idTime } from "../message/id.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import { AsyncResult } from "../task/async-result.ts";
import { askForStep, isUnderWay, readSource, stepOf } from "../task/bulk.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { replayId } from "../task/replay.ts";
import type { Verdict } from "./acknowledgement.ts";
import type { Invocation } from "./invocation.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/** Tasks that one act may be about. */
const MAX_BULK_TASKS = 100_000;

/** One message works for so long at most, for the others of its batch are acknowledged with it. */
const SLICE_MILLISECONDS = 10_000;
/** Kept of the function's time for the step that is under way. */
const RESERVE_MILLISECONDS = 5000;

/** One step is about so many seconds' worth of tasks: after that long, at most, an act that was stopped stands still. */
const STEP_SECONDS = 5;

/** A step that is late is made up for, but no further back. */
const CATCH_UP_MILLISECONDS = 5000;

const MAX_REASON_CHARS = 300;

/** The work of one message. */
interface Working {
  app: App;
  registry: Registry;
  /** SQS has brought the message before: an error that stays is the outcome of its task. */
  again: boolean;
  mayGoOn: () => boolean;
}

/** Handles a message that asks for a step of a bulk act. */
export async function handleBulk(
  app: App,
  registry: Registry,
  { message, suspect }: TaskDelivery,
  invocation: Invocation,
): Promise<Verdict> {
  const asked = stepOf(message);
  let act = asked && (await app.bulk.read(asked.id));
  // A message of an earlier step is a copy, unless its worker may have died before it asked for the next step.
  if (asked === undefined || act === undefined || (act.step !== asked.step && !suspect)) return "acknowledge";
  const until = performance.now() + SLICE_MILLISECONDS;
  const mayGoOn = (): boolean => performance.now() < until && invocation.remainingMilliseconds() > RESERVE_MILLISECONDS;
  const working: Working = { app, registry, again: suspect, mayGoOn };

  for (let steps = 0; act && isUnderWay(act); steps += 1) {
    const waitMilliseconds = Date.parse(act.nextAt) - app.clock().getTime();
    if (waitMilliseconds > 0 || (steps > 0 && !mayGoOn())) {
      // Dying after this leaves two messages of one step: the first that comes does it, and the other is a copy.
      await askForStep(app, act, waitMilliseconds / 1000);
      return "acknowledge";
    }
    act = act.state === "collecting" ? await collect(working, act) : await actOn(working, act);
  }
  return "acknowledge";
}

/** Finds a page of the act's tasks. */
async function collect({ app, mayGoOn }: Working, act: BulkAct): Promise<BulkAct | undefined> {
  const ids: string[] = [];
  let { cursor } = act;
  do {
    const page = await find(app, act, { limit: PAGE_TASKS - ids.length, cursor });
    ids.push(...page.ids);
    cursor = page.cursor;
  } while (cursor !== undefined && ids.length < PAGE_TASKS && mayGoOn());
  const isCut = cursor !== undefined && act.total + ids.length >= MAX_BULK_TASKS;
  return app.bulk.collect(act, { ids, cursor, isCut });
}

/** Tasks that an act is about, newest first: none that was sent, or has ended, after it was made. */
async function find(
  app: App,
  act: BulkAct,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<{ ids: string[]; cursor: string | undefined }> {
  const source = readSource(act.source);
  if (source === undefined) return { ids: [], cursor: undefined };
  if ("failure" in source) {
    const found = await app.failures.members(source.failure, { limit, before: cursor });
    const ids = found.filter((id) => (idTime(id)?.toISOString() ?? "") <= act.at);
    return { ids, cursor: found.length === limit ? found.at(-1) : undefined };
  }
  const page = await app.results.list({ ...source.filter, limit, ...(cursor !== undefined && { cursor }) });
  const ids = page.tasks.filter(({ finishedAt = "" }) => finishedAt <= act.at).map(({ id }) => id);
  return { ids, cursor: page.cursor };
}

/** Acts on the tasks of a step. */
async function actOn(working: Working, act: BulkAct): Promise<BulkAct | undefined> {
  const { app } = working;
  const page = await app.bulk.page(act.id, act.page);
  if (page === undefined) {
    const { id, act: kind, by, total, done, skipped, failed } = act;
    await app.bulk.finish(act);
    app.log.info("A bulk act has ended", { bulk: id, act: kind, by, total, done, skipped, failed });
    return undefined;
  }
  const begun = app.clock().getTime();
  const most = Math.min(PAGE_TASKS, Math.max(1, Math.round(act.rate * STEP_SECONDS)));
  const ids = page.ids.slice(act.offset, act.offset + most);
  const outcomes = act.act === "revoke" ? await revokeAll(working, act, ids) : await replayAll(working, act, ids);
  const end = act.offset + ids.length;
  const next = end < page.ids.length ? { page: act.page, offset: end } : { page: act.page + 1, offset: 0 };
  const due = Math.max(Date.parse(act.nextAt), begun - CATCH_UP_MILLISECONDS) + (ids.length / act.rate) * 1000;
  return app.bulk.acted(act, page, { outcomes, next, nextAt: new Date(due) });
}

function revokeAll(working: Working, act: BulkAct, ids: readonly string[]): Promise<Outcome[]> {
  return Promise.all(ids.map((id) => orFailure(working, () => revokeOne(working, act, id))));
}

async function revokeOne({ app }: Working, act: BulkAct, id: string): Promise<Outcome> {
  const { state, finishedAt = "" } = await new AsyncResult(id, app).revoke();
  // One that was revoked since is an outcome of this act, though perhaps of a step that is repeated.
  if (!isFinal(state) || (state === "REVOKED" && finishedAt >= act.at)) return { outcome: "done" };
  return { outcome: "skipped", code: "TASK_ENDED", reason: `It had ended as ${state}.` };
}

/** Small ones together, for they share calls; large ones one after another, for they share the function's memory. */
async function replayAll(working: Working, act: BulkAct, ids: readonly string[]): Promise<Outcome[]> {
  const { app } = working;
  const outcomes = new Map<string, Outcome>();
  const replayOne = async (record: StoredRecord): Promise<void> =>
    void outcomes.set(record.id, await orFailure(working, () => replay(working, act, record)));
  const records = await Promise.all(ids.map((id) => app.results.read(id)));
  const found = records.flatMap((record) => record ?? []);
  await Promise.all(found.filter(({ large }) => large === undefined).map(replayOne));
  for (const record of found.filter(({ large }) => large !== undefined)) await replayOne(record);
  return ids.map((id) => outcomes.get(id) ?? failure(new TaskNotFoundError(id)));
}

async function replay({ app, registry }: Working, act: BulkAct, record: StoredRecord): Promise<Outcome> {
  const names = new Set([replayId(record), ...(record.replayedBy === undefined ? [] : [record.replayedBy])]);
  for (const name of names) {
    const run = await app.results.read(name);
    // One that was sent since is this act's own, though perhaps of a step that is repeated.
    if (run !== undefined && run.createdAt < act.at) {
      return { outcome: "skipped", code: "ALREADY_REPLAYED", reason: `It was run again as ${name}.`, replayedBy: name };
    }
  }
  const { id } = await replayOrHeal(app, registry, record);
  return { outcome: "done", ...(id !== record.id && { replayedBy: id }) };
}

/**
 * The outcome of one task, also of one that is refused. An error of the cloud is no outcome: it is thrown, and the message comes back. Once it
 * has, a task that still meets one is left, so that it does not hold up the others.
 */
async function orFailure({ app, again }: Working, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    // It will run; only its record could not be written.
    if (error instanceof ResultStoreError) return { outcome: "done" };
    if (!again && (!(error instanceof TaskError) || error instanceof BrokerError)) throw error;
    app.log.warn("A bulk act has left a task", { error: describeError(error) });
    return failure(error);
  }
}

function failure(error: unknown): Outcome {
  // The words of AWS name roles and resources; the log has them.
  const isTold = error instanceof TaskError && !(error instanceof BrokerError);
  const code = error instanceof TaskError ? error.code : "INTERNAL";
  const reason = isTold ? cut(error.message, MAX_REASON_CHARS) : "It failed for a reason that is in the service's log.";
  return { outcome: "failed", code, reason };
}
