import { above, allOf, atLeast, atMost, type Condition, contains, equal, type Item, not } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { UNDER_WAY_SECONDS } from "../lifetimes.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import { RECORD_SHARDS, recordPartition } from "../table/keys.ts";
import { publicRecord, type TaskRecord, type TaskState, toRecord } from "./record.ts";

export interface ListQuery {
  state?: TaskState;
  task?: string;
  queue?: string;
  /** Only tasks that carry exactly this tag. */
  tag?: string;
  /** Only tasks that this one has sent itself. */
  parentId?: string;
  /** Only this task and what came of it. */
  rootId?: string;
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

/** Days that one page looks through; the cursor goes on from there. A day is 16 queries. */
const DAYS_PER_PAGE = 31;

/**
 * Tasks, newest first. Each day is 16 partitions, which are read together and merged; a page reads whole days until it is
 * full, or a month has been looked through: so a page may be short, or empty, and still have a cursor. It is eventually consistent: a task sent in the last second may be missing.
 */
export async function listTasks(table: Table, now: Date, query: ListQuery): Promise<ListPage> {
  const limit = query.limit ?? 50;
  const { from, to } = sentWithin(query, now);
  const before = query.cursor === undefined ? lastIdAt(to) : idBefore(query.cursor);
  const [newest = before] = [before, lastIdAt(to)].toSorted();
  const oldest = firstIdAt(from);
  const searchedFrom = from.toISOString();

  if (newest < oldest) return { tasks: [], searchedFrom };

  const { filter, isWide, keep } = toFilter(query, now);
  // Without a filter nearly every item read is shown; with one, few may be, and larger reads cost fewer calls.
  const pageSize = isWide ? limit : 1000;

  const tasks: TaskRecord[] = [];
  let day = timeOf(newest);
  for (let days = 0; lastIdAt(endOfDay(day)) >= oldest && tasks.length < limit; days++, day = dayBefore(day)) {
    if (days === DAYS_PER_PAGE) {
      return { tasks, searchedFrom, cursor: firstIdAt(new Date(endOfDay(day).getTime() + 1)) };
    }
    const pages = await Promise.all(
      RECORD_SHARDS.map((shard) =>
        table.query({
          pk: recordPartition(day, shard),
          from: oldest,
          to: newest,
          limit,
          pageSize,
          filter,
          ...(keep && { keep }),
        }),
      ),
    );
    const found = pages.flat().map((item) => publicRecord(toRecord(item)));
    found.sort((a, b) => (a.id < b.id ? 1 : -1));
    tasks.push(...found.slice(0, limit - tasks.length));
  }
  const last = tasks.at(-1);
  return tasks.length === limit && last ? { tasks, searchedFrom, cursor: last.id } : { tasks, searchedFrom };
}

/** Between which times the tasks of a list were sent. */
function sentWithin({ from, to, finishedFrom, finishedTo }: ListQuery, now: Date): { from: Date; to: Date } {
  // Clocks of senders may be ahead of this one, and of the one that wrote the end, but not by a day.
  const ahead = (time: Date): number => time.getTime() + DAY_MILLISECONDS;
  const until = new Date(Math.min((to ?? now).getTime(), ahead(now), finishedTo ? ahead(finishedTo) : ahead(now)));
  const ended = finishedFrom ?? finishedTo;
  const usual = ended
    ? ended.getTime() - LONG_LIFE_DAYS * DAY_MILLISECONDS
    : until.getTime() - USUAL_DAYS * DAY_MILLISECONDS;
  const since = Math.max(from?.getTime() ?? usual, now.getTime() - OLDEST_MILLISECONDS);
  return { from: new Date(since), to: until };
}

interface Filter {
  filter: Condition;
  /** Nearly every item is shown. */
  isWide: boolean;
  keep?: (item: Item) => boolean;
}

/** The conditions of an item: those that DynamoDB can test, and one that only reading it can. */
function toFilter(query: ListQuery, now: Date): Filter {
  const { state, task, queue, tag, parentId, rootId, finishedFrom, finishedTo } = query;
  const seconds = Math.floor(now.getTime() / 1000);
  const asked = [
    ...Object.entries({ state, task, queue, parentId, rootId }).flatMap(([name, value]) =>
      value === undefined ? [] : [equal(name, value)],
    ),
    ...(finishedFrom ? [atLeast("finishedAt", finishedFrom.toISOString())] : []),
    ...(finishedTo ? [atMost("finishedAt", finishedTo.toISOString())] : []),
    ...(tag === undefined ? [] : [contains("tags", toJsonText(tag))]),
  ];
  const filter = allOf(above("ttl", seconds), not(atMost("shownUntil", seconds)), ...asked);
  const isWide = asked.length === 0;
  if (tag === undefined) return { filter, isWide };
  // Tags are JSON text, in which a tag such as `,` is also found between two others.
  return { filter, isWide, keep: (item) => toTags(item).includes(tag) };
}

function toTags(item: Item): unknown[] {
  const tags = parseJson(String(item.tags ?? "[]"));
  return Array.isArray(tags) ? tags : [];
}

function firstIdAt(time: Date): string {
  const stamp = Math.max(0, time.getTime()).toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-000000000000`;
}

function lastIdAt(time: Date): string {
  return `${firstIdAt(time).slice(0, 13)}-8fff-bfff-ffffffffffff`;
}

/** The greatest text below `id` that can serve as a bound: BETWEEN includes its ends. */
function idBefore(id: string): string {
  const digits = BigInt(`0x${id.replaceAll("-", "")}`) - 1n;
  return digits
    .toString(16)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The time that a bound stands for, whatever its version. */
function timeOf(bound: string): Date {
  return new Date(Number.parseInt(bound.slice(0, 8) + bound.slice(9, 13), 16));
}

function endOfDay(day: Date): Date {
  return new Date(Math.floor(day.getTime() / DAY_MILLISECONDS) * DAY_MILLISECONDS + DAY_MILLISECONDS - 1);
}

function dayBefore(day: Date): Date {
  return new Date(day.getTime() - DAY_MILLISECONDS);
}
