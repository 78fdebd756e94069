/** Running what has ended once more: one task from its record, or many failures at a chosen rate. */

import { describeError, InvalidOptionError } from "../errors.ts";
import { derivedId, isId } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import { listTasks } from "../results/list.ts";
import type { TaskRecord } from "../results/record.ts";
import { AsyncResult } from "./async-result.ts";
import type { App } from "./current-app.ts";
import type { Sent } from "./deliver.ts";
import type { Registry } from "./registry.ts";
import { sendTask } from "./send.ts";
import type { RegisteredTask } from "./task.ts";

/**
 * Sends a task once more, as a new task that is linked to the old one: with the old payload, or another.
 * @throws whatever sending throws
 */
export function replay(
  app: App,
  task: RegisteredTask,
  record: TaskRecord,
  change: { payload?: Json; id?: string; eta?: Date } = {},
): Promise<Sent> {
  const { id, queue, tags, headers, messageGroupId } = record;
  const payload = change.payload === undefined ? record.payload : change.payload;
  const options = {
    queue,
    ...(tags && { tags: tags.filter((tag) => !task.tags.includes(tag)) }),
    ...(headers && { headers }),
    ...(messageGroupId !== undefined && { messageGroupId }),
    ...(change.eta && { eta: change.eta }),
  };
  return sendTask(app, task, payload, options, { replayOf: id, ...(change.id !== undefined && { id: change.id }) });
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
  const sends = page.tasks.map((failure, index) => {
    const eta = new Date(due.getTime() + (index * 1_000) / rate);
    return redriveOne(app, registry, failure, eta).then(
      () => {
        outcome.redriven += 1;
      },
      (error: unknown) => {
        outcome.skipped.push({ id: failure.id, reason: describeError(error).message });
      },
    );
  });
  await Promise.all(sends);
  due = new Date(due.getTime() + (page.tasks.length * 1_000) / rate);
  cursor = page.cursor;
  return cursor === undefined ? outcome : { ...outcome, cursor: `${cursor}~${due.toISOString()}` };
}

async function redriveOne(app: App, registry: Registry, failure: TaskRecord, eta: Date): Promise<void> {
  const task = registry.get(failure.task);
  const record = failure.large ? await new AsyncResult(failure.id, app).fetch() : failure;
  const id = derivedId(new Date(failure.finishedAt ?? failure.createdAt), `redrive/${failure.id}`);
  await replay(app, task, record, { id, eta });
}

function readCursor(cursor: string | undefined, now: Date): [string | undefined, Date] {
  if (cursor === undefined) return [undefined, now];
  const [id = "", due = ""] = cursor.split("~");
  if (!isId(id) || Number.isNaN(Date.parse(due))) {
    throw new InvalidOptionError("cursor", cursor, "the 'cursor' of an earlier answer");
  }
  return [id, new Date(Math.max(Date.parse(due), now.getTime()))];
}
