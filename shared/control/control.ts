/**
 * Control without a broadcast: what operators decide is written down in one partition, and whoever runs tasks looks there every
 * two seconds. An item that counts decisions says whether there is anything new, so that a look costs one read.
 */

import type { Item, Table } from "../aws/dynamodb.ts";
import { TooManyRevokesError } from "../errors.ts";
import type { Message } from "../message/message.ts";

/** What a decision can be about. */
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
  /** What this message was revoked by, in words, and when. */
  revokedBy(message: Pick<Message, "queue" | "task" | "tags" | "sentAt">): { why: string; at: string } | undefined;
  limitsOf(task: string): Limits;
  readonly entries: readonly Decision[];
}

export type Decision =
  | { kind: "pause"; scope: "queue" | "task"; name: string; at: string }
  /** Whatever was sent until `at` does not run. */
  | { kind: "revoke"; scope: Scope; name: string; at: string }
  | { kind: "limits"; scope: "task"; name: string; at: string; limits: Limits };

export interface Control {
  /** What is decided, as of two seconds ago at most; with 0, as of now. */
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

/** What is written is noticed within this. */
const LOOK_MILLISECONDS = 2000;
const PARTITION = "control";
const VERSION = { pk: PARTITION, sk: "version" };
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
    const version = String((await table.get(VERSION))?.version ?? NEVER);
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
    await table.update({
      key: VERSION,
      update: "SET @version = if_not_exists(@version, :zero) + :one",
      values: { zero: 0, one: 1 },
    });
    lookedAt = Number.NEGATIVE_INFINITY;
  };

  const seconds = (): number => Math.floor(clock().getTime() / 1000);
  const write = (sk: string, values: Item): Promise<void> => {
    const update = `SET ${Object.keys(values)
      .map((name) => `@${name} = :${name}`)
      .join(", ")}`;
    return decide(table.update({ key: { pk: PARTITION, sk }, update, values }));
  };
  const drop = (sk: string): Promise<void> => decide(table.remove({ pk: PARTITION, sk }));

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
      decide(
        table.update({
          key: { pk: PARTITION, sk: `decision#pause#${scope}#${name}` },
          update: "SET @at = if_not_exists(@at, :at), @ttl = :ttl",
          values: { at: clock().toISOString(), ttl: seconds() + KEPT_SECONDS },
        }),
      ),
    resume: (scope, name) => drop(`decision#pause#${scope}#${name}`),
    async revoke(scope, name) {
      const at = clock();
      const sk = revokeKey(scope, name);
      // Two who revoke at once may exceed the bound by one each: it bounds what is read, and need not be exact.
      const others = (await readRevokes(table, clock(), MAX_REVOKES + 1)).filter((one) => one.sk !== sk);
      if (others.length >= MAX_REVOKES) throw new TooManyRevokesError(scope, name, MAX_REVOKES);
      await decide(
        table.update({
          key: { pk: PARTITION, sk },
          update: "SET @at = :at, @ttl = :ttl",
          // An operator whose clock is behind must not take back what another has decided.
          condition: "attribute_not_exists(@at) OR @at < :at OR @ttl <= :now",
          values: { at: at.toISOString(), ttl: seconds() + REVOKE_SECONDS, now: seconds() },
        }),
      );
      return at;
    },
    dropRevoke: (scope, name) => drop(revokeKey(scope, name)),
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
        ...{ pk: PARTITION, from: cursor === undefined ? FIRST : `${cursor}\u0000`, to: LAST },
        ...{ limit: limit + 1, pageSize: Math.min(PAGE, limit + 1), oldestFirst: true, consistent: true },
        ...{ filter: "@ttl > :seconds", values: { seconds: seconds() } },
      });
      const page = items.slice(0, limit);
      const more = items.length > limit ? { cursor: String(page.at(-1)?.sk) } : {};
      return { decisions: page.flatMap((item) => toDecision(item) ?? []), ...more };
    },
    async setLimits(task, limits) {
      const sk = `decision#limits#task#${task}`;
      if (limits === undefined) return drop(sk);
      await write(sk, {
        at: clock().toISOString(),
        ttl: seconds() + KEPT_SECONDS,
        limits: JSON.stringify(limits),
      });
    },
  };
}

/** All decisions lie between these. */
export const FIRST = "decision#";
const LAST = "decision$";

const revokeKey = (scope: Scope, name: string): string => `decision#revoke#${scope}#${name}`;

/** At once, but not all: one partition takes 1,000 writes a second. */
const FORGOTTEN_AT_ONCE = 25;

/** Ends the time of revokes that were made before a time, unless one was made again meanwhile. */
async function forgetAll(table: Table, items: readonly Item[], before: string, ttl: number): Promise<void> {
  for (let first = 0; first < items.length; first += FORGOTTEN_AT_ONCE) {
    const some = items.slice(first, first + FORGOTTEN_AT_ONCE).map(({ sk }) =>
      table.update({
        key: { pk: PARTITION, sk: String(sk) },
        update: "SET @ttl = :ttl",
        condition: "@at < :before",
        values: { ttl, before },
      }),
    );
    await Promise.all(some);
  }
}

/** The first revokes, or the first of those that were made before a time. */
function readRevokes(table: Table, now: Date, limit: number, before?: string): Promise<Item[]> {
  return table.query({
    ...{ pk: PARTITION, from: "decision#revoke#", to: "decision#revoke$" },
    ...{ limit, pageSize: PAGE, oldestFirst: true, consistent: true },
    filter: before === undefined ? "@ttl > :seconds" : "@ttl > :seconds AND @at < :before",
    values: { seconds: Math.floor(now.getTime() / 1000), ...(before !== undefined && { before }) },
  });
}

async function readAll(table: Table, now: Date): Promise<Decision[]> {
  const items = await table.query({
    pk: PARTITION,
    from: FIRST,
    to: LAST,
    limit: Number.POSITIVE_INFINITY,
    pageSize: PAGE,
    filter: "@ttl > :seconds",
    values: { seconds: Math.floor(now.getTime() / 1000) },
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
