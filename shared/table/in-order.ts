/** Items whose partitions are days, each in 16 shards, and whose sort keys are ids, which hold their time: the table lists them in their order. */

import type { Condition, Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { RECORD_SHARDS } from "./keys.ts";

export const ORDERS = ["newest", "oldest"] as const;

/** Which come first. */
export type Order = (typeof ORDERS)[number];

/** The part of a list that is asked for. */
export interface Span {
  /** Only ids of this time or later. */
  from: Date;
  /** Only ids of this time or earlier. */
  to: Date;
  /** Go on after this id. */
  cursor: string | undefined;
  limit: number;
  /** @defaultValue newest */
  order?: Order;
}

/** The items that are listed, and how they are read. */
export interface Reading {
  partition: (day: Date, shard: string) => string;
  filter: Condition;
  /** Items that the first call reads of a partition; while few of them are shown, later ones read more, up to 500. */
  pageSize: number;
  keep?: (item: Item) => boolean;
}

interface Listed {
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
export async function listInOrder(table: Table, span: Span, reading: Reading): Promise<Listed> {
  const { cursor, limit, order = "newest" } = span;
  const { partition, pageSize: first, ...how } = reading;
  const { next, days: ends, isFirst } = WALKS[order];
  let [low, high] = boundsOf(span);
  const items: Item[] = [];
  let [read, days, passed, pageSize] = [0, 0, cursor ?? "", first];

  while (low <= high && items.length < limit) {
    if (days === DAYS_PER_PAGE || read >= READ_PER_PAGE) return { items, cursor: passed };
    const day = timeOf(order === "newest" ? high : low);
    const range = { from: low, to: high, oldestFirst: order === "oldest" };
    const pages = await Promise.all(
      RECORD_SHARDS.map((shard) => table.queryPage({ pk: partition(day, shard), ...range, ...how, pageSize })),
    );
    read += pages.reduce((sum, page) => sum + page.read, 0);
    // Partitions end at different ids: beyond the first of these, some have more that was not read.
    const [readTo] = pages.flatMap((page) => page.readTo ?? []).sort((a, b) => (isFirst(a, b) ? -1 : 1));
    const found = pages
      .flatMap((page) => page.items)
      .filter(({ sk }) => readTo === undefined || !isFirst(readTo, String(sk)))
      .sort((a, b) => (isFirst(String(a.sk), String(b.sk)) ? -1 : 1));
    items.push(...found.slice(0, limit - items.length));
    if (readTo === undefined) days += 1;
    if (found.length < limit) pageSize = Math.max(first, Math.min(MAX_PAGE_SIZE, pageSize * GROWTH));
    const { last, first: begin } = ends(startOfDay(day).getTime());
    passed = readTo ?? last;
    const goOn = readTo === undefined ? begin : next(readTo);
    if (order === "newest") high = goOn;
    else low = goOn;
  }
  const last = items.at(-1);
  return items.length === limit && last ? { items, cursor: String(last.sk) } : { items };
}

/** Larger reads cost fewer calls, where few items are shown; where most are, they would be read for nothing. */
const GROWTH = 8;
const MAX_PAGE_SIZE = 500;

/** The ids between which a list still has to look. */
function boundsOf({ from, to, cursor, order = "newest" }: Span): [low: string, high: string] {
  const [first, last] = [firstIdAt(from), lastIdAt(to)];
  if (cursor === undefined) return [first, last];
  const start = WALKS[order].next(cursor);
  // A cursor leads to nothing outside of what was asked for.
  if (order === "newest") return [first, start < last ? start : last];
  return [start > first ? start : first, last];
}

/** How a list goes on in either order. */
const WALKS: Readonly<
  Record<
    Order,
    {
      /** The text that comes next after an id, which can serve as a bound: BETWEEN includes its ends. */
      next: (id: string) => string;
      /** The last id of the day that begins at a time, and the first of the day that comes next. */
      days: (start: number) => { last: string; first: string };
      /** Whether `a` comes before `b`. */
      isFirst: (a: string, b: string) => boolean;
    }
  >
> = {
  newest: {
    next: (id) => neighbour(id, -1n),
    days: (start) => ({ last: firstIdAt(new Date(start)), first: lastIdAt(new Date(start - 1)) }),
    isFirst: (a, b) => a > b,
  },
  oldest: {
    next: (id) => neighbour(id, 1n),
    days: (start) => ({
      last: lastIdAt(new Date(start + DAY_MILLISECONDS - 1)),
      first: firstIdAt(new Date(start + DAY_MILLISECONDS)),
    }),
    isFirst: (a, b) => a < b,
  },
};

function firstIdAt(time: Date): string {
  const stamp = Math.max(0, time.getTime()).toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-000000000000`;
}

function lastIdAt(time: Date): string {
  return `${firstIdAt(time).slice(0, 13)}-8fff-bfff-ffffffffffff`;
}

function neighbour(id: string, step: bigint): string {
  const digits = BigInt(`0x${id.replaceAll("-", "")}`) + step;
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
