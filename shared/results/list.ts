import {
  above,
  allOf,
  atLeast,
  atMost,
  type Condition,
  contains,
  equal,
  type Item,
  isOneOf,
  not,
} from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { UNDER_WAY_SECONDS } from "../lifetimes.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import type { Term } from "../search.ts";
import { listInOrder, type Order } from "../table/in-order.ts";
import { recordPartition } from "../table/keys.ts";
import { publicRecord, type TaskRecord, type TaskState, toRecord } from "./record.ts";
import { fitsAll } from "./searched.ts";

export interface ListQuery {
  /** With several, tasks that fit one of them. */
  state?: TaskState | readonly TaskState[];
  task?: string | readonly string[];
  queue?: string | readonly string[];
  /** Only tasks that carry exactly this tag. */
  tag?: string;
  /** Only tasks that this one has sent itself. */
  parentId?: string;
  /** Only this task and what came of it. */
  rootId?: string;
  /** Only tasks that fit each term. It is tested when they have been read, and knows nothing of payloads and results. */
  search?: readonly Term[];
  /** @defaultValue newest */
  order?: Order;
  /** Only tasks sent at or after. @defaultValue 7 days before `to`; with `finishedFrom` or `finishedTo`, 31 days before that */
  from?: Date;
  /** Only tasks sent at or before. @defaultValue now */
  to?: Date;
  /** Only tasks that ended at or after. */
  finishedFrom?: Date;
  /** Only tasks that ended at or before. */
  finishedTo?: Date;
  /** Go on after this id, as an earlier answer's `cursor` says. */
  cursor?: string;
  /** 1–100. @defaultValue 50 */
  limit?: number;
}

export interface ListPage {
  tasks: TaskRecord[];
  /** All pages together look at tasks that were sent since then, and at none before. */
  searchedFrom: string;
  /** Present if there may be more. */
  cursor?: string;
}

const DAY_MILLISECONDS = 86_400_000;

/** No record of a task that may still run is older. */
const OLDEST_MILLISECONDS = UNDER_WAY_SECONDS * 1000;

const USUAL_DAYS = 7;

/** A task is looked for among those sent this long before its end, unless `from` says otherwise. */
const LONG_LIFE_DAYS = 31;

/** Tasks in the order of their ids, as `listInOrder` lists them: a page may be short, or empty, and still have a cursor. */
export async function listTasks(table: Table, now: Date, query: ListQuery): Promise<ListPage> {
  const { limit = 50, cursor, order = "newest" } = query;
  const span = sentWithin(query, now);
  const { filter, keep } = toFilter(query, now);
  const { items, ...more } = await listInOrder(
    table,
    { ...span, cursor, limit, order },
    { partition: recordPartition, filter, pageSize: shareOf(limit), ...(keep && { keep }) },
  );
  const tasks = items.map((item) => {
    const { attempts, ...record } = publicRecord(toRecord(item));
    return record;
  });
  return { tasks, searchedFrom: span.from.toISOString(), ...more };
}

/** Items to read of each of the 16 partitions: twice what is likely to be among the first `limit` of all, so that one round is enough. */
function shareOf(limit: number): number {
  return Math.min(limit, Math.ceil(limit / 8) + 8);
}

/** Between which times the tasks of a list were sent. */
function sentWithin({ from, to, finishedFrom, finishedTo }: ListQuery, now: Date): { from: Date; to: Date } {
  // Clocks of senders may be ahead of this one, and of the one that wrote the end, but not by a day.
  const ahead = (time: Date): number => time.getTime() + DAY_MILLISECONDS;
  // The clock of a caller that makes ids may be ahead, too. The rest of the day is in partitions that are read anyway.
  const latest = to?.getTime() ?? (Math.floor(now.getTime() / DAY_MILLISECONDS) + 1) * DAY_MILLISECONDS - 1;
  const until = new Date(Math.min(latest, ahead(now), finishedTo ? ahead(finishedTo) : ahead(now)));
  const ended = finishedFrom ?? finishedTo;
  const usual = ended
    ? ended.getTime() - LONG_LIFE_DAYS * DAY_MILLISECONDS
    : Math.min(until.getTime(), (to ?? now).getTime()) - USUAL_DAYS * DAY_MILLISECONDS;
  const since = Math.max(from?.getTime() ?? usual, now.getTime() - OLDEST_MILLISECONDS);
  return { from: new Date(since), to: until };
}

interface Filter {
  filter: Condition;
  keep?: (item: Item) => boolean;
}

/** The conditions of an item: those that DynamoDB can test, and one that only reading it can. */
function toFilter(query: ListQuery, now: Date): Filter {
  const { state, task, queue, tag, parentId, rootId, finishedFrom, finishedTo, search = [] } = query;
  const seconds = Math.floor(now.getTime() / 1000);
  const asked = [
    ...Object.entries({ state, task, queue, parentId, rootId }).flatMap(([name, value]) =>
      value === undefined ? [] : [typeof value === "string" ? equal(name, value) : isOneOf(name, value)],
    ),
    ...(finishedFrom ? [atLeast("finishedAt", finishedFrom.toISOString())] : []),
    ...(finishedTo ? [atMost("finishedAt", finishedTo.toISOString())] : []),
    ...(tag === undefined ? [] : [contains("tags", toJsonText(tag))]),
  ];
  const filter = allOf(above("ttl", seconds), not(atMost("shownUntil", seconds)), ...asked);
  if (tag === undefined && search.length === 0) return { filter };
  // Tags are JSON text, in which a tag such as `,` is also found between two others.
  const isTagged = (item: Item): boolean => tag === undefined || toTags(item).includes(tag);
  return { filter, keep: (item) => isTagged(item) && fitsAll(item, search) };
}

function toTags(item: Item): unknown[] {
  const tags = parseJson(String(item.tags ?? "[]"));
  return Array.isArray(tags) ? tags : [];
}
