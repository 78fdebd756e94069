/** The audit trail: each act of an operator is written down before it is done, and again when it is over. */

import { above, allOf, type Condition, equal, type Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { AUDIT_SECONDS } from "../lifetimes.ts";
import { type Json, parseJson, toJsonText } from "../message/json.ts";
import { auditKey, auditPartition } from "../table/keys.ts";

/** The acts of operators. */
export const ACTS = [
  ...(["pause", "resume", "revoke", "drop", "purge", "limits", "redrive", "replay"] as const),
  ...(["schedule", "unschedule", "run", "ignore", "resolve", "reopen", "bulk", "start", "stop"] as const),
] as const;
export type Act = (typeof ACTS)[number];

export type Fields = Readonly<Record<string, Json | undefined>>;

export interface ActRecord {
  id: string;
  /** ISO-8601. */
  at: string;
  act: Act;
  /** The name of the key. */
  by: string;
  target: Json;
  /** Of one that stays `asked`, the outcome is unknown: its function has died, or still works. */
  state: "asked" | "done" | "refused";
  outcome?: Json;
  sourceIp?: string;
}

interface ActQuery {
  from: Date;
  to: Date;
  by?: string;
  act?: Act;
  /** As an earlier answer says. */
  cursor?: string;
  limit: number;
}

export interface AuditTrail {
  /** Writes down that somebody is about to act. @throws if it could not be written: the act must not be done */
  begin(act: { act: Act; by: string; target: Fields; sourceIp?: string }): Promise<Begun>;
  /** Acts, newest first. */
  list(query: ActQuery): Promise<{ acts: ActRecord[]; cursor?: string }>;
}

interface Begun {
  /** Writes down how it ended. */
  end(state: "done" | "refused", outcome: Fields): Promise<void>;
}

const DAY_MILLISECONDS = 86_400_000;
/** A page reads at most this many days; the cursor goes on from there. */
const DAYS_PER_PAGE = 31;

export function createAuditTrail({
  table,
  clock,
  newId,
}: {
  table: Table;
  clock: () => Date;
  newId: () => string;
}): AuditTrail {
  return {
    async begin({ act, by, target, sourceIp }) {
      const now = clock();
      const key = auditKey(now, newId());
      await table.update({
        key,
        set: {
          at: now.toISOString(),
          act,
          by,
          target: toJsonText(target),
          state: "asked",
          ...(sourceIp !== undefined && { sourceIp }),
          ttl: Math.floor(now.getTime() / 1000) + AUDIT_SECONDS,
        },
      });
      return {
        async end(state, outcome) {
          await table.update({ key, set: { state, outcome: toJsonText(outcome) } });
        },
      };
    },

    async list({ from, to, by, act, cursor, limit }) {
      const filter: Condition = allOf(
        above("ttl", Math.floor(clock().getTime() / 1000)),
        ...(by === undefined ? [] : [equal("by", by)]),
        ...(act === undefined ? [] : [equal("act", act)]),
      );
      const acts: ActRecord[] = [];
      // A sort key begins with its time, so that texts are compared as times are. The cursor is the last one that was shown.
      const newest = cursor === undefined || cursor > `${to.toISOString()}~` ? `${to.toISOString()}~` : before(cursor);
      const oldest = from.toISOString();
      let day = new Date(newest.slice(0, 10));
      for (let days = 0; day.toISOString().slice(0, 10) >= oldest.slice(0, 10); days++) {
        if (days === DAYS_PER_PAGE) return { acts, cursor: `${day.toISOString().slice(0, 10)}T24` };
        const wanted = limit - acts.length;
        const items = await table.query({
          pk: auditPartition(day),
          from: oldest,
          to: newest,
          limit: wanted,
          pageSize: 100,
          filter,
        });
        acts.push(...items.map(toAct));
        const last = items.at(-1);
        if (acts.length === limit && last) return { acts, cursor: String(last.sk) };
        day = new Date(day.getTime() - DAY_MILLISECONDS);
      }
      return { acts };
    },
  };
}

/** The greatest text below a sort key that can serve as a bound: BETWEEN includes its ends. */
function before(sk: string): string {
  return `${sk.slice(0, -1)}${String.fromCharCode(sk.charCodeAt(sk.length - 1) - 1)}~`;
}

function toAct(item: Item): ActRecord {
  const { act, state, outcome, sourceIp } = item;
  return {
    id: String(item.sk).slice(String(item.at).length + 1),
    at: String(item.at),
    act: ACTS.find((one) => one === act) ?? "run",
    by: String(item.by),
    target: parseJson(String(item.target)),
    state: state === "done" || state === "refused" ? state : "asked",
    ...(outcome !== undefined && { outcome: parseJson(String(outcome)) }),
    ...(sourceIp !== undefined && { sourceIp: String(sourceIp) }),
  };
}
