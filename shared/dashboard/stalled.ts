/** Whether work stands still: from the tasks that wait, the depths of queues, and what has ended. Pure. */

import type { TaskRecord } from "../results/record.ts";
import { duration } from "./format.ts";
import { type Depth, isUploadWaiting } from "./why.ts";

/** A full house ends something in this time; a task that takes longer is told apart by nobody. */
const STILL_MILLISECONDS = 90_000;
const MINUTE = 60_000;

/** A task that might run by now. */
interface Oldest {
  record: TaskRecord;
  milliseconds: number;
}

/** The task that has waited longest since it might have begun; undefined if none waits. */
export function oldestWaiting(tasks: readonly TaskRecord[], now: number): Oldest | undefined {
  return tasks
    .filter((record) => (record.state === "PENDING" || record.state === "RETRY") && !isUploadWaiting(record))
    .map((record) => ({ record, milliseconds: now - Date.parse(record.eta ?? record.createdAt) }))
    .filter(({ milliseconds }) => milliseconds >= 0)
    .sort((a, b) => b.milliseconds - a.milliseconds)[0];
}

/** Counts of minutes, as `GET /counts` tells them. */
interface Ends {
  at: string;
  state: string;
  count: number;
}

/**
 * The queues that have work for a while, of which nothing comes to an end: a fault, or tasks that take longer than people wait.
 * @param ends of at least the last two minutes; undefined: not known yet
 */
export function stalledQueues(
  {
    queues,
    waiting,
    ends,
  }: { queues: readonly Depth[]; waiting: readonly TaskRecord[]; ends: readonly Ends[] | undefined },
  now: number,
): { name: string; text: string }[] {
  const since = Math.floor(now / MINUTE) * MINUTE - MINUTE;
  // A run that is to be retried has brought nothing to its end.
  const isEnd = ({ at, state, count }: Ends): boolean => state !== "RETRY" && count > 0 && Date.parse(at) >= since;
  if (ends === undefined || ends.some(isEnd)) return [];
  return queues.flatMap(({ name, paused, waiting: depth = 0, inFlight = 0 }) => {
    const oldest = oldestWaiting(
      waiting.filter(({ queue }) => queue === name),
      now,
    );
    if (paused || depth === 0 || oldest === undefined || oldest.milliseconds < STILL_MILLISECONDS) return [];
    const rest =
      inFlight === 0
        ? "none is being worked on: no worker takes them"
        : `about ${inFlight} are being worked on, and nothing ends: stalled, or busy with long tasks`;
    return [{ name, text: `In ${name} about ${depth} wait, for ${duration(oldest.milliseconds)}; ${rest}` }];
  });
}
