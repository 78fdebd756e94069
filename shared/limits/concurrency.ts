/**
 * How many runs of a task there may be at once: a set of those that run, in one item per task and key. A member carries the end of
 * its lease, so that the place of a worker that died is free once the lease has ended.
 */

import { randomBytes } from "node:crypto";
import type { Item, Table } from "../aws/dynamodb.ts";
import { concurrencyKey } from "./keys.ts";

/** A member is about 60 bytes, so the fullest set is 6 KB: six write units to enter or leave it. */
export const MAX_CONCURRENCY = 100;

const DAY_SECONDS = 86_400;

/** One run's place. */
export interface Place {
  leave(): Promise<void>;
}

export function isConcurrency(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= MAX_CONCURRENCY;
}

/**
 * Takes a place for a run of `id` until `heldUntil`; undefined if all are taken.
 *
 * Dying in the place keeps it until the lease ends; the next who finds no place removes it then.
 */
export async function enter(
  table: Table,
  now: Date,
  run: { task: string; key: string | undefined; limit: number; id: string; heldUntil: Date },
): Promise<Place | undefined> {
  const key = concurrencyKey(run.task, run.key);
  const until = Math.ceil(run.heldUntil.getTime() / 1000);
  // Of this delivery alone: a copy of the message that leaves must not take this one's place away.
  const member = `${run.id}@${until}@${randomBytes(6).toString("base64url")}`;
  const mine = { me: new Set([member]), member, limit: run.limit, ttl: until + DAY_SECONDS };
  for (;;) {
    const outcome = await table.update({
      key,
      update: "ADD @runs :me SET @ttl = :ttl",
      condition: "attribute_not_exists(@runs) OR size(@runs) < :limit OR contains(@runs, :member)",
      values: mine,
    });
    if (outcome.applied) return { leave: () => remove(table, run.task, run.key, new Set([member])) };
    const gone = endedRuns(outcome.item, now);
    if (gone.size === 0) return undefined;
    await remove(table, run.task, run.key, gone);
  }
}

async function remove(
  table: Table,
  task: string,
  key: string | undefined,
  members: ReadonlySet<string>,
): Promise<void> {
  await table.update({ key: concurrencyKey(task, key), update: "DELETE @runs :members", values: { members } });
}

/** Clocks differ: a place that was left by a crash is free so much later. */
const SKEW_SECONDS = 30;

/** Members whose lease has ended a while ago. */
function endedRuns(item: Item | undefined, now: Date): ReadonlySet<string> {
  const runs = item?.runs instanceof Set ? [...item.runs] : [];
  return new Set(runs.filter((member) => Number(member.split("@")[1]) + SKEW_SECONDS < now.getTime() / 1000));
}
