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

/** Items that one page reads, about: so that an answer takes no longer the more there are that it does not show. */
const READ_PER_PAGE = 8000;

/**
 * Each day is 16 partitions, which are read together and merged. A page is full, or has read its share of items, or has looked through a
 * month: so it may be short, or empty, and still have a cursor. It is eventually consistent: an item of the last second may be missing.
 */
export async function newestFirst(table: Table, { from, to, cursor, limit }: Span, reading: Reading): Promise<Newest> {
  const { partition, ...how } = reading;
  const before = cursor === undefined ? lastIdAt(to) : idBefore(cursor);
  let [newest = before] = [before, lastIdAt(to)].toSorted();
  const oldest = firstIdAt(from);
  const items: Item[] = [];
  let [read, days, above] = [0, 0, ""];

  while (newest >= oldest && items.length < limit) {
    if (days === DAYS_PER_PAGE || read >= READ_PER_PAGE) return { items, cursor: above };
    const day = timeOf(newest);
    const pages = await Promise.all(
      RECORD_SHARDS.map((shard) => table.queryPage({ pk: partition(day, shard), from: oldest, to: newest, ...how })),
    );
    read += pages.reduce((sum, page) => sum + page.read, 0);
    // Partitions end at different ids: below the newest of these, some have more that was not read.
    const [readTo] = pages
      .flatMap((page) => page.readTo ?? [])
      .toSorted()
      .toReversed();
    const found = pages
      .flatMap((page) => page.items)
      .filter(({ sk }) => readTo === undefined || String(sk) >= readTo)
      .sort((a, b) => (String(a.sk) < String(b.sk) ? 1 : -1));
    items.push(...found.slice(0, limit - items.length));
    if (readTo === undefined) {
      days += 1;
      above = firstIdAt(startOfDay(day));
      newest = lastIdAt(new Date(startOfDay(day).getTime() - 1));
    } else {
      above = readTo;
      newest = idBefore(readTo);
    }
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

function startOfDay(day: Date): Date {
  return new Date(Math.floor(day.getTime() / DAY_MILLISECONDS) * DAY_MILLISECONDS);
}
