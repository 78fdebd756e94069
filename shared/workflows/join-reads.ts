/** How far a group has come, as the shards of its join say. */

import type { Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { joinKey } from "../table/keys.ts";
import { type Additions, type AdditionsStore, membersOf } from "./additions.ts";
import type { GroupId } from "./definition.ts";
import { inOrder, isOpen, numbersIn, SHARD_MEMBERS, sizeOf, topOf } from "./shards.ts";

/** Shards that are read before it is known whether they have as many failures as are asked for: as many reads share a call. */
const SHARDS_AT_ONCE = 100;

interface Tally {
  members: number;
  ended: number;
  failed: number;
  /** Names of those that were added, which are in none of the counts, and whether they have failed. */
  added: { member: string; failed: boolean }[];
}

export interface JoinReads {
  /** Names of those that were added to a group which has ended, in the order of the members that have added them. */
  added(group: GroupId, size: number): Promise<string[]>;
  /** Members that have failed, or wait again because of that. */
  unwell(group: GroupId, size: number): Promise<string[]>;
  /** The first member of the first shard that is not made yet or not empty; undefined if all have ended. */
  firstPending(group: GroupId, size: number): Promise<number | undefined>;
  /** How many have ended. Members of shards that nobody has made yet have not. */
  tally(group: GroupId, size: number): Promise<Tally>;
  /** Members of its own that have failed, in their order, from one on. */
  failures(group: GroupId, size: number, page: { from?: number; limit: number }): Promise<string[]>;
  /** Whether all have ended of a group whose topmost shard is this, and empty. */
  isWhole(group: GroupId, size: number, top: Item): Promise<boolean>;
}

export function createJoinReads({ table, additions }: { table: Table; additions: AdditionsStore }): JoinReads {
  const shards = async (group: GroupId, size: number, level: number): Promise<(Item | undefined)[]> => {
    const count = Math.ceil(sizeOf(size, level) / SHARD_MEMBERS);
    const keys = Array.from({ length: count }, (_, index) => joinKey(group.workflow, group.place, level, index));
    return Promise.all(keys.map((key) => table.get(key)));
  };

  /** The additions of all members that the shards name. */
  const additionsOf = async (group: GroupId, all: readonly (Item | undefined)[]): Promise<Additions[]> => {
    const numbers = all.flatMap((shard, index) => numbersIn(shard?.added, index));
    return Promise.all(numbers.sort((a, b) => a - b).map((number) => additions.read(group, number)));
  };

  return {
    async added(group, size) {
      let numbers = [0];
      for (let level = topOf(size); level >= 0; level--) {
        const some = await Promise.all(
          numbers.map((number) => table.get(joinKey(group.workflow, group.place, level, number))),
        );
        numbers = some.flatMap((shard, index) => numbersIn(shard?.added, numbers[index] ?? 0));
        if (numbers.length === 0) return [];
      }
      const found = await Promise.all(numbers.map((number) => additions.read(group, number)));
      return found.flatMap(({ names }) => names).sort(inOrder);
    },

    async unwell(group, size) {
      const all = await shards(group, size, 0);
      const own = all.flatMap((shard, index) => [
        ...numbersIn(shard?.failed, index),
        ...numbersIn(shard?.again, index),
      ]);
      const added = (await additionsOf(group, all)).flatMap(({ failed, again }) => [...failed, ...again]);
      return [...new Set([...own.map(String), ...added])].sort(inOrder);
    },

    async firstPending(group, size) {
      const all = await shards(group, size, 0);
      const index = all.findIndex((shard) => shard === undefined || isOpen(shard));
      return index === -1 ? undefined : index * SHARD_MEMBERS;
    },

    async tally(group, size) {
      const count: Tally = { members: size, ended: 0, failed: 0, added: [] };
      const all = await shards(group, size, 0);
      for (const shard of all) {
        if (shard === undefined) continue;
        count.ended += Number(shard.members) - membersOf(shard.pending).length;
        count.failed += membersOf(shard.failed).length;
      }
      for (const { names, failed } of await additionsOf(group, all)) {
        count.added.push(...names.map((member) => ({ member, failed: failed.includes(member) })));
      }
      return count;
    },

    async failures(group, size, { from = 0, limit }) {
      const found: number[] = [];
      const count = Math.ceil(size / SHARD_MEMBERS);
      for (
        let first = Math.floor(from / SHARD_MEMBERS);
        first < count && found.length < limit;
        first += SHARDS_AT_ONCE
      ) {
        const keys = Array.from({ length: Math.min(SHARDS_AT_ONCE, count - first) }, (_, offset) =>
          joinKey(group.workflow, group.place, 0, first + offset),
        );
        const some = await Promise.all(keys.map((key) => table.get(key)));
        const members = some.flatMap((shard, offset) => numbersIn(shard?.failed, first + offset));
        found.push(...members.filter((one) => one >= from).sort((a, b) => a - b));
      }
      return found.slice(0, limit).map(String);
    },

    /**
     * Whether a group has ended whose topmost shard is empty. Where members were to wait again, one that ended at that moment may have taken
     * their shard out above, after it had been put back: then all shards are asked.
     */
    async isWhole(group, size, top) {
      if (top.reopened === undefined) return true;
      const all = await shards(group, size, 0);
      if (all.some((shard) => shard === undefined || isOpen(shard))) return false;
      return (await additionsOf(group, all)).every((one) => one.isWhole);
    },
  };
}
