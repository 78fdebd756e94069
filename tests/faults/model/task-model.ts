import type { TaskState } from "../../../shared/results/record.ts";
import type { Event, Evidence, Step } from "./step.ts";

/** The facts that do not change during a task's life. */
export interface Setup {
  tracked: boolean;
  ignoreResult: boolean;
  countStarts: boolean;
  /** Seconds after the beginning; an idempotency key or a delay may keep the record. */
  keepSeconds: number | undefined;
  delaySeconds: number | undefined;
}

/** A record as the rules of `rules.ts` have it, and as the store's is brought into the same form. */
export interface ModelRecord {
  state: TaskState;
  attempt: number;
  fence: number;
  /** How often this attempt was begun, since it was last given back. */
  starts: number;
  /** By which delivery it is run; only while it is STARTED. */
  holder: Holder | undefined;
  revokeAsked: boolean;
  /** Epoch seconds. */
  ttl: number;
  /** Epoch seconds until which an ended task is shown, which may be less. */
  shownUntil: number | undefined;
  finishedAt: number | undefined;
  result: string | undefined;
  error: string | undefined;
  progress: string | undefined;
}

export interface Holder {
  messageId: string;
  receiveCount: number;
  functionSeconds: number;
}

/** A claim as its worker knows it. */
export interface Held {
  attempt: number;
  fence: number;
  since: number;
}

export interface TaskModel {
  setup: Setup;
  /** Milliseconds. */
  now: number;
  /** Numbers the steps, so that no two of them write the same text. */
  step: number;
  record: ModelRecord | undefined;
  /** Those who hold claims, the newest first. */
  workers: Held[];
  /** The entry of one `ctx.once`. */
  ledger: { fence: number; result: string | undefined } | undefined;
}

/** A step's answer, as plain data: of a claim that is refused, the state that it met. */
export type Answer = undefined | boolean | string | { claimed: Pick<Held, "fence"> & { starts: number | undefined } };

/** Far ahead, so that the local cloud, which goes by its own clock, lets no record expire by itself. */
export const START = Date.parse("2040-01-01T00:00:00.000Z");
export const RESULT_SECONDS = 86_400;

/** More than a record keeps in itself. */
const LARGE_CHARS = 33 * 1024;

export function createModel(setup: Setup): TaskModel {
  return { setup, now: START, step: 0, record: undefined, workers: [], ledger: undefined };
}

/** A step of someone who does not exist, or an end of nothing, is left out of the history. */
export function isPossible({ workers, record, now }: TaskModel, step: Step): boolean {
  if ("by" in step) return workers.length > step.by;
  if (step.do === "waitFor") {
    const ends = { ttl: record?.ttl, shown: record?.shownUntil };
    return ends[step.end] !== undefined;
  }
  return step.do !== "sweep" || (record !== undefined && record.ttl * 1000 <= now);
}

/** It is not shown any more, whether DynamoDB has deleted it or not. */
export function isExpired({ ttl, shownUntil }: ModelRecord, now: number): boolean {
  return Math.min(ttl, shownUntil ?? ttl) * 1000 <= now;
}

/** The text that an event writes, if it writes one: no two of them write the same. */
export function textOf({ step }: TaskModel, event: Event): string {
  const text = `${step}: ${event.do} `;
  return "large" in event && event.large ? text.padEnd(LARGE_CHARS, ".") : text;
}

/** Which attempt's message an event brings: given relative to the record. */
export function attemptOf({ record }: TaskModel, relative: number): number {
  return Math.max(1, (record?.attempt ?? 1) + relative);
}

/** The id of a delivery, by the evidence that it is to give. */
export function deliveryOf({ record, step }: TaskModel, evidence: Evidence): Omit<Holder, "functionSeconds"> {
  const { messageId = "nobody", receiveCount = 0 } = record?.holder ?? {};
  if (evidence === "again") return { messageId, receiveCount: receiveCount + 1 };
  return evidence === "twin" ? { messageId, receiveCount } : { messageId: `message ${step}`, receiveCount: 1 };
}

/** The fence that a copy has seen. */
export function seenBy({ record }: TaskModel, evidence: Evidence): number | undefined {
  if (evidence === "outdated") return record && record.fence > 1 ? record.fence - 1 : undefined;
  return evidence === "seen" ? record?.fence || undefined : undefined;
}

/** Until when its message waits at first. */
export function etaOf({ delaySeconds }: Setup): number | undefined {
  return delaySeconds === undefined ? undefined : START + delaySeconds * 1000;
}

/** A revoke's answer. */
export function shownState(state: TaskState, revokeAsked: boolean): string {
  return revokeAsked ? `${state}, to be revoked` : state;
}
