/** Counts of what has ended, as bars and as rows of a table. Pure. */

import type { TaskState } from "../results/record.ts";

/** A period that the overview can show, by its name. */
export const PERIODS = {
  hour: { step: "minute", hours: 1 },
  day: { step: "hour", hours: 24 },
  week: { step: "hour", hours: 7 * 24 },
} as const;

export type Period = keyof typeof PERIODS;

export const STEP_MILLISECONDS = { minute: 60_000, hour: 3_600_000 } as const;

/** From the foot of a bar to its head. */
export const ENDS: readonly TaskState[] = ["SUCCESS", "RETRY", "REVOKED", "FAILURE"];

interface Times {
  sum: number;
  max: number;
}

interface Sum {
  state: TaskState;
  count: number;
}

interface Counted {
  from: string;
  to: string;
  step: keyof typeof STEP_MILLISECONDS;
}

export interface ByState extends Counted {
  points: (Sum & { at: string })[];
}

export interface ByTask extends Counted {
  points: (Sum & { task: string; runs: number; waitMilliseconds: Times; runMilliseconds: Times })[];
}

export interface Bar {
  /** When its step begins, in milliseconds since 1970. */
  at: number;
  total: number;
  counts: Readonly<Partial<Record<TaskState, number>>>;
}

/** A bar for each step of the period, also where nothing ended. */
export function barsOf({ from, to, step, points }: ByState): Bar[] {
  const size = STEP_MILLISECONDS[step];
  const first = Math.ceil(Date.parse(from) / size) * size;
  const length = Math.max(0, Math.ceil((Date.parse(to) - first) / size));
  const byTime = Map.groupBy(points, ({ at }) => Date.parse(at));
  return Array.from({ length }, (_, index) => {
    const at = first + index * size;
    const found = byTime.get(at) ?? [];
    return {
      at,
      total: found.reduce((sum, { count }) => sum + count, 0),
      counts: Object.fromEntries(found.map(({ state, count }) => [state, count])),
    };
  });
}

export interface TaskRow {
  task: string;
  /** Those that succeeded, failed or were revoked. */
  ended: number;
  failed: number;
  retried: number;
  /** Milliseconds; undefined where none has run. */
  meanWait: number | undefined;
  meanRun: number | undefined;
  longestRun: number | undefined;
}

/** A row for each task, those with most failures first, then the busiest. */
export function taskRows({ points }: ByTask): TaskRow[] {
  const rows = [...Map.groupBy(points, ({ task }) => task)].map(([task, found]): TaskRow => {
    const total = (number: (point: (typeof found)[number]) => number): number =>
      found.reduce((sum, point) => sum + number(point), 0);
    const of = (...states: TaskState[]): number => total(({ state, count }) => (states.includes(state) ? count : 0));
    const runs = total((point) => point.runs);
    const mean = (sum: number): number | undefined => (runs === 0 ? undefined : sum / runs);
    return {
      task,
      ended: of("SUCCESS", "FAILURE", "REVOKED"),
      failed: of("FAILURE"),
      retried: of("RETRY"),
      meanWait: mean(total(({ waitMilliseconds }) => waitMilliseconds.sum)),
      meanRun: mean(total(({ runMilliseconds }) => runMilliseconds.sum)),
      longestRun: runs === 0 ? undefined : Math.max(...found.map(({ runMilliseconds }) => runMilliseconds.max)),
    };
  });
  return rows.sort((a, b) => b.failed - a.failed || b.ended - a.ended || (a.task < b.task ? -1 : 1));
}
