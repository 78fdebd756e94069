/** Lists of tasks, and words about one. */

import type { TaskRecord } from "../results/record.ts";

/** Whether a task has ended. */
export function isFinal({ state }: Pick<TaskRecord, "state">): boolean {
  return state === "SUCCESS" || state === "FAILURE" || state === "REVOKED";
}

/** Both lists as one, newest first, each task once. */
export function merged(old: readonly TaskRecord[], fresh: readonly TaskRecord[]): TaskRecord[] {
  const byId = new Map([...old, ...fresh].map((record) => [record.id, record]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The old rows, as they were seen last. */
export function updated(old: readonly TaskRecord[], fresh: readonly TaskRecord[]): TaskRecord[] {
  const byId = new Map(fresh.map((record) => [record.id, record]));
  return old.map((record) => byId.get(record.id) ?? record);
}

/** A word that the state alone does not say. */
export function noteOf(record: TaskRecord): string | undefined {
  if (record.revokeRequestedAt !== undefined) return "told to stop";
  if (record.replayedBy !== undefined) return "replayed";
  if (record.replacedBy !== undefined && record.state === "STARTED") return "a workflow now";
  return undefined;
}

/** The time in an id or cursor, which are UUIDs of version 7. https://www.rfc-editor.org/rfc/rfc9562#section-5.7 */
export function timeOf(id: string): string {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString();
}
