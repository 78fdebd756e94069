/** A bulk act and its pages, as their items have them. */

import type { Item } from "../aws/change.ts";
import { type Json, parseJson } from "../message/json.ts";

export const BULK_KINDS = ["revoke", "replay"] as const;
export type BulkKind = (typeof BULK_KINDS)[number];

/**
 * `collecting`: its tasks are being found. `ready`: they are found, and it waits for its start. `acting`. `done`: each task has its
 * outcome. `stopped`: an operator has stopped it.
 */
export const BULK_STATES = ["collecting", "ready", "acting", "done", "stopped"] as const;
type BulkState = (typeof BULK_STATES)[number];

export const OUTCOMES = ["done", "skipped", "failed"] as const;

/** How it went with one task. */
export interface Outcome {
  outcome: (typeof OUTCOMES)[number];
  code?: string;
  reason?: string;
  /** The task that runs it again. */
  replayedBy?: string;
}

export interface BulkAct {
  id: string;
  act: BulkKind;
  /** The name of the key. */
  by: string;
  at: string;
  state: BulkState;
  /** Tasks a second. */
  rate: number;
  target: Json;
  /** Tasks that were found. */
  total: number;
  /** There were more, which it is not about. */
  isCut: boolean;
  done: number;
  skipped: number;
  failed: number;
  startedAt: string | undefined;
  endedAt: string | undefined;
  /** The rest is for those who work on it. */
  source: Json;
  digest: string;
  /** Counts what was done; the message that asks for a step names it. */
  step: number;
  cursor: string | undefined;
  /** It goes on when its tasks are found. */
  start: boolean;
  pages: number;
  /** Where the next task lies. */
  page: number;
  offset: number;
  nextAt: string;
}

export interface BulkPage {
  number: number;
  ids: readonly string[];
  /** Of the first ids; the others wait. */
  outcomes: readonly Outcome[];
  cursor: string | undefined;
  isCut: boolean;
}

export function toAct(item: Item): BulkAct {
  const text = (name: string): string => String(item[name] ?? "");
  const number = (name: string): number => Number(item[name] ?? 0);
  const optional = (name: string): string | undefined => (item[name] === undefined ? undefined : text(name));
  return {
    id: text("sk"),
    act: BULK_KINDS.find((one) => one === item.act) ?? "revoke",
    by: text("by"),
    at: text("at"),
    digest: text("digest"),
    nextAt: text("nextAt"),
    state: BULK_STATES.find((one) => one === item.state) ?? "stopped",
    target: parseJson(text("target")),
    source: parseJson(text("source")),
    rate: number("rate"),
    total: number("total"),
    done: number("done"),
    skipped: number("skipped"),
    failed: number("failed"),
    step: number("step"),
    pages: number("pages"),
    page: number("page"),
    offset: number("offset"),
    isCut: number("isCut") === 1,
    start: number("start") === 1,
    startedAt: optional("startedAt"),
    endedAt: optional("endedAt"),
    cursor: optional("cursor"),
  };
}

export function toPage(item: Item, number: number): BulkPage {
  const list = (name: string): Json[] => {
    const value = parseJson(String(item[name] ?? "[]"));
    return Array.isArray(value) ? value : [];
  };
  return {
    number,
    ids: list("ids").map(String),
    outcomes: list("outcomes").map(toOutcome),
    cursor: item.cursor === undefined ? undefined : String(item.cursor),
    isCut: Number(item.isCut ?? 0) === 1,
  };
}

function toOutcome(value: Json): Outcome {
  const fields = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const { code, reason, replayedBy } = fields;
  return {
    outcome: OUTCOMES.find((one) => one === fields.outcome) ?? "failed",
    ...(typeof code === "string" && { code }),
    ...(typeof reason === "string" && { reason }),
    ...(typeof replayedBy === "string" && { replayedBy }),
  };
}
