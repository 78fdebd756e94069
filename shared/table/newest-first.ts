/** Items whose partitions are days, each in 16 shards, and whose sort keys are ids, which hold their time: the table lists them, newest first. */

import type { Condition, Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { RECORD_SHARDS } from "./keys.ts";

/** The part of a list that is asked for. */
export interface Span {
  /** Only ids of this time or later. */
  from: Date;
  /** Only ids of this time or earlier. */
  to: Date;
  /** Go on after this id. */
  cursor: string | undefined;
  limit: number;
}

/** The items that are listed, and how they are read. */
export interface Reading {
  partition: (day: Date, shard: string) => string;
  filter: Condition;
  /** Items that one call reads of a partition. */
  pageSize: number;
  keep?: (item: Item) => boolean;
}

export interface Newest {
  items: Item[];
  /** Present if there may be more. */
  cursor?: string;
}

const DAY_MILLISECONDS = 86_400_000;

/** Days that one page looks through; the cursor goes on from there. A day is 16 queries. */
const DAYS_PER_PAGE = 31;

/**
 * Each day is 16 partitions, which are read together and merged; a page reads whole days until it is full, or a month has been looked
 * through: so a page may be short, or empty, and still have a cursor. It is eventually consistent: an item of the last second may be missing.
 */
export async function newestFirst(table: Table, { from, to, cursor, limit }: Span, reading: Reading): Promise<Newest> {
  const { partition, ...how } = reading;
  const before = cursor === undefined ? lastIdAt(to) : idBefore(cursor);
  const [newest = before] = [before, lastIdAt(to)].toSorted();
  const oldest = firstIdAt(from);
  const items: Item[] = [];
  if (newest < oldest) return { items };

  let day = timeOf(newest);
  for (let days = 0; lastIdAt(endOfDay(day)) >= oldest && items.length < limit; days++, day = dayBefore(day)) {
    if (days === DAYS_PER_PAGE) return { items, cursor: firstIdAt(new Date(endOfDay(day).getTime() + 1)) };
    const pages = await Promise.all(
      RECORD_SHARDS.map((shard) => table.query({ pk: partition(day, shard), from: oldest, to: newest, limit, ...how })),
    );
    const found = pages.flat().sort((a, b) => (String(a.sk) < String(b.sk) ? 1 : -1));
    items.push(...found.slice(0, limit - items.length));
  }
  const last = items.at(-1);
  return items.length === limit && last ? { items, cursor: String(last.sk) } : { items };
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
