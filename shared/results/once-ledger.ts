import { absent, allOf, anyOf, atMost, equal } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { UNDER_WAY_SECONDS } from "../lifetimes.ts";
import { type Json, parseJson } from "../message/json.ts";
import { onceKey } from "../table/keys.ts";

/** The ledger's answer to a run that wants to do something once. */
type LedgerEntry =
  /** Nobody has done it: go on, then call `close`. */
  | { state: "open" }
  | { state: "done"; result: Json; version: number }
  /** It was done, but its result could not be kept: this is why. */
  | { state: "lost"; reason: string }
  /** A newer run of the task is at it; this one was given up for dead. */
  | { state: "taken" };

/** Something that a task does once, and the run that asks. */
export interface LedgerKey {
  /** The task's id. */
  id: string;
  key: string;
  fence: number;
}

export interface Ledger {
  /**
   * Opens an entry for the run with this fence, unless it is done or a newer run has opened it.
   *
   * If the process dies between `open` and `close`, nobody can know whether the work was done; the next run finds the entry
   * open and does it again. Where that must not be, the receiver needs the key too.
   */
  open(entry: LedgerKey): Promise<LedgerEntry>;
  /**
   * Records the result of the work, or that it was done and why its result is lost. False if a newer run has opened the entry
   * meanwhile.
   */
  close(entry: LedgerKey, outcome: { resultJson: string; version?: number } | { lost: string }): Promise<boolean>;
}

export function createLedger({ table, clock }: { table: Table; clock: () => Date }): Ledger {
  return {
    async open({ id, key, fence }) {
      const outcome = await table.update({
        key: onceKey(id, key),
        set: { fence, ttl: Math.floor(clock().getTime() / 1000) + UNDER_WAY_SECONDS },
        when: allOf(absent("result"), anyOf(absent("fence"), atMost("fence", fence))),
        // Stryker disable next-line BooleanLiteral: it says which call is cheaper, and changes no answer.
        likelyNew: true,
      });
      if (outcome.applied) return { state: "open" };
      const { result, lost, version = 1 } = outcome.item ?? {};
      if (lost !== undefined) return { state: "lost", reason: String(lost) };
      if (result === undefined) return { state: "taken" };
      return { state: "done", result: parseJson(String(result)), version: Number(version) };
    },

    async close({ id, key, fence }, outcome) {
      const { applied } = await table.update({
        key: onceKey(id, key),
        // An entry whose result is lost has one all the same, so that it counts as done.
        // Stryker disable next-line StringLiteral: nobody reads the result of such an entry.
        set:
          "lost" in outcome
            ? { result: "null", lost: outcome.lost }
            : { result: outcome.resultJson, version: outcome.version },
        when: allOf(equal("fence", fence), absent("result")),
      });
      return applied;
    },
  };
}
