/**
 * Failures of one kind as a group: first and last seen, how often, in which versions, and what an operator said of it. Its members are
 * found by an index that holds failed records alone. A group is written after its failure is stored, once for all of its failures in a
 * batch: dying in between loses a count, and a message that comes back makes up for the group.
 */

import { type Item, NEW } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { describeError } from "../errors.ts";
import { FAILURE_GROUP_SECONDS } from "../lifetimes.ts";
import type { Log } from "../log.ts";
import { FAILURE_SHARDS, failureGroupKey, failureGroupPartition } from "../table/keys.ts";

/** The words of an operator about a group. */
export const GROUP_STATES = ["open", "ignored", "resolved"] as const;
export type GroupState = (typeof GROUP_STATES)[number];

export interface FailureGroup {
  fingerprint: string;
  task: string;
  /** The error's class. */
  name: string;
  code?: string;
  /** Function and file. */
  place?: string;
  /** Of the newest failure, cut short. */
  message: string;
  /** The newest failure. */
  sample: string;
  firstAt: string;
  lastAt: string;
  /** About how often. */
  count: number;
  firstVersion: string;
  lastVersion: string;
  state: GroupState;
  /** It was resolved, and has failed again since, in another version than the one that it was resolved in. */
  reopened?: true;
}

/** One failure, as its record says. */
interface Failure {
  fingerprint: string;
  task: string;
  name: string;
  code: string | undefined;
  place: string | undefined;
  id: string;
  message: string;
}

export interface Failures {
  /** Remembers a failure for the next `flush`. @param times 0 for one that is counted already */
  note(failure: Failure, times?: 0 | 1): void;
  /** Writes down what was noted: one write for each group. A write that fails is kept for the next time, and told in the log. */
  flush(): Promise<void>;
  /** All groups, the newest first. */
  list(): Promise<FailureGroup[]>;
  read(fingerprint: string): Promise<FailureGroup | undefined>;
  /** Says what is thought of a group; false if there is none. */
  setState(group: FailureGroup, state: GroupState): Promise<void>;
  /** Ids of failed tasks of a group, the newest first. It is eventually consistent. @param before go on after this id */
  members(fingerprint: string, page: { limit: number; before?: string | undefined }): Promise<string[]>;
}

const MAX_MESSAGE_CHARS = 300;
const MAX_GROUPS = 2000;
/** Greater than every id. */
const LAST = "g";

interface Noted extends Failure {
  times: number;
}

export function createFailures(options: {
  table: Table;
  clock: () => Date;
  version: () => string;
  log: Log;
}): Failures {
  const { table, clock, log } = options;
  let noted = new Map<string, Noted>();

  const write = async ({ fingerprint, task, name, code, place, id, message, times }: Noted): Promise<void> => {
    const [now, version] = [clock(), options.version()];
    const isCounted = times === 0;
    await table.update({
      key: failureGroupKey(fingerprint),
      onCreate: { fingerprint, task, name, code, place, firstAt: now.toISOString(), firstVersion: version },
      set: {
        message: message.slice(0, MAX_MESSAGE_CHARS),
        sample: id,
        lastAt: now.toISOString(),
        lastVersion: version,
        ttl: Math.floor(now.getTime() / 1000) + FAILURE_GROUP_SECONDS,
      },
      add: { count: Math.max(1, times) },
      // The failure of a message that has come back is in the group, unless its worker died before it wrote that down.
      ...(isCounted && { when: NEW }),
    });
  };

  return {
    note(failure, times = 1) {
      const before = noted.get(failure.fingerprint)?.times ?? 0;
      noted.set(failure.fingerprint, { ...failure, times: before + times });
    },

    async flush() {
      if (noted.size === 0) return;
      const writing = noted;
      noted = new Map();
      const outcomes = await Promise.allSettled([...writing.values()].map(async (one) => write(one)));
      for (const [index, one] of [...writing.values()].entries()) {
        const outcome = outcomes[index];
        if (outcome?.status !== "rejected") continue;
        const later = noted.get(one.fingerprint);
        noted.set(one.fingerprint, { ...one, ...later, times: one.times + (later?.times ?? 0) });
        log.warn("A group of failures could not be written", {
          task: one.task,
          fingerprint: one.fingerprint,
          error: describeError(outcome.reason),
        });
      }
    },

    async list() {
      const seconds = Math.floor(clock().getTime() / 1000);
      const pages = await Promise.all(
        FAILURE_SHARDS.map((shard) =>
          table.query({
            pk: failureGroupPartition(shard),
            from: "0",
            to: LAST,
            limit: MAX_GROUPS,
            pageSize: 1000,
          }),
        ),
      );
      const groups = pages
        .flat()
        .filter(({ ttl }) => Number(ttl) > seconds)
        .map(toGroup);
      return groups.sort((a, b) => (a.lastAt === b.lastAt ? compare(a, b) : a.lastAt < b.lastAt ? 1 : -1));
    },

    async read(fingerprint) {
      const item = await table.get(failureGroupKey(fingerprint));
      return item === undefined || Number(item.ttl) <= clock().getTime() / 1000 ? undefined : toGroup(item);
    },

    async setState({ fingerprint, lastVersion }, state) {
      await table.update({
        key: failureGroupKey(fingerprint),
        set: { state, stateAt: clock().toISOString(), stateVersion: lastVersion },
      });
    },

    async members(fingerprint, { limit, before }) {
      const items = await table.query({
        index: "failures" as const,
        pk: fingerprint,
        from: "0",
        to: before ?? LAST,
        limit: limit + 1,
        pageSize: limit + 1,
      });
      return items
        .map(({ sk }) => String(sk))
        .filter((id) => id !== before)
        .slice(0, limit);
    },
  };
}

function compare(a: FailureGroup, b: FailureGroup): number {
  return a.fingerprint < b.fingerprint ? -1 : 1;
}

function toGroup(item: Item): FailureGroup {
  const text = (name: string): string => String(item[name] ?? "");
  const { code, place, state, stateAt, stateVersion } = item;
  const said = GROUP_STATES.find((one) => one === state) ?? "open";
  const failedSince = text("lastAt") > String(stateAt ?? "");
  // Without a name for the version nobody can tell old code from new.
  const isAnother = text("lastVersion") === "" || text("lastVersion") !== stateVersion;
  const reopened = said === "resolved" && failedSince && isAnother;
  return {
    fingerprint: text("fingerprint"),
    task: text("task"),
    name: text("name"),
    ...(code !== undefined && { code: String(code) }),
    ...(place !== undefined && { place: String(place) }),
    message: text("message"),
    sample: text("sample"),
    firstAt: text("firstAt"),
    lastAt: text("lastAt"),
    count: Number(item.count ?? 0),
    firstVersion: text("firstVersion"),
    lastVersion: text("lastVersion"),
    state: reopened ? "open" : said,
    ...(reopened && { reopened }),
  };
}
