/**
 * How many runs of a task there may be at once: a set of those that run, in one item per task and key. A member carries the end of
 * its function's time, so that the place of a worker that died is free once that has passed.
 */

import { randomBytes } from "node:crypto";
import { absent, anyOf, contains, type Item, type Key, sizeBelow } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { concurrencyKey } from "../table/keys.ts";

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

/** A run that asks for a place. */
export interface Entering {
  task: string;
  key: string | undefined;
  limit: number;
  id: string;
  /** When its function's time is over. */
  heldUntil: Date;
}

export interface Concurrency {
  /**
   * Takes a place for a run until it leaves, or until `heldUntil`; undefined if all are taken.
   *
   * Dying in the place keeps it until then; the next run that finds no place removes it.
   */
  enter(run: Entering): Promise<Place | undefined>;
}

export function createConcurrency({ table, clock }: { table: Table; clock: () => Date }): Concurrency {
  const leave = async (key: Key, members: ReadonlySet<string>): Promise<void> => {
    await table.update({ key, removeMembers: { runs: members } });
  };
  return {
    async enter({ task, key, limit, id, heldUntil }) {
      const itemKey = concurrencyKey(task, key);
      const until = Math.ceil(heldUntil.getTime() / 1000);
      // Of this delivery alone: a copy of the message that leaves must not take this one's place away.
      const member = `${id}@${until}@${randomBytes(6).toString("base64url")}`;
      const members = new Set([member]);
      for (;;) {
        const outcome = await table.update({
          key: itemKey,
          set: { ttl: until + DAY_SECONDS },
          addMembers: { runs: members },
          when: anyOf(absent("runs"), sizeBelow("runs", limit), contains("runs", member)),
        });
        if (outcome.applied) return { leave: () => leave(itemKey, members) };
        const gone = endedRuns(outcome.item, clock());
        if (gone.size === 0) return undefined;
        await leave(itemKey, gone);
      }
    },
  };
}

/** Clocks differ: a place that was left by a crash is free so much later. */
const SKEW_SECONDS = 30;

/** Members whose function's time has been over for a while. */
function endedRuns(item: Item | undefined, now: Date): ReadonlySet<string> {
  const runs = item?.runs instanceof Set ? [...item.runs] : [];
  return new Set(runs.filter((member) => Number(member.split("@")[1]) + SKEW_SECONDS < now.getTime() / 1000));
}
