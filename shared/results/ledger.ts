import type { Table } from "../aws/dynamodb.ts";
import { type Json, parseJson } from "../message/json.ts";
import { onceKey } from "./keys.ts";

/** What the ledger says to a run that wants to do something once. */
export type LedgerEntry =
  /** Nobody has done it: go on, then call `close`. */
  | { state: "open" }
  | { state: "done"; result: Json }
  /** It was done, but its result could not be kept: this is why. */
  | { state: "lost"; reason: string }
  /** A newer run of the task is at it; this one was given up for dead. */
  | { state: "taken" };

/**
 * Opens the entry `key` of a task for the run with this fence, unless it is done or a newer run has opened it.
 *
 * If the process dies between `open` and `close`, nobody can know whether the work was done; the next run finds the entry
 * open and does it again. Where that must not be, the receiver needs the key too.
 */
export async function openEntry(
  table: Table,
  id: string,
  key: string,
  fence: number,
  ttl: number,
): Promise<LedgerEntry> {
  const outcome = await table.update({
    key: onceKey(id, key),
    update: "SET @fence = :fence, @ttl = :ttl",
    condition: "attribute_not_exists(@result) AND (attribute_not_exists(@fence) OR @fence <= :fence)",
    values: { fence, ttl },
  });
  if (outcome.applied) return { state: "open" };
  const { result, lost } = outcome.item ?? {};
  if (lost !== undefined) return { state: "lost", reason: String(lost) };
  return result === undefined ? { state: "taken" } : { state: "done", result: parseJson(String(result)) };
}

/**
 * Records the result of what was done, or that it was done and why its result is lost. False if a newer run has opened the entry
 * meanwhile.
 */
export async function closeEntry(
  table: Table,
  id: string,
  key: string,
  fence: number,
  outcome: { resultJson: string } | { lost: string },
): Promise<boolean> {
  // What is lost has a result all the same, so that the entry counts as done.
  const values = "lost" in outcome ? { result: "null", lost: outcome.lost } : { result: outcome.resultJson };
  const { applied } = await table.update({
    key: onceKey(id, key),
    update: `SET @result = :result${"lost" in values ? ", @lost = :lost" : ""}`,
    condition: "@fence = :fence AND attribute_not_exists(@result)",
    values: { fence, ...values },
  });
  return applied;
}
