import type { Table } from "../aws/dynamodb.ts";
import { idTime } from "../message/id.ts";
import { dayPartition, SHARDS } from "./keys.ts";
import { publicRecord, type TaskRecord, type TaskState, toRecord } from "./record.ts";

export interface ListQuery {
  state?: TaskState;
  task?: string;
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

/**
 * Tasks, newest first. Each day is 16 partitions, which are read together and merged; a page reads whole days until it is
 * full. It is eventually consistent: a task sent in the last second may be missing.
 */
export async function listTasks(table: Table, now: Date, query: ListQuery): Promise<ListPage> {
  const limit = query.limit ?? 50;
  const to = query.to ?? now;
  const from = query.from ?? new Date(to.getTime() - 7 * DAY_MILLISECONDS);
  const newest = query.cursor === undefined ? lastIdAt(to) : idBefore(query.cursor);
  const oldest = firstIdAt(from);

  if (newest < oldest) return { tasks: [] };

  const clauses = [
    "@ttl > :now",
    ...(query.state ? ["@state = :state"] : []),
    ...(query.task ? ["@task = :task"] : []),
  ];
  const values = {
    now: Math.floor(now.getTime() / 1_000),
    ...(query.state && { state: query.state }),
    ...(query.task && { task: query.task }),
  };

  // Without a filter nearly every item read is shown; with one, few may be, and larger reads cost fewer calls.
  const pageSize = query.state || query.task ? 1_000 : limit;

  const tasks: TaskRecord[] = [];
  for (
    let day = idTime(newest) ?? to;
    firstIdAt(endOfDay(day)) >= oldest && tasks.length < limit;
    day = dayBefore(day)
  ) {
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
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-0000-0000-000000000000`;
}

function lastIdAt(time: Date): string {
  return `${firstIdAt(time).slice(0, 13)}-ffff-ffff-ffffffffffff`;
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
