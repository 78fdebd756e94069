/** Failures that are one: the same task, kind of error and code. */

import type { TaskRecord } from "../results/record.ts";

export interface FailureGroup {
  task: string;
  name: string;
  code: string | undefined;
  /** Of the newest. */
  message: string;
  count: number;
  /** How many of them have been run again. */
  replayed: number;
  last: string;
  first: string;
  /** The newest. */
  id: string;
}

/** Groups of failures that are not handled yet first, each by its newest. @param failures newest first */
export function groupFailures(failures: readonly TaskRecord[]): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const { id, task, error, createdAt, finishedAt = createdAt, replayedBy } of failures) {
    const { name = "Error", message = "", code } = error ?? {};
    const key = JSON.stringify([task, name, code]);
    const group = groups.get(key) ?? {
      task,
      name,
      code,
      message,
      count: 0,
      replayed: 0,
      last: finishedAt,
      first: finishedAt,
      id,
    };
    group.count += 1;
    if (replayedBy !== undefined) group.replayed += 1;
    if (finishedAt < group.first) group.first = finishedAt;
    if (finishedAt > group.last) group.last = finishedAt;
    groups.set(key, group);
  }
  return [...groups.values()].sort(
    (a, b) => Number(b.count > b.replayed) - Number(a.count > a.replayed) || (a.last < b.last ? 1 : -1),
  );
}
