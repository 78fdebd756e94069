/**
 * Joins: who of a group's members has not ended yet. The pending members are a set, in shards; whoever sees a shard empty takes it out of
 * the shard above, and whoever sees the topmost empty has ended the group. Taking out what is gone changes nothing, so that each step may be
 * repeated (docs/decisions/0052-joins.md).
 */

import { absent, type Item, present } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { joinKey } from "../table/keys.ts";

/** Members of one shard. Their numbers take 600 bytes, and no shard is written more often than this. */
const SHARD_MEMBERS = 100;

/** Shards that are read before it is known whether they have as many failures as are asked for: as many reads share a call. */
const SHARDS_AT_ONCE = 100;

/** A group of a workflow. */
export interface GroupId {
  workflow: string;
  place: string;
}

/** The members that have ended, as the shards say. */
interface Ended {
  /** All have. */
  isWhole: boolean;
  /** Some have failed. */
  hasFailures: boolean;
}

interface Tally {
  members: number;
  ended: number;
  failed: number;
}

export interface Joins {
  /** Makes the shards of members from `from` up to `to`, and those above them; what is there stays as it is. */
  create(group: GroupId, size: number, range: { from: number; to: number }): Promise<void>;
  /** Notes that a member has ended. Of members that end at the same moment in one process, one is told that the group is whole. */
  finish(group: GroupId, size: number, index: number, failed: boolean): Promise<Ended>;
  /** Numbers of members that have failed, or wait again because of that. */
  unwell(group: GroupId, size: number): Promise<number[]>;
  /** Has a member that has ended wait again. */
  reopen(group: GroupId, size: number, index: number): Promise<void>;
  /** The first member of the first shard that is not made yet or not empty; undefined if all have ended. */
  firstPending(group: GroupId, size: number): Promise<number | undefined>;
  /** Whether all have ended. */
  state(group: GroupId, size: number): Promise<Ended>;
  /** How many have ended. Members of shards that nobody has made yet have not. */
  tally(group: GroupId, size: number): Promise<Tally>;
  /** Numbers of members that have failed, in their order, from one on. */
  failures(group: GroupId, size: number, page: { from?: number; limit: number }): Promise<number[]>;
}

/** Members of one shard that end at the same moment share a write. */
interface Gathered {
  all: Set<string>;
  failed: Set<string>;
  outcome: Promise<Item>;
}

export function createJoins({ table, ttl }: { table: Table; ttl: () => number }): Joins {
  const gathered = new Map<string, Gathered>();

  const createShard = async (group: GroupId, size: number, level: number, index: number): Promise<void> => {
    const first = index * SHARD_MEMBERS;
    const count = Math.min(SHARD_MEMBERS, sizeOf(size, level) - first);
    const pending = new Set(Array.from({ length: count }, (_, offset) => String(first + offset)));
    await table.update({
      key: joinKey(group.workflow, group.place, level, index),
      // DynamoDB takes an emptied set away: the number of members is what says that the shard was made.
      set: { members: count, pending, ttl: ttl() },
      when: absent("members"),
      likelyNew: true,
    });
  };

  /** Answers with the shard, for the first of those who share the write; the others have nothing to do. */
  const takeOut = async (group: GroupId, level: number, index: number, failed: boolean): Promise<Item | undefined> => {
    const shard = Math.floor(index / SHARD_MEMBERS);
    const key = joinKey(group.workflow, group.place, level, shard);
    const name = `${key.pk} ${key.sk}`;
    const shared = gathered.get(name);
    let one = shared;
    if (one === undefined) {
      const [all, lost] = [new Set<string>(), new Set<string>()];
      const outcome = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
        gathered.delete(name);
        const written = await table.update({
          key,
          removeMembers: { pending: all, again: all },
          ...(lost.size > 0 && { addMembers: { failed: lost } }),
          when: present("members"),
          returns: "ALL_NEW",
        });
        if (!written.applied) throw new Error(`Workflow ${group.workflow} has no join at place '${group.place}'.`);
        return written.attributes;
      });
      one = { all, failed: lost, outcome };
      gathered.set(name, one);
    }
    one.all.add(String(index));
    if (failed) one.failed.add(String(index));
    const left = await one.outcome;
    // The first goes on, and its message is not acknowledged before: if it dies, it comes again and finds the shard so.
    return shared === undefined ? left : undefined;
  };

  const shards = async (group: GroupId, size: number, level: number): Promise<(Item | undefined)[]> => {
    const count = Math.ceil(sizeOf(size, level) / SHARD_MEMBERS);
    const keys = Array.from({ length: count }, (_, index) => joinKey(group.workflow, group.place, level, index));
    return Promise.all(keys.map((key) => table.get(key)));
  };

  return {
    async create(group, size, { from, to }) {
      const made: Promise<void>[] = [];
      for (let level = topOf(size); level >= 0; level--) {
        const width = SHARD_MEMBERS ** (level + 1);
        // One that begins before the range was made with its first member: whoever sends later ones finds it.
        for (let index = Math.ceil(from / width); index * width < to; index++) {
          made.push(createShard(group, size, level, index));
        }
      }
      // Together, in one call: no member is sent before all of them are there.
      await Promise.all(made);
    },

    async finish(group, size, index, failed) {
      let [at, isFailed] = [index, failed];
      for (let level = 0; ; level++) {
        // Dying after this leaves a shard that is empty and still stands above: the repetition finds it so.
        const shard = await takeOut(group, level, at, isFailed);
        if (shard === undefined || shard.pending !== undefined) return { isWhole: false, hasFailures: false };
        isFailed = shard.failed !== undefined;
        if (level === topOf(size)) return { isWhole: true, hasFailures: isFailed };
        at = Math.floor(at / SHARD_MEMBERS);
      }
    },

    async unwell(group, size) {
      const found = (await shards(group, size, 0)).flatMap((shard) => [
        ...membersOf(shard?.failed),
        ...membersOf(shard?.again),
      ]);
      return found.map(Number).sort((a, b) => a - b);
    },

    async reopen(group, size, index) {
      // From the top down: as long as it waits above, nobody finds the group ended.
      for (let level = topOf(size); level >= 0; level--) {
        const at = Math.floor(index / SHARD_MEMBERS ** level);
        const member = new Set([String(at)]);
        await table.update({
          key: joinKey(group.workflow, group.place, level, Math.floor(at / SHARD_MEMBERS)),
          // Dying after this, its caller comes again and must find it: a member that is to run again is named until it ends.
          addMembers: { pending: member, ...(level === 0 && { again: member }) },
          ...(level === 0 && { removeMembers: { failed: member } }),
          when: present("members"),
        });
      }
    },

    async firstPending(group, size) {
      const all = await shards(group, size, 0);
      const index = all.findIndex((shard) => shard === undefined || shard.pending !== undefined);
      return index === -1 ? undefined : index * SHARD_MEMBERS;
    },

    async state(group, size) {
      const top = await table.get(joinKey(group.workflow, group.place, topOf(size), 0));
      const isWhole = top !== undefined && top.pending === undefined;
      return { isWhole, hasFailures: top?.failed !== undefined };
    },

    async tally(group, size) {
      const count = { members: size, ended: 0, failed: 0 };
      for (const shard of await shards(group, size, 0)) {
        if (shard === undefined) continue;
        count.ended += Number(shard.members) - membersOf(shard.pending).length;
        count.failed += membersOf(shard.failed).length;
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
        const numbers = some.flatMap((shard) => membersOf(shard?.failed).map(Number));
        found.push(...numbers.filter((one) => one >= from).sort((a, b) => a - b));
      }
      return found.slice(0, limit);
    },
  };
}

/** How many members a level has: of the lowest the group's own, of any other the shards below. */
function sizeOf(size: number, level: number): number {
  return Math.ceil(size / SHARD_MEMBERS ** level);
}

/** The level that has one shard. */
function topOf(size: number): number {
  let level = 0;
  while (Math.ceil(sizeOf(size, level) / SHARD_MEMBERS) > 1) level++;
  return level;
}

function membersOf(value: Item[string]): string[] {
  return value instanceof Set ? [...value] : [];
}
