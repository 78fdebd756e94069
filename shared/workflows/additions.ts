/**
 * Members that the tasks of one member have added to its group: their names, in an item of their own for each member that adds, so that the
 * shards of the join stay small however many are added. All of them have ended when the item is closed, for its member has ended and adds no
 * more, and none of them is pending (docs/decisions/0063-added-members.md).
 */

import { absent, allOf, contains, type Item, not, sizeBelow } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import type { UpdateOutcome } from "../aws/writes.ts";
import { joinKey } from "../table/keys.ts";
import { type GroupId, memberNumber } from "./definition.ts";

/** Calls by the tasks of one member: their names take less than 1 KB. */
export const MAX_ADDITIONS = 25;

/** Those that one member has added. */
export interface Additions {
  /** None is pending, and none can come any more. */
  isWhole: boolean;
  hasFailures: boolean;
  /** In the order in which they were added. */
  names: string[];
  /** Of these: those that have failed, those that wait again because of that, those that have not ended. */
  failed: string[];
  again: string[];
  pending: string[];
}

export interface AdditionsStore {
  /** Notes a name, once; "closed" if the member has ended, "full" if its tasks have added as often as they may. */
  add(group: GroupId, member: string): Promise<"added" | "closed" | "full">;
  /** The member has ended: nothing more is added. */
  close(group: GroupId, number: number): Promise<Additions>;
  /** The member runs again, and may add. */
  open(group: GroupId, number: number): Promise<void>;
  /** Those of a name have ended. */
  finish(group: GroupId, member: string, failed: boolean): Promise<Additions>;
  /** Those of a name wait again. */
  reopen(group: GroupId, member: string): Promise<void>;
  read(group: GroupId, number: number): Promise<Additions>;
}

export function createAdditions({ table, ttl }: { table: Table; ttl: () => number }): AdditionsStore {
  const keyOf = ({ workflow, place }: GroupId, number: number) => joinKey(workflow, place, "added", number);
  /** The name beside the number of the member, which the key has. */
  const nameIn = (member: string): { number: number; names: Set<string> } => {
    const number = memberNumber(member);
    return { number, names: new Set([member.slice(String(number).length)]) };
  };

  return {
    async add(group, member) {
      const { number, names } = nameIn(member);
      const [name = ""] = names;
      const isNew = allOf(absent("closed"), not(contains("added", name)));
      const written = await table.update({
        key: keyOf(group, number),
        addMembers: { pending: names, added: names },
        set: { ttl: ttl() },
        // The first of them makes the item; one that was added before may have ended by now.
        when: [...allOf(isNew, absent("added")), ...allOf(isNew, sizeBelow("added", MAX_ADDITIONS))],
      });
      if (written.applied || membersOf(written.item?.added).includes(name)) return "added";
      return written.item?.closed === undefined ? "full" : "closed";
    },

    async close(group, number) {
      // Where nothing was noted yet, a note that comes later finds it closed.
      const change = { key: keyOf(group, number), set: { closed: 1, ttl: ttl() }, returns: "ALL_NEW" } as const;
      return toAdditions(number, after(await table.update(change)));
    },

    async open(group, number) {
      await table.update({ key: keyOf(group, number), set: { ttl: ttl() }, remove: ["closed"] });
    },

    async finish(group, member, failed) {
      const { number, names } = nameIn(member);
      const written = await table.update({
        key: keyOf(group, number),
        removeMembers: { pending: names, again: names },
        set: { ttl: ttl() },
        ...(failed && { addMembers: { failed: names } }),
        returns: "ALL_NEW",
      });
      return toAdditions(number, after(written));
    },

    async reopen(group, member) {
      const { number, names } = nameIn(member);
      await table.update({
        key: keyOf(group, number),
        addMembers: { pending: names, again: names },
        removeMembers: { failed: names },
        set: { ttl: ttl() },
      });
    },

    read: async (group, number) => toAdditions(number, (await table.get(keyOf(group, number))) ?? {}),
  };
}

/** The item after a change without a condition, which is made always. */
function after(written: UpdateOutcome): Item {
  return written.applied ? written.attributes : {};
}

function toAdditions(number: number, { pending, added, failed, again, closed }: Item): Additions {
  const all = (value: Item[string]): string[] => membersOf(value).map((name) => `${number}${name}`);
  return {
    isWhole: closed !== undefined && pending === undefined,
    hasFailures: failed !== undefined,
    names: all(added),
    failed: all(failed),
    again: all(again),
    pending: all(pending),
  };
}

/** The members of a set of texts, which is not there when it is empty. */
export function membersOf(value: Item[string]): string[] {
  return value instanceof Set ? [...value] : [];
}
