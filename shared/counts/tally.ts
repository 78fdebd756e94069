/** Sums of what has ended, by task and state. Pure. */

import type { Json } from "../message/json.ts";

/** The thing that a row counts. */
interface Kind {
  task: string;
  /** The state in which a task ended, or RETRY for a run after which it waits for another. */
  state: string;
}

/** The sum and the greatest of some times, in whole milliseconds. */
interface Times {
  sum: number;
  max: number;
}

export interface Row extends Kind {
  count: number;
  /** Those of them that ran: the others have no times. */
  runs: number;
  waitMilliseconds: Times;
  runMilliseconds: Times;
}

export interface Tally {
  add(row: Row): void;
  rows(): Row[];
}

/** An item has room for so many rows: names come with messages, and anybody who may send can make them up. */
const MAX_ROWS = 1000;
const MAX_NAME_CHARS = 128;
/** Stands for the tasks beyond that. */
export const OTHERS = "…";

export function createTally(): Tally {
  const byKind = new Map<string, Row>();
  const kindOf = ({ task, state }: Kind): string => JSON.stringify([task, state]);
  return {
    add(given) {
      const named = { ...given, task: given.task.slice(0, MAX_NAME_CHARS) };
      const isFull = byKind.size >= MAX_ROWS && !byKind.has(kindOf(named));
      const row = isFull ? { ...named, task: OTHERS } : named;
      const known = byKind.get(kindOf(row));
      byKind.set(kindOf(row), known === undefined ? row : sumOf(known, row));
    },
    rows: () => [...byKind.values()],
  };
}

function sumOf(a: Row, b: Row): Row {
  const times = (one: Times, other: Times): Times => ({
    sum: one.sum + other.sum,
    max: Math.max(one.max, other.max),
  });
  return {
    task: a.task,
    state: a.state,
    count: a.count + b.count,
    runs: a.runs + b.runs,
    waitMilliseconds: times(a.waitMilliseconds, b.waitMilliseconds),
    runMilliseconds: times(a.runMilliseconds, b.runMilliseconds),
  };
}

/** Rows of any tasks as one per state, or of any minutes as one per task and state. */
export function sumBy(by: "state" | "task", rows: readonly Row[]): Row[] {
  const tally = createTally();
  for (const row of rows) tally.add(by === "state" ? { ...row, task: "" } : row);
  return tally.rows();
}

/** A row as an item keeps it: a list, for each write is paid by the kilobyte. */
export function packRow({ task, state, count, runs, waitMilliseconds: wait, runMilliseconds: run }: Row): Json {
  return [task, state, count, runs, wait.sum, wait.max, run.sum, run.max];
}

export function unpackRow(packed: Json): Row | undefined {
  if (!Array.isArray(packed)) return undefined;
  const [task, state, ...numbers] = packed;
  if (typeof task !== "string" || typeof state !== "string") return undefined;
  const [count = 0, runs = 0, waitSum = 0, waitMax = 0, runSum = 0, runMax = 0] = numbers.map(Number);
  return {
    task,
    state,
    count,
    runs,
    waitMilliseconds: { sum: waitSum, max: waitMax },
    runMilliseconds: { sum: runSum, max: runMax },
  };
}
