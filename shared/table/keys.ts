/** Where each item of the table lies. Every key is made here; docs/architecture.md has them in one list. */

import { createHash } from "node:crypto";
import type { Key } from "../aws/change.ts";
import { idTime } from "../message/id.ts";

/**
 * The key of a task record follows from its id alone, so that `GetItem` needs no look-up and the table itself is a list,
 * newest first: the partition is the id's day and its last hex digit, the sort key is the id.
 *
 * 16 partitions a day bear about 5,000 tasks/s (1,000 writes/s each, three writes a task). An index on time would cost
 * one more write per task (docs/decisions/0003-record-keys.md).
 */
export function recordKey(id: string): Key {
  const time = idTime(id);
  // An SQS message id (an unreadable message's record) carries no time: it lies in a partition of its own and is not listed.
  return { pk: time ? recordPartition(time, id.slice(-1)) : `task#${id}`, sk: id };
}

export const RECORD_SHARDS = [..."0123456789abcdef"];

export function recordPartition(day: Date, shard: string): string {
  return `task#${dayOf(day)}#${shard}`;
}

/** Acts of operators on a day, in the order of their times. */
export function auditPartition(day: Date): string {
  return `audit#${dayOf(day)}`;
}

export function auditKey(time: Date, id: string): Key {
  return { pk: auditPartition(time), sk: `${time.toISOString()}#${id}` };
}

/** All bulk acts: their ids hold their times. */
export const BULK_ACTS = "bulk";

export function bulkKey(id: string): Key {
  return { pk: BULK_ACTS, sk: id };
}

/** A part of the tasks that a bulk act is about. */
export function bulkPageKey(id: string, number: number): Key {
  return { pk: `bulk#${id}`, sk: String(number).padStart(6, "0") };
}

/** Groups of failures are spread over this many partitions. */
export const FAILURE_SHARDS = [..."01234567"];

export function failureGroupPartition(shard: string): string {
  return `failures#${shard}`;
}

export function failureGroupKey(fingerprint: string): Key {
  const shard = FAILURE_SHARDS[Number.parseInt(fingerprint.slice(0, 1), 16) % FAILURE_SHARDS.length] ?? "0";
  return { pk: failureGroupPartition(shard), sk: fingerprint };
}

/** The counts of the minutes of an hour: one item a minute from each process that ran something. */
export function countPartition(hour: Date): string {
  return `counts#${hour.toISOString().slice(0, 13)}`;
}

/** @param id tells apart items of several processes */
export function countKey(minute: Date, id: string): Key {
  return { pk: countPartition(minute), sk: `${minute.toISOString()}#${id}` };
}

/** The counts of whole hours. */
export const HOUR_COUNTS = "counts#hours";

export function hourCountKey(hour: Date): Key {
  return { pk: HOUR_COUNTS, sk: hour.toISOString() };
}

/** The item that remembers which task a key stands for. */
export function reservationKey(kind: "idempotency" | "throttle", task: string, key: string): Key {
  return { pk: `${kind}#${task}#${key}`, sk: kind };
}

/** The ledger entry of something that a task does once. */
export function onceKey(id: string, key: string): Key {
  return { pk: `once#${id}`, sk: key };
}

/** A rate that was changed begins anew: slots taken under the old one say nothing. */
export function rateLimitKey(task: string, rateLimit: string): Key {
  return { pk: `rate#${task}`, sk: rateLimit };
}

/** The runs of a task, or of those with this key. */
export function concurrencyKey(task: string, key: string | undefined): Key {
  return { pk: `concurrency#${task}`, sk: key === undefined ? "all" : `key#${key}` };
}

/** The newest burst of calls with this key. */
export function debounceKey(task: string, key: string): Key {
  return { pk: `debounce#${task}`, sk: key };
}

/** A burst that is over. Under a partition of its own: a key is a user's text, and may look like a key and a burst. */
export function pastBurstKey(task: string, key: string, burst: string): Key {
  return { pk: `burst#${task}#${burst}`, sk: key };
}

/** A day's timers are spread over this many partitions, each good for 1,000 writes a second. */
export const TIMER_SHARDS = [..."01234567"];

export function timerPartition(day: Date, shard: string): string {
  return `timer#${dayOf(day)}#${shard}`;
}

/** The timer of one attempt, in the partition of its due day, sorted by its time. */
export function timerKey({ id, attempt }: { id: string; attempt: number }, eta: Date): Key {
  const shard = TIMER_SHARDS[Number.parseInt(id.slice(-1), 16) % TIMER_SHARDS.length] ?? "0";
  return { pk: timerPartition(eta, shard), sk: `${eta.toISOString()}#${id}#${attempt}` };
}

/** The earliest day that may still hold a timer. */
export const WATERMARK_KEY: Key = { pk: "timers", sk: "watermark" };

/** Entries of beat, and what is due of them, are spread over this many partitions by their names. */
export const SCHEDULE_SHARDS = [..."01234567"];

function scheduleShard(name: string): string {
  const [byte = 0] = createHash("sha256").update(name).digest();
  return SCHEDULE_SHARDS[byte % SCHEDULE_SHARDS.length] ?? "0";
}

export function schedulePartition(shard: string): string {
  return `schedules#${shard}`;
}

/** An entry that is changed at run time. */
export function scheduleKey(name: string): Key {
  return { pk: schedulePartition(scheduleShard(name)), sk: name };
}

/** The pause of an entry that code declares. All of them lie together, for the tick reads them at once. */
export const STATIC_SCHEDULES = { pk: "schedules#static" } as const;

export function staticScheduleKey(name: string): Key {
  return { ...STATIC_SCHEDULES, sk: name };
}

/** Entries that are due on a day. */
export function duePartition(day: Date, shard: string): string {
  return `due#${dayOf(day)}#${shard}`;
}

/** An entry that is to be looked at from `visit` on. @param part tells apart several of one entry */
export function dueKey(visit: Date, name: string, part: string): Key {
  return { pk: duePartition(visit, scheduleShard(name)), sk: `${visit.toISOString()}#${name}#${part}` };
}

/** How far the tick has come. */
export const SCHEDULES_POSITION_KEY: Key = { pk: "schedules", sk: "position" };

/** The newest run of an entry whose runs may not overlap. */
export function overlapKey(name: string): Key {
  return { pk: `schedule#${name}`, sk: "overlap" };
}

/** Fire times of an entry that left no record, in the order of their times. */
export function scheduleNotes(name: string, incarnation: string): { pk: string; from: string; to: string } {
  return { pk: `schedule#${name}`, from: `note#${incarnation}#`, to: `note#${incarnation}$` };
}

export function scheduleNoteKey(name: string, incarnation: string, note: { at: string; kind: string }): Key {
  return { pk: `schedule#${name}`, sk: `note#${incarnation}#${note.at}#${note.kind}` };
}

/** The definition of a workflow. As with records, its key follows from its id, and the table lists definitions, newest first. */
export function definitionKey(workflow: string): Key {
  return { pk: definitionPartition(idTime(workflow) ?? new Date(0), workflow.slice(-1)), sk: workflow };
}

export function definitionPartition(day: Date, shard: string): string {
  return `workflows#${dayOf(day)}#${shard}`;
}

/** The places of a workflow that were stopped. */
export function stoppedKey(workflow: string): Key {
  return { pk: `workflow#${workflow}`, sk: "stopped" };
}

/** The outcome of a group, and how many members it has. */
export function outcomeKey(workflow: string, place: string): Key {
  return { pk: `group#${workflow}#${place}`, sk: "outcome" };
}

/** A shard of a join, or the additions of one member, in a partition of its own: all members of a group write to them. */
export function joinKey(workflow: string, place: string, level: number | "added", shard: number): Key {
  return { pk: `join#${workflow}#${place}#${level}#${shard}`, sk: "join" };
}

/** Decisions of operators lie in one partition, beside the version that counts them. */
export const DECISIONS = { pk: "control", from: "decision#", to: "decision$" } as const;

export function decisionKey(kind: "pause" | "revoke" | "limits", scope: "queue" | "task" | "tag", name: string): Key {
  return { pk: DECISIONS.pk, sk: `decision#${kind}#${scope}#${name}` };
}

export const DECISIONS_VERSION_KEY: Key = { pk: DECISIONS.pk, sk: "version" };

/** The day of a time in UTC, `2026-01-31`. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
