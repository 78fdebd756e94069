/**
 * Joins: who of a group's members has not ended yet. The pending members are a set, in shards; whoever sees a shard empty takes it out of
 * the shard above, and whoever sees the topmost empty has ended the group. Taking out what is gone changes nothing, so that each step may be
 * repeated (docs/decisions/0052-joins.md).
 */

import { absent, allOf, contains, type Item, not, present } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { joinKey } from "../table/keys.ts";
import { isAdded, memberNumber } from "./definition.ts";

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
  /** Members were added. */
  hasAdded: boolean;
}

interface Tally {
  members: number;
  ended: number;
  failed: number;
  /** Names of those that were added, which are in none of the counts, and whether they have failed. */
  added: { member: string; failed: boolean }[];
}

export interface Joins {
  /** Makes the shards of members from `from` up to `to`, and those above them; what is there stays as it is. */
  create(group: GroupId, size: number, range: { from: number; to: number }): Promise<void>;
  /** Notes that a member has ended. Of members that end at the same moment in one process, one is told that the group is whole. */
  finish(group: GroupId, size: number, member: string, failed: boolean): Promise<Ended>;
  /** Has the group wait for members that one of its own adds. May be repeated; false if that one has ended. */
  add(group: GroupId, member: string): Promise<boolean>;
  /** Names of those that were added to a group which has ended, in the order of the members that have added them. */
  added(group: GroupId, size: number): Promise<string[]>;
  /** Members that have failed, or wait again because of that. */
  unwell(group: GroupId, size: number): Promise<string[]>;
  /** Has a member that has ended wait again. */
  reopen(group: GroupId, size: number, member: string): Promise<void>;
  /** The first member of the first shard that is not made yet or not empty; undefined if all have ended. */
  firstPending(group: GroupId, size: number): Promise<number | undefined>;
  /** Whether all have ended. */
  state(group: GroupId, size: number): Promise<Ended>;
  /** How many have ended. Members of shards that nobody has made yet have not. */
  tally(group: GroupId, size: number): Promise<Tally>;
  /** Members that have failed, in their order, from one on. */
  failures(group: GroupId, size: number, page: { from?: number; limit: number }): Promise<string[]>;
}

/** A member that has ended, or a shard that is empty. */
interface Part {
  name: string;
  failed: boolean;
  /** Of a shard: members were added in it. */
  added: boolean;
}

/** Members of one shard that end at the same moment share a write. */
interface Gathered {
  all: Set<string>;
  failed: Set<string>;
  added: Set<string>;
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
  const takeOut = async (group: GroupId, level: number, part: Part): Promise<Item | undefined> => {
    const key = joinKey(group.workflow, group.place, level, Math.floor(memberNumber(part.name) / SHARD_MEMBERS));
    const name = `${key.pk} ${key.sk}`;
    const shared = gathered.get(name);
    let one = shared;
    if (one === undefined) {
      const [all, failed, added] = [new Set<string>(), new Set<string>(), new Set<string>()];
      const outcome = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
        gathered.delete(name);
        const kept = { ...(failed.size > 0 && { failed }), ...(added.size > 0 && { added }) };
        const written = await table.update({
          key,
          removeMembers: { pending: all, again: all },
          ...(Object.keys(kept).length > 0 && { addMembers: kept }),
          when: present("members"),
          returns: "ALL_NEW",
        });
        if (!written.applied) throw new Error(`Workflow ${group.workflow} has no join at place '${group.place}'.`);
        return written.attributes;
      });
      one = { all, failed, added, outcome };
      gathered.set(name, one);
    }
    one.all.add(part.name);
    if (part.failed) one.failed.add(part.name);
    if (part.added) one.added.add(part.name);
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

    async finish(group, size, member, failed) {
      let part: Part = { name: member, failed, added: false };
      for (let level = 0; ; level++) {
        // Dying after this leaves a shard that is empty and still stands above: the repetition finds it so.
        const shard = await takeOut(group, level, part);
        if (shard === undefined || shard.pending !== undefined)
          return { isWhole: false, hasFailures: false, hasAdded: false };
        const [hasFailures, hasAdded] = [shard.failed !== undefined, shard.added !== undefined];
        if (level === topOf(size)) return { isWhole: true, hasFailures, hasAdded };
        const name = String(Math.floor(memberNumber(part.name) / SHARD_MEMBERS));
        part = { name, failed: hasFailures, added: hasAdded };
      }
    },

    async add(group, member) {
      const number = memberNumber(member);
      const names = new Set([member]);
      const written = await table.update({
        key: joinKey(group.workflow, group.place, 0, Math.floor(number / SHARD_MEMBERS)),
        addMembers: { pending: names, added: names },
        // As long as its own member waits, so does the group at each level. Those that were added before may have ended by now.
        when: allOf(contains("pending", String(number)), not(contains("added", member))),
      });
      return written.applied || membersOf(written.item?.added).includes(member);
    },

    async added(group, size) {
      let numbers = ["0"];
      for (let level = topOf(size); numbers.length > 0; level--) {
        const some = await Promise.all(
          numbers.map((number) => table.get(joinKey(group.workflow, group.place, level, Number(number)))),
        );
        numbers = some.flatMap((shard) => membersOf(shard?.added));
        if (level === 0) break;
      }
      return numbers.sort(inOrder);
    },

    async unwell(group, size) {
      const found = (await shards(group, size, 0)).flatMap((shard) => [
        ...membersOf(shard?.failed),
        ...membersOf(shard?.again),
      ]);
      return found.sort(inOrder);
    },

    async reopen(group, size, member) {
      // From the top down: as long as it waits above, nobody finds the group ended.
      for (let level = topOf(size); level >= 0; level--) {
        const at = Math.floor(memberNumber(member) / SHARD_MEMBERS ** level);
        const names = new Set([level === 0 ? member : String(at)]);
        await table.update({
          key: joinKey(group.workflow, group.place, level, Math.floor(at / SHARD_MEMBERS)),
          // Dying after this, its caller comes again and must find it: a member that is to run again is named until it ends.
          addMembers: { pending: names, ...(level === 0 && { again: names }) },
          ...(level === 0 && { removeMembers: { failed: names } }),
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
      return { isWhole, hasFailures: top?.failed !== undefined, hasAdded: top?.added !== undefined };
    },

    async tally(group, size) {
      const count: Tally = { members: size, ended: 0, failed: 0, added: [] };
      for (const shard of await shards(group, size, 0)) {
        if (shard === undefined) continue;
        const failed = membersOf(shard.failed);
        count.ended += Number(shard.members) - membersOf(shard.pending).filter((member) => !isAdded(member)).length;
        count.failed += failed.filter((member) => !isAdded(member)).length;
        count.added.push(...membersOf(shard.added).map((member) => ({ member, failed: failed.includes(member) })));
      }
      return count;
    },

    async failures(group, size, { from = 0, limit }) {
      const found: string[] = [];
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
        const members = some.flatMap((shard) => membersOf(shard?.failed));
        found.push(...members.filter((one) => memberNumber(one) >= from).sort(inOrder));
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

/** By the numbers in their names. */
function inOrder(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function membersOf(value: Item[string]): string[] {
  return value instanceof Set ? [...value] : [];
}
