/** The items of a workflow beside the records of its tasks: its definition, the places that were stopped, and the outcomes of its groups. */

import { absent, anyOf, below, contains, sizeBelow } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import type { StoredError } from "../errors.ts";
import { UNDER_WAY_SECONDS } from "../lifetimes.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import type { LargeValues } from "../message/large-values.ts";
import { outcomeKey, stoppedKey } from "../table/keys.ts";
import { aroundOf, type GroupId, isWithin, type Place } from "./definition.ts";
import { createDefinitions, type Definitions } from "./definitions.ts";
import { createJoins, type Joins } from "./joins.ts";
import { remember } from "./known.ts";

/** The outcome of a group that was decided before, or other than, by the end of all its members. */
interface GroupOutcome {
  state: "SUCCESS" | "FAILURE" | "REVOKED";
  error?: StoredError;
  /** The member that has decided it. */
  by?: string;
}

/** The marks on a workflow as a whole. */
interface Marks {
  /** Places that were stopped. */
  places: ReadonlySet<string>;
  /** When a replay has let it go on. */
  resumedAt?: string;
  /** Records of all of it are kept at least until then, beyond what its definition says. */
  keptUntil?: string;
}

export interface Workflows extends Definitions {
  /** Stops what is under a place, and has not begun. */
  stop(id: string, place: Place): Promise<void>;
  /** Goes on with what was stopped at a place; the root's counts as a new sending of the whole. */
  goOn(id: string, place: Place): Promise<void>;
  /**
   * Whether the task at a place was stopped, by itself or with the task that has become this workflow; as of two seconds ago at most, with 0,
   * as of now.
   */
  isStopped(id: string, place: Place, maxAgeMilliseconds?: number): Promise<boolean>;
  /** Whether somebody has revoked the whole, or the one around the task that has become it; as of now. */
  isRevoked(id: string): Promise<boolean>;
  /** When a workflow was sent, or let go on by a replay; undefined if it is gone. Its tasks are as old as it, whenever their turn comes. */
  sentAt(id: string, maxAgeMilliseconds?: number): Promise<string | undefined>;
  /** Notes that records of all of it are kept until a time. */
  keep(id: string, until: string): Promise<void>;
  /** The time that was noted last, as of two seconds ago at most. */
  keptUntil(id: string): Promise<string | undefined>;
  /** Stores the outcome of a group unless it has one, and answers with the one that it has then. */
  decide(group: GroupId, outcome: GroupOutcome): Promise<GroupOutcome>;
  outcomeOf(group: GroupId): Promise<GroupOutcome | undefined>;
  /** Takes an outcome back: the group waits again. */
  undecide(group: GroupId): Promise<void>;
  /** How many members `each` has had; undefined before its list was read. */
  setSize(group: GroupId, size: number): Promise<void>;
  sizeOf(group: GroupId): Promise<number | undefined>;
  readonly joins: Joins;
}

/** As the decisions of operators: noticed within this. */
const LOOK_MILLISECONDS = 2000;

/** Places of one workflow that were stopped: beyond this, groups that fail let their members run, to no effect. */
const MAX_STOPPED = 1000;

export function createWorkflows(options: {
  table: Table;
  clock: () => Date;
  largeValues: LargeValues;
  /** Seconds that a final record is shown. */
  resultExpires: () => number;
}): Workflows {
  const { table, clock } = options;
  const ttl = (): number => Math.floor(clock().getTime() / 1000) + UNDER_WAY_SECONDS + options.resultExpires();
  const definitions = createDefinitions({ ...options, ttl });
  const { read } = definitions;
  const sizes = new Map<string, Promise<number | undefined>>();
  const marks = new Map<string, { at: number; found: Promise<Marks> }>();

  const readMarks = async (id: string): Promise<Marks> => {
    const { places, resumedAt, keptUntil } = (await table.get(stoppedKey(id))) ?? {};
    return {
      places: places instanceof Set ? places : new Set(),
      ...(resumedAt !== undefined && { resumedAt: String(resumedAt) }),
      ...(keptUntil !== undefined && { keptUntil: String(keptUntil) }),
    };
  };

  /** The marks of a workflow, as of some time ago at most, and whether they are read now. */
  const marksOf = (id: string, maxAgeMilliseconds: number): { isNew: boolean; found: Promise<Marks> } => {
    const now = clock().getTime();
    const known = marks.get(id);
    // The difference counts either way: a clock that was set back must not stop the looks.
    if (known !== undefined && Math.abs(now - known.at) < maxAgeMilliseconds) return { isNew: false, ...known };
    const looked = { at: now, found: readMarks(id) };
    remember(marks, id, looked);
    looked.found.catch(() => marks.delete(id));
    return { isNew: true, ...looked };
  };

  return {
    ...definitions,
    joins: createJoins({ table, ttl }),

    async stop(id, place) {
      // A text, for a set has no empty member.
      const name = `/${place}`;
      await table.update({
        key: stoppedKey(id),
        addMembers: { places: new Set([name]) },
        set: { ttl: ttl() },
        ...(place !== "" && {
          when: anyOf(absent("places"), contains("places", name), sizeBelow("places", MAX_STOPPED)),
        }),
      });
      marks.delete(id);
    },

    async goOn(id, place) {
      await table.update({
        key: stoppedKey(id),
        removeMembers: { places: new Set([`/${place}`]) },
        set: { ttl: ttl(), ...(place === "" && { resumedAt: clock().toISOString() }) },
      });
      marks.delete(id);
    },

    async isStopped(id, place, maxAgeMilliseconds = LOOK_MILLISECONDS) {
      // Read with the marks, so that they share a call.
      const definition = read(id);
      const { isNew, found } = marksOf(id, maxAgeMilliseconds);
      for (const name of (await found).places) {
        const above = name.slice(1);
        // The outcome of a group that was stopped is decided; what comes after it is not under it.
        if (above !== "" && (above === place || !isWithin(place, above))) continue;
        // A replay may have let it go on since this process has looked: what runs on is harmless, what is revoked is not.
        return isNew || this.isStopped(id, place, 0);
      }
      const known = await definition;
      const around = known && aroundOf(known);
      return around !== undefined && this.isStopped(around.id, around.place, maxAgeMilliseconds);
    },

    async isRevoked(id) {
      const { places } = await marksOf(id, 0).found;
      if (places.has("/")) return true;
      const definition = await read(id);
      const around = definition && aroundOf(definition);
      return around !== undefined && this.isRevoked(around.id);
    },

    async sentAt(id, maxAgeMilliseconds = LOOK_MILLISECONDS) {
      const definition = await read(id);
      if (definition === undefined) return undefined;
      const around = aroundOf(definition);
      const sentAt = (around && (await this.sentAt(around.id, maxAgeMilliseconds))) ?? definition.sentAt;
      const { resumedAt } = await marksOf(id, maxAgeMilliseconds).found;
      return resumedAt !== undefined && resumedAt > sentAt ? resumedAt : sentAt;
    },

    async keep(id, until) {
      const when = anyOf(absent("keptUntil"), below("keptUntil", until));
      await table.update({ key: stoppedKey(id), set: { keptUntil: until, ttl: ttl() }, when });
      marks.delete(id);
    },

    keptUntil: async (id) => (await marksOf(id, LOOK_MILLISECONDS).found).keptUntil,

    async decide(group, outcome) {
      const key = outcomeKey(group.workflow, group.place);
      const written = await table.update({
        key,
        set: {
          state: outcome.state,
          ttl: ttl(),
          ...(outcome.error && { error: toJsonText(outcome.error) }),
          ...(outcome.by !== undefined && { by: outcome.by }),
        },
        when: absent("state"),
      });
      return written.applied ? outcome : (toOutcome(written.item) ?? outcome);
    },

    outcomeOf: async (group) => toOutcome(await table.get(outcomeKey(group.workflow, group.place))),

    async undecide(group) {
      await table.update({
        key: outcomeKey(group.workflow, group.place),
        set: { ttl: ttl() },
        remove: ["state", "error", "by"],
      });
    },

    async setSize(group, size) {
      await table.update({ key: outcomeKey(group.workflow, group.place), set: { size, ttl: ttl() } });
      remember(sizes, nameOf(group), Promise.resolve(size));
    },

    sizeOf(group) {
      const name = nameOf(group);
      const known = sizes.get(name);
      if (known !== undefined) return known;
      const reading = table.get(outcomeKey(group.workflow, group.place)).then((item) => {
        if (item?.size !== undefined) return Number(item.size);
        sizes.delete(name);
        return undefined;
      });
      reading.catch(() => sizes.delete(name));
      remember(sizes, name, reading);
      return reading;
    },
  };
}

function toOutcome(item: Awaited<ReturnType<Table["get"]>>): GroupOutcome | undefined {
  const { state, error, by } = item ?? {};
  if (state !== "SUCCESS" && state !== "FAILURE" && state !== "REVOKED") return undefined;
  return {
    state,
    ...(error !== undefined && { error: toError(String(error)) }),
    ...(by !== undefined && { by: String(by) }),
  };
}

/** An error as this store wrote it. */
function toError(text: string): StoredError {
  const value = parseJson(text);
  const plain = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  return { name: String(plain.name), message: String(plain.message), ...plain };
}

function nameOf({ workflow, place }: GroupId): string {
  return `${workflow} ${place}`;
}
