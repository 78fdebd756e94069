/** A shard of a join: some members of a group, or some shards below it. */

import type { Item } from "../aws/change.ts";
import { membersOf } from "./additions.ts";

/**
 * Members of one shard, which is written a few times as often. It has sets of their numbers within the shard, 190 bytes each: `pending` and
 * `failed`; `again`, that are to run once more; `added`, that have added others, and `adding`, whose additions have not ended. All of them
 * together are below 1 KB.
 */
export const SHARD_MEMBERS = 100;

/** Whether a shard waits for members, or for those that its members have added. */
export function isOpen({ pending, adding }: Item): boolean {
  return pending !== undefined || adding !== undefined;
}

export function hasFailed({ failed, failedAdditions }: Item): boolean {
  return failed !== undefined || failedAdditions !== undefined;
}

/** The numbers of a set, as the level counts them. */
export function numbersIn(set: Item[string], shard: number): number[] {
  return membersOf(set).map((one) => shard * SHARD_MEMBERS + Number(one));
}

/** The number of a member, or shard, within its shard. */
export function within(number: number): string {
  return String(number % SHARD_MEMBERS);
}

export function contain(set: Item[string], number: number): boolean {
  return membersOf(set).includes(within(number));
}

/** How many members a level has: of the lowest the group's own, of any other the shards below. */
export function sizeOf(size: number, level: number): number {
  return Math.ceil(size / SHARD_MEMBERS ** level);
}

/** The level that has one shard. */
export function topOf(size: number): number {
  let level = 0;
  while (Math.ceil(sizeOf(size, level) / SHARD_MEMBERS) > 1) level++;
  return level;
}

/** By the numbers in their names. */
export function inOrder(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
