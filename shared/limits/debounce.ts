/**
 * A burst of calls of which only the newest is run. One item per task and key knows the burst that is under way; one that is over is
 * kept in an item of its own, for its calls may still be waiting when the next burst has begun, and must find who took their place.
 */

import { absent, anyOf, below, equal, type Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { neededUntil } from "../lifetimes.ts";
import { debounceKey, pastBurstKey } from "../table/keys.ts";

/** A call's part in its burst. */
interface Burst {
  /** The burst's own name: the id of its first call. */
  burst: string;
  /** When the call may start, unless a newer one comes. */
  eta: Date;
  /** The call whose place it takes. */
  replaces: string | undefined;
}

/** A call that joins a burst. */
interface Call {
  task: string;
  key: string;
  id: string;
  /** Seconds of quiet. */
  wait: number;
  maxWait: number | undefined;
}

/** A call looks at so many that came after it: senders that died in a row before they had sent. */
const MAX_CALLS = 10;

/** A call that asks which came after it. */
interface EarlierCall {
  task: string;
  key: string;
  burst: string;
  id: string;
}

export interface Bursts {
  /**
   * Makes a call the newest of the burst of its key. A burst ends at the `eta` of its newest call.
   *
   * Dying after this leaves a burst whose newest call was never sent; the worker finds no record of that, and runs the one before.
   * @param now the moment of the call
   */
  join(now: Date, call: Call): Promise<Burst>;
  /**
   * The calls of its burst that came after this one, the newest first, and when that one may start: at most the last ten, of which
   * any that was really sent has taken its place.
   */
  callsAfter(call: EarlierCall): Promise<{ ids: string[]; eta: Date }>;
}

export function createBursts({ table }: { table: Table }): Bursts {
  /** Begins a burst where there is none, or after `past`. Answers with the item that another call has written first, if one has. */
  const begin = async (now: Date, call: Call, eta: Date, past: Item | undefined): Promise<Item | undefined> => {
    const { id } = call;
    const begun = await table.update({
      key: debounceKey(call.task, call.key),
      set: {
        id,
        burst: id,
        begunAt: now.toISOString(),
        eta: eta.toISOString(),
        calls: id,
        joins: 1,
        ttl: keptUntil(now, eta),
      },
      when: past === undefined ? absent("id") : equal("id", String(past.id)),
    });
    return begun.applied ? undefined : begun.item;
  };

  /** A call whose clock is behind may still join a burst that is over for others: the copy of a longer burst stays. */
  const keepPast = async ({ task, key }: Call, past: Item): Promise<void> => {
    const joins = Number(past.joins ?? 0);
    await table.update({
      key: pastBurstKey(task, key, String(past.burst)),
      set: {
        id: String(past.id),
        eta: String(past.eta),
        calls: callsOf(past).join(" "),
        joins,
        ttl: Number(past.ttl),
      },
      when: anyOf(absent("joins"), below("joins", joins)),
    });
  };

  return {
    async join(now, call) {
      const { id, wait, maxWait } = call;
      const quiet = new Date(now.getTime() + wait * 1000);
      for (let found = await begin(now, call, quiet, undefined); found !== undefined; ) {
        // The answer to my own update was lost, and the SDK has repeated it.
        if (found.id === id) {
          return { burst: String(found.burst), eta: new Date(String(found.eta)), replaces: callsOf(found).at(-2) };
        }
        if (Date.parse(String(found.eta)) <= now.getTime()) {
          await keepPast(call, found);
          // Dying here leaves a copy of a burst that is still the last one.
          found = await begin(now, call, quiet, found);
          continue;
        }
        const latest = maxWait === undefined ? quiet : new Date(Date.parse(String(found.begunAt)) + maxWait * 1000);
        const eta = latest < quiet ? latest : quiet;
        const newest = String(found.id);
        const joined = await table.update({
          key: debounceKey(call.task, call.key),
          set: {
            id,
            eta: eta.toISOString(),
            calls: [...callsOf(found), id].slice(-MAX_CALLS).join(" "),
            ttl: keptUntil(now, eta),
          },
          add: { joins: 1 },
          when: equal("id", newest),
        });
        if (joined.applied) return { burst: String(found.burst), eta, replaces: newest };
        found = joined.item;
      }
      return { burst: id, eta: quiet, replaces: undefined };
    },

    async callsAfter({ task, key, burst, id }) {
      const latest = await table.get(debounceKey(task, key));
      const item = latest?.burst === burst ? latest : await table.get(pastBurstKey(task, key, burst));
      // Without an item nothing is known of its burst: it is the only call of it.
      const calls = item === undefined ? [] : callsOf(item);
      return { ids: calls.slice(calls.indexOf(id) + 1).reverse(), eta: new Date(String(item?.eta)) };
    },
  };
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
