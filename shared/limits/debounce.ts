/** A burst of calls of which only the newest is run: one item per task and key knows which that is. */

import type { Table } from "../aws/dynamodb.ts";
import { debounceKey } from "./keys.ts";

/** What a call is in its burst. */
export interface Burst {
  /** The burst's own name: the id of its first call. */
  burst: string;
  /** When the call may start, unless a newer one comes. */
  eta: Date;
  /** The call whose place it takes. */
  replaces: string | undefined;
}

/**
 * Makes `id` the newest call of the burst `key`. A burst ends at the `eta` of its newest call.
 *
 * Dying after this leaves a burst whose newest call was never sent; the worker finds no record of that, and runs the one before.
 */
export async function joinBurst(
  table: Table,
  now: Date,
  call: { task: string; key: string; id: string; wait: number; maxWait: number | undefined },
): Promise<Burst> {
  const key = debounceKey(call.task, call.key);
  const quiet = new Date(now.getTime() + call.wait * 1_000);
  const values = { id: call.id, now: now.toISOString(), ttl: Math.floor(quiet.getTime() / 1_000) + 86_400 };
  const begun = await table.update({
    key,
    update: "SET @id = :id, @burst = :id, @begunAt = :now, @eta = :eta, @ttl = :ttl",
    condition: "attribute_not_exists(@id) OR @eta <= :now",
    values: { ...values, eta: quiet.toISOString() },
  });
  for (let found = begun.applied ? undefined : begun.item; found !== undefined; ) {
    // The answer to my own update was lost, and the SDK has repeated it. Whom I replaced, the worker finds out.
    if (found.id === call.id) {
      return { burst: String(found.burst), eta: new Date(String(found.eta)), replaces: undefined };
    }
    const { maxWait } = call;
    const latest = maxWait === undefined ? quiet : new Date(Date.parse(String(found.begunAt)) + maxWait * 1_000);
    const eta = latest < quiet ? latest : quiet;
    const newest = String(found.id);
    const joined = await table.update({
      key,
      update: "SET @id = :id, @eta = :eta, @ttl = :ttl",
      condition: "@id = :newest",
      values: { ...values, eta: eta.toISOString(), newest },
    });
    if (joined.applied) return { burst: String(found.burst), eta, replaces: newest };
    found = joined.item;
  }
  return { burst: call.id, eta: quiet, replaces: undefined };
}

/** Why a call was revoked whose place another took. */
export function replacedReason(newer: string): string {
  return `a newer call of its debounce key took its place: ${newer}`;
}

/** The call that took the place of `id` in its burst, and when that one may start; undefined if `id` is the newest. */
export async function replacedBy(
  table: Table,
  call: { task: string; key: string; burst: string; id: string },
): Promise<{ id: string; eta: Date } | undefined> {
  const item = await table.get(debounceKey(call.task, call.key));
  if (item?.burst !== call.burst || item.id === call.id) return undefined;
  return { id: String(item.id), eta: new Date(String(item.eta)) };
}
