/**
 * Joins: who of a group's members has not ended yet. The pending members are a set, in shards; whoever sees a shard empty takes it out of
 * the shard above, and whoever sees the topmost empty has ended the group. Taking out what is gone changes nothing, so that each step may be
 * repeated (docs/decisions/0052-joins.md).
 */

import { absent, contains, type Item, type Key, present } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { joinKey } from "../table/keys.ts";
import { type Additions, createAdditions } from "./additions.ts";
import { type GroupId, isAdded, memberNumber } from "./definition.ts";
import { createJoinReads, type JoinReads } from "./join-reads.ts";
import { contain, hasFailed, isOpen, SHARD_MEMBERS, sizeOf, topOf, within } from "./shards.ts";

/** The members that have ended, as the shards say. */
interface Ended {
  /** All have. */
  isWhole: boolean;
  /** Some have failed. */
  hasFailures: boolean;
  /** Members were added. */
  hasAdded: boolean;
}

export interface Joins extends JoinReads {
  /** Makes the shards of members from `from` up to `to`, and those above them; what is there stays as it is. False if some were there. */
  create(group: GroupId, size: number, range: { from: number; to: number }): Promise<boolean>;
  /** Notes that a member has ended. Of members that end at the same moment in one process, one is told that the group is whole. */
  finish(group: GroupId, size: number, member: string, failed: boolean): Promise<Ended>;
  /** Has the group wait for members that one of its own adds. May be repeated; "ended" if that one has, "full" if it has added too often. */
  add(group: GroupId, member: string): Promise<"waits" | "ended" | "full">;
  /** Has a member that has ended wait again. */
  reopen(group: GroupId, size: number, member: string): Promise<void>;
  /** Whether all have ended. */
  state(group: GroupId, size: number): Promise<Ended>;
}

/** A member that has ended, with all that it has added or without, or a shard that is empty. */
interface Part {
  number: number;
  /** The additions of the member, and not itself. */
  isAdditions?: boolean;
  failed: boolean;
  /** Of a shard: members were added in it. */
  added: boolean;
}

/** Members of one shard that end at the same moment share a write. */
interface Gathered {
  ended: Set<string>;
  failed: Set<string>;
  added: Set<string>;
  /** Members whose additions have ended, and whether some of these have failed. */
  additions: Set<string>;
  hasFailedAdditions: boolean;
  outcome: Promise<Item>;
}

const WAITS: Ended = { isWhole: false, hasFailures: false, hasAdded: false };

export function createJoins({ table, ttl }: { table: Table; ttl: () => number }): Joins {
  const gathered = new Map<string, Gathered>();
  const additions = createAdditions({ table, ttl });
  const reads = createJoinReads({ table, additions });

  const createShard = async (group: GroupId, size: number, level: number, index: number): Promise<boolean> => {
    const count = Math.min(SHARD_MEMBERS, sizeOf(size, level) - index * SHARD_MEMBERS);
    const pending = new Set(Array.from({ length: count }, (_, number) => String(number)));
    const { applied } = await table.update({
      key: joinKey(group.workflow, group.place, level, index),
      // DynamoDB takes an emptied set away: the number of members is what says that the shard was made.
      set: { members: count, pending, ttl: ttl() },
      when: absent("members"),
      likelyNew: true,
    });
    return applied;
  };

  /** Writes down all that has ended in a shard at this moment. */
  const write = async (
    group: GroupId,
    key: Key,
    { ended, failed, added, additions: over, ...one }: Gathered,
  ): Promise<Item> => {
    const written = await table.update({
      key,
      removeMembers: {
        ...(ended.size > 0 && { pending: ended, again: ended }),
        ...(over.size > 0 && { adding: over }),
      },
      addMembers: { ...(failed.size > 0 && { failed }), ...(added.size > 0 && { added }) },
      ...(one.hasFailedAdditions && { set: { failedAdditions: 1 } }),
      when: present("members"),
      returns: "ALL_NEW",
    });
    if (!written.applied) throw new Error(`Workflow ${group.workflow} has no join at place '${group.place}'.`);
    return written.attributes;
  };

  /** Answers with the shard, and whether this is the first of those who share the write: it goes on from there. */
  const takeOut = async (group: GroupId, level: number, part: Part): Promise<{ left: Item; isFirst: boolean }> => {
    const key = joinKey(group.workflow, group.place, level, Math.floor(part.number / SHARD_MEMBERS));
    const name = `${key.pk} ${key.sk}`;
    const shared = gathered.get(name);
    let one = shared;
    if (one === undefined) {
      const sets = { ended: new Set<string>(), failed: new Set<string>(), added: new Set<string>() };
      const fresh: Gathered = {
        ...sets,
        additions: new Set(),
        hasFailedAdditions: false,
        outcome: new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
          gathered.delete(name);
          return write(group, key, fresh);
        }),
      };
      one = fresh;
      gathered.set(name, one);
    }
    if (part.isAdditions) {
      one.additions.add(within(part.number));
      one.hasFailedAdditions ||= part.failed;
    } else {
      one.ended.add(within(part.number));
      if (part.failed) one.failed.add(within(part.number));
      if (part.added) one.added.add(within(part.number));
    }
    const left = await one.outcome;
    // The first goes on, and its message is not acknowledged before: if it dies, it comes again and finds the shard so.
    return { left, isFirst: shared === undefined };
  };

  /** Goes on upwards from a shard of the lowest level, as long as each is empty. */
  const goUp = async (group: GroupId, size: number, number: number, lowest: Item): Promise<Ended> => {
    let [shard, at] = [lowest, number];
    for (let level = 0; ; level++) {
      if (isOpen(shard)) return WAITS;
      const [hasFailures, hasAdded] = [hasFailed(shard), shard.added !== undefined];
      if (level === topOf(size))
        return (await reads.isWhole(group, size, shard)) ? { isWhole: true, hasFailures, hasAdded } : WAITS;
      at = Math.floor(at / SHARD_MEMBERS);
      // Dying before this leaves a shard that is empty and still stands above: the repetition finds it so.
      const { left, isFirst } = await takeOut(group, level + 1, { number: at, failed: hasFailures, added: hasAdded });
      if (!isFirst) return WAITS;
      shard = left;
    }
  };

  /** All that a member has added has ended, and so has the member. */
  const additionsEnded = async (
    group: GroupId,
    size: number,
    number: number,
    { hasFailures }: Additions,
  ): Promise<Ended> => {
    const part = { number, isAdditions: true, failed: hasFailures, added: false };
    const { left, isFirst } = await takeOut(group, 0, part);
    return isFirst ? goUp(group, size, number, left) : WAITS;
  };

  return {
    ...reads,

    async create(group, size, { from, to }) {
      const made: Promise<boolean>[] = [];
      for (let level = topOf(size); level >= 0; level--) {
        const width = SHARD_MEMBERS ** (level + 1);
        // One that begins before the range was made with its first member: whoever sends later ones finds it.
        for (let index = Math.ceil(from / width); index * width < to; index++) {
          made.push(createShard(group, size, level, index));
        }
      }
      // Together, in one call: no member is sent before all of them are there.
      return (await Promise.all(made)).every(Boolean);
    },

    async finish(group, size, member, failed) {
      const number = memberNumber(member);
      if (isAdded(member)) {
        const all = await additions.finish(group, member, failed);
        return all.isWhole ? additionsEnded(group, size, number, all) : WAITS;
      }
      const { left, isFirst } = await takeOut(group, 0, { number, failed, added: false });
      if (!contain(left.added, number)) return isFirst ? goUp(group, size, number, left) : WAITS;
      // Dying before this repeats it. It adds no more: the last of those that it has added goes on, or this.
      const all = await additions.close(group, number);
      return all.isWhole ? additionsEnded(group, size, number, all) : WAITS;
    },

    async add(group, member) {
      const number = memberNumber(member);
      const names = new Set([within(number)]);
      const written = await table.update({
        key: joinKey(group.workflow, group.place, 0, Math.floor(number / SHARD_MEMBERS)),
        addMembers: { adding: names, added: names },
        // As long as its own member waits, so does the group at each level.
        when: contains("pending", within(number)),
      });
      if (!written.applied) {
        const { names: known } = await additions.read(group, number);
        return known.includes(member) ? "waits" : "ended";
      }
      // Dying before this leaves a member whose additions are none: it closes them when it ends, and whoever comes later is refused.
      const noted = await additions.add(group, member);
      if (noted === "added") return "waits";
      return noted === "full" ? "full" : "ended";
    },

    async reopen(group, size, member) {
      const number = memberNumber(member);
      const isOwn = !isAdded(member);
      // From the top down: as long as it waits above, nobody finds the group ended.
      for (let level = topOf(size); level > 0; level--) {
        const at = Math.floor(number / SHARD_MEMBERS ** level);
        await table.update({
          key: joinKey(group.workflow, group.place, level, Math.floor(at / SHARD_MEMBERS)),
          addMembers: { pending: new Set([within(at)]) },
          ...(level === topOf(size) && { set: { reopened: 1 } }),
          when: present("members"),
        });
      }
      const names = new Set([within(number)]);
      const lowest = await table.update({
        key: joinKey(group.workflow, group.place, 0, Math.floor(number / SHARD_MEMBERS)),
        // Dying after this, its caller comes again and must find it: a member that is to run again is named until it ends.
        addMembers: isOwn ? { pending: names, again: names } : { adding: names },
        ...(isOwn && { removeMembers: { failed: names } }),
        ...(topOf(size) === 0 && { set: { reopened: 1 } }),
        when: present("members"),
        returns: "ALL_NEW",
      });
      if (!isOwn) return additions.reopen(group, member);
      if (!lowest.applied || !contain(lowest.attributes.added, number)) return;
      // It may add again, and its additions end with it.
      await table.update({
        key: joinKey(group.workflow, group.place, 0, Math.floor(number / SHARD_MEMBERS)),
        addMembers: { adding: names },
      });
      await additions.open(group, number);
    },

    async state(group, size) {
      const top = await table.get(joinKey(group.workflow, group.place, topOf(size), 0));
      if (top === undefined || isOpen(top) || !(await reads.isWhole(group, size, top))) return WAITS;
      return { isWhole: true, hasFailures: hasFailed(top), hasAdded: top.added !== undefined };
    },
  };
}
