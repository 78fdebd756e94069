import type { Table } from "../aws/dynamodb.ts";
import { UNDER_WAY_SECONDS } from "../lifetimes.ts";
import { idTime } from "../message/id.ts";
import { dayPartition, SHARDS } from "./keys.ts";
import { publicRecord, type TaskRecord, type TaskState, toRecord } from "./record.ts";

export interface ListQuery {
  state?: TaskState;
  task?: string;
  queue?: string;
  /** Only tasks sent at or after. @defaultValue 7 days before `to` */
  from?: Date;
  /** Only tasks sent at or before. @defaultValue now */
  to?: Date;
  /** Go on after this id, as an earlier answer's `cursor` says. */
  cursor?: string;
  /** 1–100. @defaultValue 50 */
  limit?: number;
}

export interface ListPage {
  tasks: TaskRecord[];
  /** Present if there may be more. */
  cursor?: string;
}

const DAY_MILLISECONDS = 86_400_000;

/** No record of a task that may still run is older. */
const OLDEST_MILLISECONDS = UNDER_WAY_SECONDS * 1_000;

/** Days that one page looks through; the cursor goes on from there. A day is 16 queries. */
const DAYS_PER_PAGE = 31;

/**
 * Tasks, newest first. Each day is 16 partitions, which are read together and merged; a page reads whole days until it is
 * full, or a month has been looked through: so a page may be short, or empty, and still have a cursor. It is eventually consistent: a task sent in the last second may be missing.
 */
export async function listTasks(table: Table, now: Date, query: ListQuery): Promise<ListPage> {
  const limit = query.limit ?? 50;
  // Clocks of senders may be ahead of this one, but not by a day.
  const to = new Date(Math.min((query.to ?? now).getTime(), now.getTime() + DAY_MILLISECONDS));
  const from = query.from ?? new Date(to.getTime() - 7 * DAY_MILLISECONDS);
  const before = query.cursor === undefined ? lastIdAt(to) : idBefore(query.cursor);
  const [newest = before] = [before, lastIdAt(to)].toSorted();
  const oldest = firstIdAt(new Date(Math.max(from.getTime(), now.getTime() - OLDEST_MILLISECONDS)));

  if (newest < oldest) return { tasks: [] };

  const clauses = [
    "@ttl > :now",
    "NOT @shownUntil <= :now",
    ...(query.state ? ["@state = :state"] : []),
    ...(query.task ? ["@task = :task"] : []),
    ...(query.queue ? ["@queue = :queue"] : []),
  ];
  const values = {
    now: Math.floor(now.getTime() / 1_000),
    ...(query.state && { state: query.state }),
    ...(query.task && { task: query.task }),
    ...(query.queue && { queue: query.queue }),
  };

  // Without a filter nearly every item read is shown; with one, few may be, and larger reads cost fewer calls.
  const pageSize = query.state || query.task || query.queue ? 1_000 : limit;

  const tasks: TaskRecord[] = [];
  let day = idTime(newest) ?? to;
  for (let days = 0; lastIdAt(endOfDay(day)) >= oldest && tasks.length < limit; days++, day = dayBefore(day)) {
    if (days === DAYS_PER_PAGE) return { tasks, cursor: firstIdAt(new Date(endOfDay(day).getTime() + 1)) };
    const pages = await Promise.all(
      SHARDS.map((shard) =>
        table.query({
          pk: dayPartition(day, shard),
          from: oldest,
          to: newest,
          limit,
          pageSize,
          filter: clauses.join(" AND "),
          values,
        }),
      ),
    );
    const found = pages.flat().map((item) => publicRecord(toRecord(item)));
    found.sort((a, b) => (a.id < b.id ? 1 : -1));
    tasks.push(...found.slice(0, limit - tasks.length));
  }
  const last = tasks.at(-1);
  return tasks.length === limit && last ? { tasks, cursor: last.id } : { tasks };
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

function endOfDay(day: Date): Date {
  return new Date(Math.floor(day.getTime() / DAY_MILLISECONDS) * DAY_MILLISECONDS + DAY_MILLISECONDS - 1);
}

function dayBefore(day: Date): Date {
  return new Date(day.getTime() - DAY_MILLISECONDS);
}
