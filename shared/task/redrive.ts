/** Running many failures once more, at a chosen rate. */

import { InvalidOptionError, ResultStoreError, TaskNotFoundError } from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { idTime, isId } from "../message/id.ts";
import type { StoredRecord } from "../results/record.ts";
import type { App } from "./current-app.ts";
import { namesOf, type Registry } from "./registry.ts";
import { replay, replayId } from "./replay.ts";

export const MAX_REDRIVE_RATE = 1000;
export const MAX_REDRIVES = 1000;

/** One call looks at no more failures than this, and begins no further page after these seconds: its function has 28. */
const MAX_LOOKED_AT = 2000;
const MAX_SECONDS = 15;
const PAGE = 100;

export interface Redrive {
  /** Failures of this queue. */
  queue: string;
  /** Tasks a second, at most 1,000; so many that the last of `limit` is due within the longest delay, 400 days. */
  rate: number;
  /** Only failures of this task. */
  task?: string;
  /** Only tasks sent in this time. @defaultValue the last 7 days */
  from?: Date;
  to?: Date;
  /** Tasks that this call sends at most, 1 to 1,000. */
  limit: number;
  /** Go on where an earlier call ended, as its answer says; the rate goes on, too. */
  cursor?: string;
}

export interface Redriven {
  /** Tasks that this call has sent. */
  redriven: number;
  /** Failures that were left as they are, for they had run again already. */
  replayed: { id: string; replayedBy: string }[];
  /** Failures that could not be run again, and why. */
  failed: { id: string; error: unknown }[];
  /** Why it ended before its time. The tasks that are counted above are done; the cursor, or the same call, goes on. */
  stopped?: unknown;
  /** Present if there may be more. */
  cursor?: string;
}

/**
 * Replays the failures of a queue, newest first, so that one is due every 1/rate seconds. A failure that was replayed or redriven
 * before is not run twice, however often and by whomever it is asked for. A call that has sent anything answers with what it did,
 * whatever fails later.
 * @param runAgain runs one of them
 * @throws InvalidOptionError for a cursor that is none, or a rate so low that times would lie past the longest delay: nothing was sent
 */
export async function redrive(
  app: App,
  registry: Registry,
  request: Redrive,
  runAgain: typeof replay = replay,
): Promise<Redriven> {
  const now = app.clock();
  const { limit } = request;
  let [cursor, due] = readCursor(request.cursor, now);
  const interval = intervalOf(request, due, now);
  const outcome: Redriven = { redriven: 0, replayed: [], failed: [] };
  const redriveOne = async (record: StoredRecord, eta: Date): Promise<void> => {
    try {
      await runAgain(app, registry, record, { eta });
      outcome.redriven += 1;
    } catch (error) {
      // It will run; only its record could not be written.
      if (error instanceof ResultStoreError) outcome.redriven += 1;
      else outcome.failed.push({ id: record.id, error });
    }
  };

  const startedAt = performance.now();
  let lookedAt = 0;
  try {
    do {
      const page = await readPage({ app, registry }, request, {
        limit: Math.min(PAGE, limit - outcome.redriven),
        cursor,
      });
      const looks = await Promise.all(page.ids.map((id) => look(app, id)));
      const again = looks.flatMap((found) => ("record" in found ? [found.record] : []));
      outcome.replayed.push(...looks.flatMap((found) => ("replayedBy" in found ? [found] : [])));
      outcome.failed.push(...looks.flatMap((found) => ("error" in found ? [found] : [])));
      const numbered = again.map((record, index) => ({ record, eta: new Date(due.getTime() + index * interval) }));
      // Together they share calls; but large ones, one after another, share the function's memory.
      const [large, small] = [numbered.filter(isLarge), numbered.filter((one) => !isLarge(one))];
      await Promise.all(small.map(({ record, eta }) => redriveOne(record, eta)));
      for (const { record, eta } of large) await redriveOne(record, eta);
      due = new Date(due.getTime() + again.length * interval);
      cursor = page.cursor;
      lookedAt += page.ids.length;
    } while (
      cursor !== undefined &&
      outcome.redriven < limit &&
      lookedAt < MAX_LOOKED_AT &&
      performance.now() - startedAt < MAX_SECONDS * 1000
    );
  } catch (error) {
    // Only a list can fail here. With nothing done, the caller's own repetition is the cure.
    if (lookedAt === 0) throw error;
    outcome.stopped = error;
  }
  return cursor === undefined ? outcome : { ...outcome, cursor: `${cursor}~${due.toISOString()}` };
}

/** Ids of failures, newest first. */
async function readPage(
  { app, registry }: { app: App; registry: Registry },
  { queue, task, from, to }: Redrive,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<{ ids: string[]; cursor: string | undefined }> {
  const page = await app.results.list({
    state: "FAILURE",
    limit,
    queue,
    ...(task !== undefined && { task: namesOf(registry, task) }),
    ...(from && { from }),
    ...(to && { to }),
    ...(cursor !== undefined && { cursor }),
  });
  return { ids: page.tasks.map(({ id }) => id), cursor: page.cursor };
}

type Look = { record: StoredRecord } | Redriven["replayed"][number] | Redriven["failed"][number];

/** Reads a failure, and asks whether it has run again. One that is named to have, without a record, was never sent. */
async function look(app: App, id: string): Promise<Look> {
  try {
    const record = await app.results.read(id);
    if (record === undefined) throw new TaskNotFoundError(id);
    const names = new Set([replayId(record), ...(record.replayedBy === undefined ? [] : [record.replayedBy])]);
    for (const name of names) if ((await app.results.stateOf(name)) !== undefined) return { id, replayedBy: name };
    return { record };
  } catch (error) {
    return { id, error };
  }
}

function isLarge({ record }: { record: StoredRecord }): boolean {
  return record.large !== undefined;
}

/** Milliseconds between two tasks. */
function intervalOf({ rate, limit }: Redrive, due: Date, now: Date): number {
  const seconds = MAX_TIMER_SECONDS - (due.getTime() - now.getTime()) / 1000;
  if (!(rate > 0 && rate <= MAX_REDRIVE_RATE && limit / rate <= seconds)) {
    const least = (Math.ceil((limit / seconds) * 1e9) / 1e9).toString();
    throw new InvalidOptionError(
      "rate",
      rate,
      `a number from ${least} to ${MAX_REDRIVE_RATE} a second, for the last of ${limit} tasks must be due within 400 days`,
    );
  }
  return 1000 / rate;
}

/** The id after which it goes on, and the time at which the next task is due. */
function readCursor(cursor: string | undefined, now: Date): [string | undefined, Date] {
  if (cursor === undefined) return [undefined, now];
  const [id = "", due = "", ...more] = cursor.split("~");
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(due) ? Date.parse(due) : Number.NaN;
  const isNear = time < now.getTime() + MAX_TIMER_SECONDS * 1000;
  if (!isId(id) || idTime(id) === undefined || !isNear || more.length > 0) {
    throw new InvalidOptionError("cursor", cursor.slice(0, 100), "the 'cursor' of an earlier answer");
  }
  return [id, new Date(Math.max(time, now.getTime()))];
}
