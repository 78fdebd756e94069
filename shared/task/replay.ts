/** Running what has ended once more: one task from its record, or many failures at a chosen rate. */

import { describeError, InvalidOptionError, TaskNotFoundError, ValueExpiredError } from "../errors.ts";
import { derivedId, isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import { listTasks } from "../results/list.ts";
import type { StoredRecord, TaskRecord } from "../results/record.ts";
import type { App } from "./current-app.ts";
import type { Sent } from "./deliver.ts";
import type { Registry } from "./registry.ts";
import { sendTask } from "./send.ts";

/**
 * Sends a task once more, as a new task that is linked to the old one: with the old payload, or another.
 * @throws TaskNotRegisteredError, ValueExpiredError if a large payload is gone, and whatever sending throws
 */
export async function replay(
  app: App,
  registry: Registry,
  old: StoredRecord,
  change: { payload?: Json; id?: string; eta?: Date } = {},
): Promise<Sent> {
  const task = registry.get(old.task);
  const { id, queue, tags, headers, messageGroupId } = old;
  const options = {
    // Its queue may be gone from the service.
    ...(app.config.queues.includes(queue) && { queue }),
    ...(headers && { headers }),
    // Another payload may belong to another group: then the task says which.
    ...(messageGroupId !== undefined && change.payload === undefined && { messageGroupId }),
    ...(change.eta && { eta: change.eta }),
  };
  const payload = change.payload === undefined ? await payloadOf(app, old) : change.payload;
  const known = { replayOf: id, ...(tags && { tags }), ...(change.id !== undefined && { id: change.id }) };
  return sendTask(app, task, payload, options, known);
}

async function payloadOf(app: App, record: StoredRecord): Promise<Json> {
  const complete = await app.results.complete(record, { parts: ["payload"] });
  const { payload: ref } = record.refs;
  if (complete.large?.payload && ref) throw new ValueExpiredError(ref.key, ref.sizeBytes);
  return complete.payload;
}

export interface Redrive {
  queue: string;
  /** Tasks a second, more than 0 and at most 1,000. */
  rate: number;
  /** Only failures of this task. */
  task?: string;
  /** Only tasks sent in this time. @defaultValue the last 7 days */
  from?: Date;
  to?: Date;
  /** Failures that this call redrives at most, 1 to 1,000. */
  limit: number;
  /** Go on where an earlier call ended, as its answer says; the rate goes on, too. */
  cursor?: string;
}

export interface Redriven {
  redriven: number;
  /** Failures that cannot be run again, and why. */
  skipped: { id: string; reason: string }[];
  /** Present if there may be more. */
  cursor?: string;
}

/**
 * Replays the failures of a queue, newest first, so that one is due every 1/rate seconds. A failure that was redriven before
 * is not run twice, however often this is called: the new id is derived from the old one.
 * @throws InvalidOptionError for a cursor that is none
 */
export async function redrive(app: App, registry: Registry, request: Redrive): Promise<Redriven> {
  const now = app.clock();
  let [cursor, due] = readCursor(request.cursor, now);
  const { queue, task, from, to, limit, rate } = request;
  const page = await listTasks(app.table, now, {
    state: "FAILURE",
    queue,
    limit,
    ...(task !== undefined && { task }),
    ...(from && { from }),
    ...(to && { to }),
    ...(cursor !== undefined && { cursor }),
  });
  const outcome: Redriven = { redriven: 0, skipped: [] };
  const redriveOne = async (failure: TaskRecord, index: number): Promise<void> => {
    const id = derivedId(new Date(failure.finishedAt ?? failure.createdAt), `redrive/${failure.id}`);
    try {
      const record = await app.results.read(failure.id);
      if (record === undefined) throw new TaskNotFoundError(failure.id);
      await replay(app, registry, record, { id, eta: new Date(due.getTime() + (index * 1_000) / rate) });
      outcome.redriven += 1;
    } catch (error) {
      outcome.skipped.push({ id: failure.id, reason: describeError(error).message });
    }
  };
  const numbered = [...page.tasks.entries()];
  // Together they share calls; but large ones, one after another, share the function's memory.
  await Promise.all(numbered.flatMap(([index, one]) => (one.large ? [] : [redriveOne(one, index)])));
  for (const [index, one] of numbered) if (one.large) await redriveOne(one, index);
  due = new Date(due.getTime() + (page.tasks.length * 1_000) / rate);
  cursor = page.cursor;
  return cursor === undefined ? outcome : { ...outcome, cursor: `${cursor}~${due.toISOString()}` };
}

function readCursor(cursor: string | undefined, now: Date): [string | undefined, Date] {
  if (cursor === undefined) return [undefined, now];
  const [id = "", due = ""] = cursor.split("~");
  if (!isId(id) || Number.isNaN(Date.parse(due))) {
    throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
  }
  return [id, new Date(Math.max(Date.parse(due), now.getTime()))];
}
