/**
 * Control without a broadcast: what operators decide is written down in one partition, and whoever runs tasks looks there every
 * two seconds. An item that counts decisions says whether there is anything new, so that a look costs one read.
 */

import type { Item, Table } from "../aws/dynamodb.ts";
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
  /** Pausing what is paused changes nothing. */
  pause(scope: "queue" | "task", name: string): Promise<void>;
  resume(scope: "queue" | "task", name: string): Promise<void>;
  /** Revokes every task of this scope that has been sent by now, and answers with that time. */
  revoke(scope: Scope, name: string): Promise<Date>;
  /** `undefined`: as the task's code says. */
  setLimits(task: string, limits: Limits | undefined): Promise<void>;
}

/** What is written is noticed within this. */
const LOOK_MILLISECONDS = 2_000;
const PARTITION = "control";
const VERSION = { pk: PARTITION, sk: "version" };
const NEVER = "never";

/** As long as a message that was sent by then can be on its way: the longest delay, SQS's retention, and some days. */
const REVOKE_SECONDS = 430 * 86_400;
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

  /** Changes one decision, then tells everyone. Dying in between leaves it unnoticed, and its caller without an answer: repeat it. */
  const decide = async (change: Promise<unknown>): Promise<void> => {
    await change;
    await table.update({
      key: VERSION,
      update: "SET @version = if_not_exists(@version, :zero) + :one",
      values: { zero: 0, one: 1 },
    });
    lookedAt = Number.NEGATIVE_INFINITY;
  };

  const seconds = (): number => Math.floor(clock().getTime() / 1_000);
  const write = (sk: string, values: Item, condition?: string): Promise<void> => {
    const update = `SET ${Object.keys(values)
      .map((name) => `@${name} = :${name}`)
      .join(", ")}`;
    return decide(table.update({ key: { pk: PARTITION, sk }, update, values, ...(condition && { condition }) }));
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
    async pause(scope, name) {
      const { entries } = toDecisions(await readAll(table, clock()));
      if (entries.some((one) => one.kind === "pause" && one.scope === scope && one.name === name)) return;
      await write(`decision#pause#${scope}#${name}`, {
        at: clock().toISOString(),
        ttl: seconds() + KEPT_SECONDS,
      });
    },
    resume: (scope, name) => drop(`decision#pause#${scope}#${name}`),
    async revoke(scope, name) {
      const at = clock();
      const values = { at: at.toISOString(), ttl: seconds() + REVOKE_SECONDS };
      // An operator whose clock is behind must not take back what another has decided.
      await write(`decision#revoke#${scope}#${name}`, values, "attribute_not_exists(@at) OR @at < :at");
      return at;
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

async function readAll(table: Table, now: Date): Promise<Decision[]> {
  const items = await table.query({
    pk: PARTITION,
    from: "decision#",
    to: "decision$",
    limit: Number.POSITIVE_INFINITY,
    pageSize: 1_000,
    filter: "@ttl > :seconds",
    values: { seconds: Math.floor(now.getTime() / 1_000) },
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
