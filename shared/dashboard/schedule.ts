/** Schedule entries as the API shows them, and words about them. */

import type { PastFiring } from "../entries/history.ts";
import { moment } from "./format.ts";
import { SHAPES } from "./shapes.ts";

/** The fields that its editors give an entry. */
const RULES = [
  ...(["task", "workflow", "schedule", "payload", "timezone", "options", "enabled", "start", "end", "jitter"] as const),
  ...(["description", "skippedTime", "repeatedTime", "overlap", "catchUp", "catchUpMax", "catchUpAge"] as const),
  ...(["keepHistory"] as const),
];
export type Rules = Partial<Record<(typeof RULES)[number], unknown>>;

export interface Entry extends Rules {
  name: string;
  static: boolean;
  next: string[];
  edition?: string;
  createdAt?: string;
  changedAt?: string;
  broken?: string;
  runs?: PastFiring[];
}

export interface Preview {
  schedule: string;
  timezone: string;
  next: string[];
  notes: string[];
  clockChanges: { at: string; minutes: number; effect: string }[];
}

/** An entry's own fields, as they are sent back. */
export function rulesOf(entry: Entry): Rules {
  return Object.fromEntries(RULES.flatMap((name) => (entry[name] === undefined ? [] : [[name, entry[name]]])));
}

export type Standing = "runs" | "paused" | "over" | "broken";

/** Whether an entry fires. */
export function standingOf({ enabled, next, broken }: Entry): Standing {
  if (broken !== undefined) return "broken";
  if (enabled === false) return "paused";
  return next.length > 0 ? "runs" : "over";
}

/** A fire time as its zone's clocks show it: `2026-03-29 03:00:00 +02:00`. */
export function wallTime(time: string): string {
  const [, date, clock, offset] = /^(.+)T(.+?)([+-]\d\d:\d\d|Z)$/.exec(time) ?? [];
  return date === undefined ? time : `${date} ${clock} ${offset}`;
}

/** Shapes of fire times that left no task. */
const OUTCOMES: Readonly<Record<string, string>> = {
  skipped: "–",
  missed: "✕",
  paused: "‖",
  waits: "◌",
  unrecorded: "?",
};

/** The shape of a run, and the sentence about it. @param zone of its time; undefined: the browser's */
export function runWords(run: PastFiring, zone: string | undefined): { shape: string; sentence: string } {
  const { at, outcome, state, until, count, reason } = run;
  const shape = (state && SHAPES[state]) ?? OUTCOMES[outcome] ?? "?";
  const word = state === undefined ? outcome : outcome === "manual" ? `${state}, by hand` : state;
  const times = count === undefined ? "" : `, ${count} fire times`;
  const span = until === undefined ? "" : ` to ${moment(until, zone)}`;
  return { shape, sentence: `${moment(at, zone)}${span}: ${word}${times}${reason === undefined ? "" : `, ${reason}`}` };
}
