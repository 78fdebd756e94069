/** The outcomes of an entry's fire times: read from the records of the tasks that they sent, and from notes of what left none. */

import { outcomeAt } from "../canvas/results.ts";
import type { TaskState } from "../results/record.ts";
import { type Entry, erasOf } from "../schedules/entry.ts";
import { CODE, firingId } from "../schedules/name.ts";
import type { Note } from "../schedules/notes.ts";
import { lastFireTimes } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";

/** Why a stage with `BEAT=off` has left out a fire time. */
export const OFF = "this stage fires nothing (BEAT is off)";

/** One line of an entry's history. Times are ISO-8601 in UTC. */
export interface PastFiring {
  /** The fire time, or when it was run by hand. */
  at: string;
  outcome: "run" | "skipped" | "missed" | "paused" | "manual" | "waits" | "unrecorded";
  id?: string;
  state?: TaskState;
  /** It was a workflow, which `GET /workflows/{id}` shows. */
  workflow?: true;
  finishedAt?: string;
  /** The last of several fire times that one line stands for, and how many they are. */
  until?: string;
  count?: number;
  reason?: string;
}

/** The newest lines of an entry's history, newest first. Costs a read for each fire time. */
export async function historyOf(app: App, entry: Entry, limit: number): Promise<PastFiring[]> {
  const now = app.clock();
  const [written, pausedSince] = await Promise.all([
    app.schedules.notes(entry, new Date(now.getTime() + 1), limit * 2),
    pauseOf(app, entry),
  ]);
  // A pause that goes on is not written down yet.
  const known = pausedSince ? [...written, { kind: "paused" as const, at: pausedSince, until: now }] : written;
  // One that waited when its entry was paused, and gave its place to another, is told by the pause.
  const notes = known.filter((one) => !known.some((other) => other !== one && covers(other, one)));
  const times: Date[] = [];
  for (const { timing, since, until } of erasOf(entry, now)) {
    let before = new Date(until.getTime() + 1);
    while (times.length < limit) {
      const [time] = lastFireTimes(timing, since, before, 1);
      if (time === undefined) break;
      const note = notes.find((one) => isAbout(one, time));
      // A note of many fire times stands for all of them.
      before = note ? note.at : time;
      if (note === undefined) times.push(time);
    }
  }
  const lines = await Promise.all([
    ...times.map((time) => lineOf(app, firingId(entry, time), { at: time.toISOString(), outcome: "run" })),
    ...notes.map(({ kind, at, until, count, reason, id }: Note) => {
      const more = {
        ...(until && until !== now && { until: until.toISOString() }),
        ...(count && { count }),
        ...(reason !== undefined && { reason }),
      };
      const line = { at: at.toISOString(), outcome: kind, ...more } as const;
      return kind === "manual" && id !== undefined ? lineOf(app, id, line) : line;
    }),
  ]);
  const waiting = lines.find(({ outcome }) => outcome === "unrecorded") && (await waitingOf(app, entry));
  for (const line of lines) if (line.at === waiting && line.outcome === "unrecorded") line.outcome = "waits";
  await markOff(app, lines);
  const sorted = lines.sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? 1 : -1)).slice(0, limit);
  // Nobody knows since when the code declares an entry: before its oldest run there is nothing but what it would have done.
  const isOfCode = entry.incarnation === CODE;
  return isOfCode ? sorted.slice(0, sorted.findLastIndex(({ outcome }) => outcome !== "unrecorded") + 1) : sorted;
}

/** Whether a note says what became of a fire time. */
function isAbout({ kind, at, until = at }: Note, time: Date): boolean {
  return kind !== "manual" && time >= at && time <= until;
}

/** Whether a note of several fire times has that of another in it. */
function covers(several: Note, one: Note): boolean {
  return several.until !== undefined && one.until === undefined && one.kind !== "manual" && isAbout(several, one.at);
}

/** Of fire times that left nothing, those of which the stage was to fire nothing; it remembers when that was last. */
async function markOff(app: App, lines: readonly PastFiring[]): Promise<void> {
  const open = lines.filter(({ outcome }) => outcome === "unrecorded");
  if (open.length === 0) return;
  const { offSince, floor } = await app.schedules.position();
  const until = app.config.beatEnabled ? floor : app.clock();
  if (offSince === undefined || until === undefined) return;
  for (const line of open) {
    const at = Date.parse(line.at);
    if (at > offSince.getTime() && at <= until.getTime()) Object.assign(line, { outcome: "skipped", reason: OFF });
  }
}

/** The fire time that waits for the end of the run before; undefined if none does. */
async function waitingOf(app: App, { name, definition }: Entry): Promise<string | undefined> {
  if ((definition.overlap ?? "allow") === "allow") return undefined;
  const { waiting } = (await app.schedules.overlap.read(name)) ?? {};
  return waiting === undefined ? undefined : String(waiting);
}

/** Since when an entry is paused; undefined if it is not. */
async function pauseOf(app: App, { name, incarnation, definition, since }: Entry): Promise<Date | undefined> {
  if (incarnation !== CODE) return definition.enabled ? undefined : since;
  const pause = await app.schedules.pauseOf(name);
  return pause?.paused ? pause.since : undefined;
}

/** The state of what a firing sent: a workflow whose end is a group has an outcome in the place of a record. */
export async function stateOfRun(app: App, id: string): Promise<TaskState | undefined> {
  return (await app.results.read(id))?.state ?? stateOfGroup(app, id);
}

async function stateOfGroup(app: App, id: string): Promise<TaskState | undefined> {
  const definition = await app.workflows.read(id);
  return definition && ((await outcomeAt({ app, definition }, ""))?.state ?? "PENDING");
}

async function lineOf(app: App, id: string, line: PastFiring): Promise<PastFiring> {
  const record = await app.results.read(id);
  if (record !== undefined) {
    const { state, finishedAt, workflow } = record;
    const more = {
      ...(workflow?.id === id && { workflow: true as const }),
      ...(finishedAt !== undefined && { finishedAt }),
    };
    return { ...line, id, state, ...more };
  }
  const state = await stateOfGroup(app, id);
  if (state !== undefined) return { ...line, id, state, workflow: true };
  // Not sent yet, or its record was kept no longer.
  return line.outcome === "run" ? { ...line, outcome: "unrecorded" } : { ...line, id };
}
