/**
 * How many tasks have ended, by minute, task and state (docs/decisions/0057-counts.md). Each process counts in memory, and writes when its
 * function is done, about once a minute: so they are approximate. A process that is frozen for good takes along what it ended since.
 */

import type { Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { describeError } from "../errors.ts";
import { COUNT_SECONDS } from "../lifetimes.ts";
import type { Log } from "../log.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import { countKey, countPartition, HOUR_COUNTS, hourCountKey } from "../table/keys.ts";
import { createTally, packRow, type Row, type Tally, unpackRow } from "./tally.ts";

/** A run or a task that has ended; one that did not run has no times. */
interface Ended {
  task: string;
  state: string;
  times?: { waitMilliseconds: number; runMilliseconds: number };
}

type Step = "minute" | "hour";

/** Ends within the minute or hour that begins at `at`. */
export interface Point extends Row {
  /** ISO-8601. */
  at: string;
}

interface CountQuery {
  from: Date;
  to: Date;
  step: Step;
  tasks?: readonly string[];
}

export interface Counts {
  /** Counts one in memory. */
  note(ended: Ended): void;
  /**
   * Writes what was counted, if this process may: once a minute, and once more after a minute without a write. Never throws: what could not
   * be written stays for later.
   * @param isBacklog more work waits, so that the next call is near. @defaultValue false
   */
  flush(isBacklog?: boolean): Promise<void>;
  /** Ends in the steps that begin at or after `from` and before `to`: in the order of time, then of task and state. */
  read(query: CountQuery): Promise<Point[]>;
  /**
   * Adds up the two hours before the one in which `now` lies, if that is in its sixth minute: so that a week is cheap to read. An hour that is
   * missed is added up by whoever reads it. Never throws.
   */
  rollUp(now: Date): Promise<void>;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ROLL_UP_MINUTE = 5;

/** Writes that a process may make at once when it has rested: it never makes more than `m + 1` in `m` minutes. */
const MOST_WRITES = 2;
/** A worker that keeps up with its queue uses the second no sooner: what it does later in the minute would be lost. */
const LULL_MILLISECONDS = 3000;

/** Partitions that are read at once. */
const READS_AT_ONCE = 24;
/** Items of an hour: more than 1,000 processes write in it. */
const MAX_ITEMS = 100_000;

/** Begins of minutes, in milliseconds since 1970, with what ended in them. */
type Minutes = Map<number, Tally>;

export function createCounts({
  table,
  clock,
  newId,
  log,
  later = () => {},
}: {
  table: Table;
  clock: () => Date;
  newId: () => string;
  log: Log;
  /** Calls after so many milliseconds of this process, which may be frozen for long. @defaultValue never calls */
  later?: ((milliseconds: number, act: () => void) => void) | undefined;
}): Counts {
  let counted: Minutes = new Map();
  let wasBacklog = false;
  let writtenAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds of the past in which this process might have written; a write takes a minute of them. */
  let credit = MOST_WRITES * MINUTE;
  let creditedAt: number | undefined;

  let isWaiting = false;

  /** A process that is not frozen, as on a laptop, looks again by itself. */
  const lookAgain = (now: number): void => {
    if (isWaiting || counted.size === 0) return;
    isWaiting = true;
    const wait = credit >= MINUTE ? LULL_MILLISECONDS - (now - writtenAt) : MINUTE - credit;
    later(Math.max(0, wait) + 1, () => {
      isWaiting = false;
      void counts.flush();
    });
  };

  /** Whether this is the moment for the next write: the first end at once, and then what is likely to be the last end of a burst. */
  const mayWrite = (now: number, isBacklog: boolean): boolean => {
    const rested = Math.max(0, now - (creditedAt ?? now));
    credit = Math.min(MOST_WRITES * MINUTE, credit + rested);
    creditedAt = now;
    const isOver = wasBacklog && !isBacklog;
    wasBacklog = isBacklog;
    if (counted.size === 0 || credit < MINUTE) return false;
    const since = now - writtenAt;
    const isLull = !isBacklog && since >= LULL_MILLISECONDS;
    return credit === MOST_WRITES * MINUTE || isOver || isLull || since >= MINUTE;
  };

  const writeItem = async (minutes: readonly (readonly [number, Tally])[]): Promise<void> => {
    const [[first] = [0]] = minutes;
    await table.update({
      key: countKey(new Date(first), newId()),
      set: {
        // By minutes since the first.
        rows: toJsonText(
          minutes.flatMap(([at, tally]) => tally.rows().map((row) => [(at - first) / MINUTE, packRow(row)])),
        ),
        ttl: Math.floor(clock().getTime() / 1000) + COUNT_SECONDS,
      },
      likelyNew: true,
    });
  };

  /** Rows of the minutes of an hour. */
  const readHour = async (hour: number): Promise<Minutes> => {
    const minutes: Minutes = new Map();
    const items = await table.query({
      pk: countPartition(new Date(hour)),
      from: "0",
      to: "~",
      limit: MAX_ITEMS,
      pageSize: 1000,
    });
    for (const item of items) {
      const first = Date.parse(String(item.sk).slice(0, 24));
      for (const [after, row] of rowsOf(item)) add(minutes, first + Number(after) * MINUTE, row);
    }
    return minutes;
  };

  const readMinutes = async (hours: readonly number[]): Promise<Minutes> => {
    const all: Minutes = new Map();
    for (let first = 0; first < hours.length; first += READS_AT_ONCE) {
      for (const minutes of await Promise.all(hours.slice(first, first + READS_AT_ONCE).map(readHour))) {
        for (const [at, tally] of minutes) for (const row of tally.rows()) add(all, at, row);
      }
    }
    return all;
  };

  const readHours = async (from: number, to: number): Promise<Minutes> => {
    const items = await table.query({
      pk: HOUR_COUNTS,
      from: iso(from),
      to: iso(to),
      limit: MAX_ITEMS,
      pageSize: 1000,
    });
    const hours: Minutes = new Map();
    for (const item of items) {
      const hour = Date.parse(String(item.sk));
      hours.set(hour, createTally());
      for (const [, row] of rowsOf(item)) add(hours, hour, row);
    }
    const missing = steps(from, to, HOUR).filter((hour) => !hours.has(hour));
    for (const [at, tally] of await readMinutes(missing)) {
      for (const row of tally.rows()) add(hours, floor(at, HOUR), row);
    }
    return hours;
  };

  const addUp = async (hour: number): Promise<void> => {
    const tally = createTally();
    for (const minute of (await readHour(hour)).values()) for (const row of minute.rows()) tally.add(row);
    await table.update({
      key: hourCountKey(new Date(hour)),
      // Also of an hour in which nothing ended: a reader then knows that it need not look.
      set: {
        rows: toJsonText(tally.rows().map((row) => [0, packRow(row)])),
        ttl: Math.floor(hour / 1000) + COUNT_SECONDS,
      },
    });
  };

  const counts: Counts = {
    note({ task, state, times }) {
      const minute = floor(clock().getTime(), MINUTE);
      const { waitMilliseconds: wait = 0, runMilliseconds: run = 0 } = times ?? {};
      const row = { task, state, count: 1, runs: times === undefined ? 0 : 1 };
      add(counted, minute, {
        ...row,
        waitMilliseconds: { sum: wait, max: wait },
        runMilliseconds: { sum: run, max: run },
      });
    },

    async flush(isBacklog = false) {
      const now = clock().getTime();
      if (!mayWrite(now, isBacklog)) return lookAgain(now);
      credit -= MINUTE;
      const writing = [...counted].sort(([a], [b]) => a - b);
      [counted, writtenAt] = [new Map(), now];
      // Dying before an item is written loses what is in it.
      const outcomes = await Promise.allSettled(
        pairs(writing).map(async (item) => {
          await writeItem(item).catch((error: unknown) => {
            for (const [at, tally] of item) for (const row of tally.rows()) add(counted, at, row);
            throw error;
          });
        }),
      );
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed)
        log.warn("Counts could not be written, and wait for the next time", { error: describeError(failed.reason) });
    },

    async read({ from, to, step, tasks }) {
      const size = step === "minute" ? MINUTE : HOUR;
      const [first, last] = [Math.ceil(from.getTime() / size) * size, Math.ceil(to.getTime() / size) * size];
      if (first >= last) return [];
      const found =
        step === "minute" ? await readMinutes(steps(floor(first, HOUR), last, HOUR)) : await readHours(first, last);
      return [...found]
        .filter(([at]) => at >= first && at < last)
        .sort(([a], [b]) => a - b)
        .flatMap(([at, tally]) =>
          tally
            .rows()
            .filter((row) => tasks === undefined || tasks.includes(row.task))
            .sort((a, b) => compare(a.task, b.task) || compare(a.state, b.state))
            .map((row) => ({ at: iso(at), ...row })),
        );
    },

    async rollUp(now) {
      const current = floor(now.getTime(), HOUR);
      // By then the last counts of the hour are written; those that come within another hour are in the second sum.
      if (floor(now.getTime() - current, MINUTE) !== ROLL_UP_MINUTE * MINUTE) return;
      try {
        await Promise.all([current - 2 * HOUR, current - HOUR].map(addUp));
      } catch (error) {
        log.warn("The counts of an hour could not be added up: readers do it", { error: describeError(error) });
      }
    },
  };
  return counts;
}

/** Neighbours of one hour share an item: at the first write of a minute a process has the rest of the one before, too. */
function pairs<T>(minutes: readonly (readonly [number, T])[]): (readonly [number, T])[][] {
  const items: (readonly [number, T])[][] = [];
  for (const minute of minutes) {
    const last = items.at(-1);
    const [before] = last?.[0] ?? [];
    const isNext =
      before !== undefined && minute[0] - before === MINUTE && floor(before, HOUR) === floor(minute[0], HOUR);
    if (isNext && last?.length === 1) last.push(minute);
    else items.push([minute]);
  }
  return items;
}

function rowsOf(item: Item): [number, Row][] {
  const rows = parseJson(String(item.rows ?? "[]"));
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((entry) => {
    const [after, packed = null] = Array.isArray(entry) ? entry : [];
    const row = unpackRow(packed);
    return row === undefined ? [] : [[Number(after), row] satisfies [number, Row]];
  });
}

function add(minutes: Minutes, at: number, row: Row): void {
  const tally = minutes.get(at) ?? createTally();
  minutes.set(at, tally);
  tally.add(row);
}

function steps(from: number, to: number, size: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / size)) }, (_, index) => from + index * size);
}

function floor(time: number, size: number): number {
  return Math.floor(time / size) * size;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
