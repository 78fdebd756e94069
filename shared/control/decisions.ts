/**
 * Control without a broadcast: what operators decide is written down in one partition, and whoever runs tasks looks there every
 * two seconds. An item that counts decisions says whether there is anything new, so that a look costs one read.
 */

import { above, absent, allOf, anyOf, atMost, below, type Change, type Item, type Key } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { TooManyRevokesError } from "../errors.ts";
import type { Message } from "../message/message.ts";
import { DECISIONS, DECISIONS_VERSION_KEY, decisionKey } from "../table/keys.ts";

/** The things that a decision can be about. */
export type Scope = "queue" | "task" | "tag";

/** Limits that were changed at run time; what is absent is as the task's code says, `null` is none. */
export interface Limits {
  rateLimit?: string | null;
  concurrency?: number | null;
}

/** Everything that is decided at present. */
export interface Decisions {
  /** Since when the queue or the task of a message has been paused. */
  pausedSince(message: Pick<Message, "queue" | "task">): Date | undefined;
  /** The decision that revoked this message, in words, and its time. */
  revokedBy(message: Pick<Message, "queue" | "task" | "tags" | "sentAt">): { why: string; at: string } | undefined;
  limitsOf(task: string): Limits;
  readonly entries: readonly Decision[];
}

type Decision =
  | { kind: "pause"; scope: "queue" | "task"; name: string; at: string }
  /** Tasks that were sent until `at` do not run. */
  | { kind: "revoke"; scope: Scope; name: string; at: string }
  | { kind: "limits"; scope: "task"; name: string; at: string; limits: Limits };

export interface Control {
  /** All decisions in force, as of two seconds ago at most; with 0, as of now. */
  decisions(maxAgeMilliseconds?: number): Promise<Decisions>;
  /** Pausing what is paused keeps the time since when it is. */
  pause(scope: "queue" | "task", name: string): Promise<void>;
  resume(scope: "queue" | "task", name: string): Promise<void>;
  /**
   * Revokes every task of this scope that has been sent by now, and answers with that time. One of the same scope and name takes the
   * place of an older one.
   * @throws TooManyRevokesError if 1,000 others are kept: nothing was revoked
   */
  revoke(scope: Scope, name: string): Promise<Date>;
  /** Drops a revoke: what it had revoked and still waits may run. Dropping what is not there changes nothing. */
  dropRevoke(scope: Scope, name: string): Promise<void>;
  /** Drops the revokes that were made before a time, at most 1,000 in one call. */
  dropRevokesBefore(time: Date): Promise<{ dropped: number; more: boolean }>;
  /** A page of all that is decided, read as it is now. */
  list(page: { limit: number; cursor?: string | undefined }): Promise<{ decisions: Decision[]; cursor?: string }>;
  /** `undefined`: as the task's code says. */
  setLimits(task: string, limits: Limits | undefined): Promise<void>;
}

/** A decision is noticed within this. */
const LOOK_MILLISECONDS = 2000;
const NEVER = "never";

/** As long as a message that was sent by then can be on its way: the longest delay, SQS's retention, and some days. */
const REVOKE_SECONDS = 430 * 86_400;
/** A worker reads all that is decided when anything is: 1,000 revokes are about 150 KB, which is one page and 38 read units. */
export const MAX_REVOKES = 1000;
const PAGE = 1000;
const DAY_SECONDS = 86_400;

/** A pause or a limit stays until someone takes it back. */
const KEPT_SECONDS = 10 * 365 * 86_400;

export function createControl(options: { table: Table; clock: () => Date }): Control {
  const { table, clock } = options;
  let known: { version: string; decisions: Decisions } | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<Decisions> | undefined;

  const look = async (): Promise<Decisions> => {
    const startedAt = clock().getTime();
    const version = String((await table.get(DECISIONS_VERSION_KEY))?.version ?? NEVER);
    if (known?.version !== version) {
      // Where nobody has ever decided anything, there is nothing to read.
      const entries = version === NEVER ? [] : await readAll(table, clock());
      known = { version, decisions: toDecisions(entries) };
    }
    lookedAt = startedAt;
    return known.decisions;
  };

  /**
   * Changes decisions, then tells everyone. Dying in between leaves the change unnoticed, and its caller without an answer: repeated, it
   * tells everyone, though it finds nothing left to change.
   */
  const decide = async (change: Promise<unknown>): Promise<void> => {
    await change;
    await table.update({ key: DECISIONS_VERSION_KEY, add: { version: 1 } });
    lookedAt = Number.NEGATIVE_INFINITY;
  };

  const seconds = (): number => Math.floor(clock().getTime() / 1000);
  const change = (one: Change): Promise<void> => decide(table.update(one));
  const drop = (key: Key): Promise<void> => decide(table.remove(key));

  return {
    async decisions(maxAgeMilliseconds = LOOK_MILLISECONDS) {
      // The difference counts either way: a clock that was set back must not stop the looks.
      if (known && Math.abs(clock().getTime() - lookedAt) < maxAgeMilliseconds) return known.decisions;
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },
    pause: (scope, name) =>
      change({
        key: decisionKey("pause", scope, name),
        onCreate: { at: clock().toISOString() },
        set: { ttl: seconds() + KEPT_SECONDS },
      }),
    resume: (scope, name) => drop(decisionKey("pause", scope, name)),
    async revoke(scope, name) {
      const at = clock();
      const key = decisionKey("revoke", scope, name);
      // Two who revoke at once may exceed the bound by one each: it bounds what is read, and need not be exact.
      const others = (await readRevokes(table, clock(), MAX_REVOKES + 1)).filter((one) => one.sk !== key.sk);
      if (others.length >= MAX_REVOKES) throw new TooManyRevokesError(scope, name, MAX_REVOKES);
      await change({
        key,
        set: { at: at.toISOString(), ttl: seconds() + REVOKE_SECONDS },
        // An operator whose clock is behind must not take back what another has decided.
        when: anyOf(absent("at"), below("at", at.toISOString()), atMost("ttl", seconds())),
      });
      return at;
    },
    dropRevoke: (scope, name) => drop(decisionKey("revoke", scope, name)),
    async dropRevokesBefore(time) {
      const before = time.toISOString();
      const old = await readRevokes(table, clock(), MAX_REVOKES + 1, before);
      const now = old.slice(0, MAX_REVOKES);
      // Dying within leaves some of them; repeated, it drops the rest.
      await decide(forgetAll(table, now, before, seconds() - DAY_SECONDS));
      return { dropped: now.length, more: old.length > now.length };
    },
    async list({ limit, cursor }) {
      const items = await table.query({
        pk: DECISIONS.pk,
        from: cursor === undefined ? DECISIONS.from : `${cursor}\u0000`,
        to: DECISIONS.to,
        limit: limit + 1,
        pageSize: Math.min(PAGE, limit + 1),
        filter: above("ttl", seconds()),
        oldestFirst: true,
        consistent: true,
      });
      const page = items.slice(0, limit);
      const more = items.length > limit ? { cursor: String(page.at(-1)?.sk) } : {};
      return { decisions: page.flatMap((item) => toDecision(item) ?? []), ...more };
    },
    async setLimits(task, limits) {
      const key = decisionKey("limits", "task", task);
      if (limits === undefined) return drop(key);
      await change({
        key,
        set: { at: clock().toISOString(), ttl: seconds() + KEPT_SECONDS, limits: JSON.stringify(limits) },
      });
    },
  };
}

/** At once, but not all: one partition takes 1,000 writes a second. */
const FORGOTTEN_AT_ONCE = 25;

/** Ends the time of revokes that were made before a time, unless one was made again meanwhile. */
async function forgetAll(table: Table, items: readonly Item[], before: string, ttl: number): Promise<void> {
  for (let first = 0; first < items.length; first += FORGOTTEN_AT_ONCE) {
    const some = items
      .slice(first, first + FORGOTTEN_AT_ONCE)
      .map(({ sk }) =>
        table.update({ key: { pk: DECISIONS.pk, sk: String(sk) }, set: { ttl }, when: below("at", before) }),
      );
    await Promise.all(some);
  }
}

/** The first revokes, or the first of those that were made before a time. */
function readRevokes(table: Table, now: Date, limit: number, before?: string): Promise<Item[]> {
  const kept = above("ttl", Math.floor(now.getTime() / 1000));
  return table.query({
    pk: DECISIONS.pk,
    from: "decision#revoke#",
    to: "decision#revoke$",
    limit,
    pageSize: PAGE,
    filter: before === undefined ? kept : allOf(kept, below("at", before)),
    oldestFirst: true,
    consistent: true,
  });
}

async function readAll(table: Table, now: Date): Promise<Decision[]> {
  const items = await table.query({
    ...DECISIONS,
    limit: Number.POSITIVE_INFINITY,
    pageSize: PAGE,
    filter: above("ttl", Math.floor(now.getTime() / 1000)),
    consistent: true,
  });
  return items.flatMap((item) => toDecision(item) ?? []);
}

function toDecision(item: Item): Decision | undefined {
  const [, kind, scope, ...rest] = String(item.sk).split("#");
  const [name, at] = [rest.join("#"), String(item.at)];
  if (kind === "pause" && (scope === "queue" || scope === "task")) return { kind, scope, name, at };
  if (kind === "revoke" && (scope === "queue" || scope === "task" || scope === "tag")) return { kind, scope, name, at };
  if (kind === "limits" && scope === "task") return { kind, scope, name, at, limits: JSON.parse(String(item.limits)) };
  // A newer version's: this one cannot obey it.
  return undefined;
}

function toDecisions(entries: readonly Decision[]): Decisions {
  const byName = new Map(entries.map((entry) => [`${entry.kind}#${entry.scope}#${entry.name}`, entry]));
  return {
    entries,
    pausedSince({ queue, task }) {
      const paused = byName.get(`pause#queue#${queue}`) ?? byName.get(`pause#task#${task}`);
      return paused && new Date(paused.at);
    },
    revokedBy({ queue, task, tags = [], sentAt }) {
      const places = [`queue#${queue}`, `task#${task}`, ...tags.map((tag) => `tag#${tag}`)];
      const found = places
        .map((place) => byName.get(`revoke#${place}`))
        .find((entry) => entry !== undefined && Date.parse(sentAt) <= Date.parse(entry.at));
      return (
        found && {
          at: found.at,
          why: `everything of ${found.scope} '${found.name}' sent until ${found.at} was revoked`,
        }
      );
    },
    limitsOf(task) {
      const entry = byName.get(`limits#task#${task}`);
      return entry?.kind === "limits" ? entry.limits : {};
    },
  };
}
