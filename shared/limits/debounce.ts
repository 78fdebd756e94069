/**
 * A burst of calls of which only the newest is run. One item per task and key knows the burst that is under way; one that is over is
 * kept in an item of its own, for its calls may still be waiting when the next burst has begun, and must find who took their place.
 */

import type { Item, Table } from "../aws/dynamodb.ts";
import { neededUntil } from "../lifetimes.ts";
import { debounceKey, pastBurstKey } from "./keys.ts";

/** A call's part in its burst. */
export interface Burst {
  /** The burst's own name: the id of its first call. */
  burst: string;
  /** When the call may start, unless a newer one comes. */
  eta: Date;
  /** The call whose place it takes. */
  replaces: string | undefined;
}

/** A call that joins a burst. */
export interface Call {
  task: string;
  key: string;
  id: string;
  /** Seconds of quiet. */
  wait: number;
  maxWait: number | undefined;
}

/** A call looks at so many that came after it: senders that died in a row before they had sent. */
const MAX_CALLS = 10;

/**
 * Makes `id` the newest call of the burst `key`. A burst ends at the `eta` of its newest call.
 *
 * Dying after this leaves a burst whose newest call was never sent; the worker finds no record of that, and runs the one before.
 */
export async function joinBurst(table: Table, now: Date, call: Call): Promise<Burst> {
  const { id, wait, maxWait } = call;
  const quiet = new Date(now.getTime() + wait * 1000);
  for (let found = await begin(table, now, call, quiet, undefined); found !== undefined; ) {
    // The answer to my own update was lost, and the SDK has repeated it.
    if (found.id === id)
      return { burst: String(found.burst), eta: new Date(String(found.eta)), replaces: callsOf(found).at(-2) };
    if (Date.parse(String(found.eta)) <= now.getTime()) {
      await keepPast(table, call, found);
      // Dying here leaves a copy of a burst that is still the last one.
      found = await begin(table, now, call, quiet, found);
      continue;
    }
    const latest = maxWait === undefined ? quiet : new Date(Date.parse(String(found.begunAt)) + maxWait * 1000);
    const eta = latest < quiet ? latest : quiet;
    const newest = String(found.id);
    const calls = [...callsOf(found), id].slice(-MAX_CALLS).join(" ");
    const joined = await table.update({
      key: debounceKey(call.task, call.key),
      update: "SET @id = :id, @eta = :eta, @calls = :calls, @joins = if_not_exists(@joins, :zero) + :one, @ttl = :ttl",
      condition: "@id = :newest",
      values: { id, eta: eta.toISOString(), calls, zero: 0, one: 1, ttl: keptUntil(now, eta), newest },
    });
    if (joined.applied) return { burst: String(found.burst), eta, replaces: newest };
    found = joined.item;
  }
  return { burst: id, eta: quiet, replaces: undefined };
}

/** Begins a burst where there is none, or after `past`. Answers with the item that another call has written first, if one has. */
async function begin(
  table: Table,
  now: Date,
  call: Call,
  eta: Date,
  past: Item | undefined,
): Promise<Item | undefined> {
  const begun = await table.update({
    key: debounceKey(call.task, call.key),
    update: "SET @id = :id, @burst = :id, @begunAt = :now, @eta = :eta, @calls = :id, @joins = :one, @ttl = :ttl",
    condition: past === undefined ? "attribute_not_exists(@id)" : "@id = :past",
    values: {
      id: call.id,
      now: now.toISOString(),
      eta: eta.toISOString(),
      one: 1,
      ttl: keptUntil(now, eta),
      ...(past !== undefined && { past: String(past.id) }),
    },
  });
  return begun.applied ? undefined : begun.item;
}

/** A call whose clock is behind may still join a burst that is over for others: the copy of a longer burst stays. */
async function keepPast(table: Table, { task, key }: Call, past: Item): Promise<void> {
  await table.update({
    key: pastBurstKey(task, key, String(past.burst)),
    update: "SET @id = :id, @eta = :eta, @calls = :calls, @joins = :joins, @ttl = :ttl",
    condition: "attribute_not_exists(@joins) OR @joins < :joins",
    values: {
      id: String(past.id),
      eta: String(past.eta),
      calls: callsOf(past).join(" "),
      joins: Number(past.joins ?? 0),
      ttl: Number(past.ttl),
    },
  });
}

/** As long as a message of the burst may be on its way without its record being looked at. */
function keptUntil(now: Date, eta: Date): number {
  return Math.ceil(neededUntil(now, eta) / 1000);
}

/** An older version of Lovage, while one is deployed for the other, leaves them as they were: then only the newest is known. */
function callsOf({ id, calls = "" }: Item): string[] {
  const known = String(calls).split(" ");
  return known.at(-1) === id ? known : [String(id)];
}

/** Why a call was revoked whose place another took. */
export function replacedReason(newer: string): string {
  return `a newer call of its debounce key took its place: ${newer}`;
}

/**
 * The calls of its burst that came after `id`, the newest first, and when that one may start: at most the last ten, of which any that
 * was really sent has taken its place.
 */
export async function callsAfter(
  table: Table,
  call: { task: string; key: string; burst: string; id: string },
): Promise<{ ids: string[]; eta: Date }> {
  const latest = await table.get(debounceKey(call.task, call.key));
  const item = latest?.burst === call.burst ? latest : await table.get(pastBurstKey(call.task, call.key, call.burst));
  // Without an item nothing is known of its burst: it is the only call of it.
  const calls = item === undefined ? [] : callsOf(item);
  return { ids: calls.slice(calls.indexOf(call.id) + 1).reverse(), eta: new Date(String(item?.eta)) };
}
