/**
 * The items of entries. An editor writes the entry, the engine all others; each write is one conditional update of one item
 * (docs/decisions/0050-schedules.md).
 */

import { absent, anyOf, below, equal, type Item, present } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import {
  dayOf,
  dueKey,
  duePartition,
  overlapKey,
  SCHEDULE_SHARDS,
  SCHEDULES_POSITION_KEY,
  STATIC_SCHEDULES,
  scheduleKey,
  schedulePartition,
  staticScheduleKey,
} from "../table/keys.ts";
import type { Due, Entry } from "./entry.ts";
import { CODE } from "./name.ts";
import { createNotes, type Notes } from "./notes.ts";

/** An entry, one that nobody can read, or what is left of one that was deleted. */
export type Stored =
  | { kind: "entry"; entry: Entry }
  | { kind: "broken"; name: string; edition: string; reason: string }
  | { kind: "deleted"; edition: string; since: Date };

/** A due item as it was read. */
export interface DueItem extends Due {
  key: { pk: string; sk: string };
  /** When it was written. */
  put: Date;
  /** Of a stretch: until when its fire times were handled when a tick first saw it. */
  seen?: Date;
  /** The fire time that waits for the end of another run. */
  waiting?: Date;
}

/** How far the tick has come. */
export interface Position {
  /** The earliest day that may still have a due item. */
  day: string;
  /** Until when all that was due has been handled; absent before the first tick. */
  until?: Date;
  /** Fire times up to then fire no more: the stage was told to fire nothing. */
  floor?: Date;
  /** Since when the stage fired nothing, up to `floor`. */
  offSince?: Date;
  /** The zone data by which due times were computed. */
  zones?: string;
  /** The entry after which all due times are computed anew; absent if that is done. */
  rearm?: string;
}

interface Page {
  prefix: string;
  limit: number;
  /** The name after which the page begins. */
  after?: string;
}

export interface Schedules extends Notes {
  read(name: string): Promise<Stored | undefined>;
  /** Stores an edition in the place of another, or of none; false if another is there. */
  write(entry: Entry, replaces: string | undefined, due: Due | undefined): Promise<boolean>;
  /** Deletes an entry of this edition; false if another is there. */
  remove(name: string, edition: string, now: Date): Promise<boolean>;
  /** Entries by name, in its order, none that was deleted. */
  list(page: Page): Promise<Exclude<Stored, { kind: "deleted" }>[]>;
  /** Whether a firing of this edition may still start at `start`: it was not changed before. */
  stands(name: string, edition: string, start: Date): Promise<boolean>;
  /** Whether a static entry is paused; undefined if nobody has ever paused it. */
  pauseOf(name: string): Promise<{ edition: string; paused: boolean; since: Date } | undefined>;
  /** The pauses of static entries, by name. */
  pauses(): Promise<Map<string, { edition: string; paused: boolean; since: Date }>>;
  /** Pauses or resumes a static entry. */
  setPaused(name: string, paused: boolean, now: Date): Promise<void>;
  forgetPause(name: string): Promise<void>;
  position(): Promise<Position>;
  advance(change: Partial<Position>, remove?: readonly string[]): Promise<void>;
  /** Calls `visit` for each item that is to be looked at by `until`; it may leave items there. True if it has seen them all. */
  eachDue(until: Date, position: Position, sweep: Sweep): Promise<boolean>;
  /** @param more the fire time that waits, if one does */
  putDue(due: Due, more: { now: Date; waiting?: Date }): Promise<void>;
  /** Notes that a tick has seen an item of a stretch: every tick after it does, too. One that is gone stays so. */
  markSeen(key: DueItem["key"], until: Date): Promise<void>;
  removeDue(key: DueItem["key"]): Promise<void>;
  overlap: {
    read(name: string): Promise<Item | undefined>;
    /** Notes the newest run, unless a newer one is noted. */
    run(name: string, run: { incarnation: string; id: string; at: Date }): Promise<void>;
    wait(name: string, at: Date): Promise<void>;
  };
}

interface Sweep {
  visit: (items: readonly DueItem[]) => Promise<void>;
  mayGoOn: () => boolean;
}

const PAGE = 100;
const DAY = 86_400_000;
const TOMBSTONE_SECONDS = 86_400;

export function createSchedules({ table, newId }: { table: Table; newId: () => string }): Schedules {
  let positionExists = false;

  const ensurePosition = async (now: Date): Promise<void> => {
    if (positionExists) return;
    // By another sender's clock it may still be yesterday.
    await table.update({ key: SCHEDULES_POSITION_KEY, onCreate: { day: dayOf(new Date(now.getTime() - DAY)) } });
    positionExists = true;
  };

  const putDue: Schedules["putDue"] = async ({ name, edition, at, visit, until }, { now, waiting }) => {
    await table.update({
      key: dueKey(visit, name, waiting ? "waiting" : edition),
      set: {
        name,
        edition,
        at: at.toISOString(),
        put: now.toISOString(),
        ...(until && { until: until.toISOString() }),
        ...(waiting && { waiting: waiting.toISOString() }),
      },
    });
  };

  return {
    ...createNotes(table),
    putDue,

    async read(name) {
      return toStored(await table.get(scheduleKey(name)));
    },

    async write(entry, replaces, due) {
      // Dying after this leaves an item of an edition that never was; the tick takes it away five minutes later.
      if (due) {
        await ensurePosition(entry.since);
        await putDue(due, { now: entry.since });
      }
      const { toItem } = await bodies();
      const { ttl, ...item } = toItem(entry);
      const when = replaces === undefined ? anyOf(absent("edition"), present("deleted")) : equal("edition", replaces);
      const outcome = await table.update({
        key: scheduleKey(entry.name),
        set: { ...item, ...(ttl !== undefined && { ttl }) },
        remove: ttl === undefined ? ["deleted", "ttl"] : ["deleted"],
        when,
      });
      return outcome.applied;
    },

    async remove(name, edition, now) {
      const outcome = await table.update({
        key: scheduleKey(name),
        set: {
          deleted: 1,
          edition: newId(),
          since: now.toISOString(),
          ttl: Math.floor(now.getTime() / 1000) + TOMBSTONE_SECONDS,
        },
        remove: ["body"],
        when: equal("edition", edition),
      });
      return outcome.applied;
    },

    async list({ prefix, limit, after }) {
      const from = after !== undefined && after >= prefix ? `${after}\u0000` : prefix === "" ? "\u0000" : prefix;
      const pages = SCHEDULE_SHARDS.map((shard) =>
        table.query({
          pk: schedulePartition(shard),
          from,
          to: `${prefix}\u{10ffff}`,
          limit,
          pageSize: Math.min(limit, PAGE),
          filter: absent("deleted"),
          oldestFirst: true,
        }),
      );
      const items = (await Promise.all(pages)).flat();
      const sorted = items.sort((a, b) => (String(a.sk) < String(b.sk) ? -1 : 1)).slice(0, limit);
      const stored = await Promise.all(sorted.map(toStored));
      return stored.flatMap((one) => (one === undefined || one.kind === "deleted" ? [] : [one]));
    },

    async stands(name, edition, start) {
      const isCode = edition.startsWith(CODE);
      const item = await table.get(isCode ? staticScheduleKey(name) : scheduleKey(name));
      if (item === undefined) return isCode;
      // Changed later than it was to start: then it was only waiting for a worker.
      return item.edition === edition || Date.parse(String(item.since)) >= start.getTime();
    },

    async pauses() {
      const items = await table.query({
        ...STATIC_SCHEDULES,
        from: " ",
        to: "~",
        limit: Number.POSITIVE_INFINITY,
        pageSize: PAGE,
        consistent: true,
      });
      return new Map(items.map((item) => [String(item.sk), toPause(item)]));
    },

    async pauseOf(name) {
      const item = await table.get(staticScheduleKey(name));
      return item && toPause(item);
    },

    async setPaused(name, paused, now) {
      await table.update({
        key: staticScheduleKey(name),
        set: { paused: paused ? 1 : 0, edition: `${CODE}-${newId()}`, since: now.toISOString() },
      });
    },

    forgetPause: (name) => table.remove(staticScheduleKey(name)),

    async position() {
      const item = (await table.get(SCHEDULES_POSITION_KEY)) ?? {};
      const time = (value: Item[string]): Date => new Date(String(value));
      return {
        day: String(item.day ?? ""),
        ...(item.until !== undefined && { until: time(item.until) }),
        ...(item.floor !== undefined && { floor: time(item.floor) }),
        ...(item.offSince !== undefined && { offSince: time(item.offSince) }),
        ...(item.zones !== undefined && { zones: String(item.zones) }),
        ...(item.rearm !== undefined && { rearm: String(item.rearm) }),
      };
    },

    async advance({ until, floor, offSince, ...texts }, remove = []) {
      await table.update({
        key: SCHEDULES_POSITION_KEY,
        set: {
          ...texts,
          ...(until && { until: until.toISOString() }),
          ...(floor && { floor: floor.toISOString() }),
          ...(offSince && { offSince: offSince.toISOString() }),
        },
        remove,
      });
    },

    async eachDue(until, position, { visit, mayGoOn }) {
      // The sign behind the time in a key sorts before `$`.
      const to = `${until.toISOString()}$`;
      const sweepPartition = async (pk: string): Promise<void> => {
        for (let from = "0"; mayGoOn(); ) {
          const items = await table.query({
            pk,
            from,
            to,
            limit: PAGE,
            pageSize: PAGE,
            oldestFirst: true,
            consistent: true,
          });
          await visit(items.map(toDue));
          if (items.length < PAGE) return;
          from = `${items.at(-1)?.sk}\u0000`;
        }
      };
      for (let day = Date.parse(position.day); day <= until.getTime(); day += DAY) {
        if (!mayGoOn()) return false;
        await Promise.all(SCHEDULE_SHARDS.map((shard) => sweepPartition(duePartition(new Date(day), shard))));
      }
      return mayGoOn();
    },

    async markSeen(key, until) {
      await table.update({ key, set: { seen: until.toISOString() }, when: present("edition") });
    },

    removeDue: (key) => table.remove(key),

    overlap: {
      read: (name) => table.get(overlapKey(name)),
      async run(name, { incarnation, id, at }) {
        const time = at.toISOString();
        await table.update({
          key: overlapKey(name),
          set: { incarnation, id, at: time },
          remove: ["waiting"],
          when: anyOf(absent("at"), below("at", time), equal("id", id)),
        });
      },
      async wait(name, at) {
        const waiting = at.toISOString();
        await table.update({
          key: overlapKey(name),
          set: { waiting },
          when: anyOf(absent("waiting"), below("waiting", waiting)),
        });
      },
    },
  };
}

function toPause({ edition, paused, since }: Item): { edition: string; paused: boolean; since: Date } {
  return { edition: String(edition), paused: paused === 1, since: new Date(String(since)) };
}

/** How an entry's body is read and written: loaded where one is, for most functions that know of entries never see a body. */
const bodies = () => import("./entry.ts");

async function toStored(item: Item | undefined): Promise<Stored | undefined> {
  if (item?.edition === undefined) return undefined;
  const edition = String(item.edition);
  if (item.deleted !== undefined) return { kind: "deleted", edition, since: new Date(String(item.since)) };
  const { toEntry } = await bodies();
  try {
    return { kind: "entry", entry: toEntry(item) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "broken", name: String(item.sk), edition, reason };
  }
}

function toDue({ pk, sk, name, edition, at, put, until, seen, waiting }: Item): DueItem {
  const [visit = ""] = String(sk).split("#");
  return {
    key: { pk: String(pk), sk: String(sk) },
    name: String(name),
    edition: String(edition),
    at: new Date(String(at)),
    visit: new Date(visit),
    put: new Date(String(put)),
    ...(until !== undefined && { until: new Date(String(until)) }),
    ...(seen !== undefined && { seen: new Date(String(seen)) }),
    ...(waiting !== undefined && { waiting: new Date(String(waiting)) }),
  };
}
