/** An entry that is due while its run before has not ended: the new one runs beside it, is left out, waits, or takes its place. */

import { revokeWorkflow } from "../canvas/revoke.ts";
import { describeError, TaskRevokedError } from "../errors.ts";
import { isFinal } from "../results/record.ts";
import type { Entry } from "../schedules/entry.ts";
import type { App } from "../task/current-app.ts";
import { stateOfRun } from "./history.ts";

/** The outcome of a fire time. `waits`: for the end of the run before. `failed`: it is a FAILURE of its task, which says why. */
export type Fired = "sent" | "skipped" | "waits" | "failed";

/** A run that has to wait is looked at by the next tick. */
const NEXT_LOOK_MILLISECONDS = 1000;

/**
 * Holds a fire time back, as the entry's rule says. Undefined: it is to be sent now, and is the run that the next one looks at.
 * @param run its id, and its fire time
 */
export async function heldByOverlap(
  app: App,
  entry: Entry,
  { id, at }: { id: string; at: Date },
): Promise<Fired | undefined> {
  const { name, definition, incarnation } = entry;
  const { overlap = "allow" } = definition;
  if (overlap === "allow") return undefined;
  const before = await app.schedules.overlap.read(name);
  const isOther = before?.incarnation === incarnation && before.id !== undefined && before.id !== id;
  const waiting = before?.waiting === undefined ? undefined : new Date(String(before.waiting));
  if (isOther && (await isUnfinished(app, String(before.id)))) {
    if (overlap === "skip") return skip(app, entry, at, `task ${String(before.id)} had not ended`);
    if (overlap === "cancel") await cancel(app, String(before.id), entry);
    return wait(app, entry, at, waiting);
  }
  if (waiting && waiting < at) await skip(app, entry, waiting, `${at.toISOString()} runs in its place`);
  // Dying after this leaves the name of a run that was not sent; the repetition finds its own, and sends it.
  await app.schedules.overlap.run(name, { incarnation, id, at });
  return undefined;
}

export async function skip(app: App, entry: Entry, at: Date, reason: string): Promise<Fired> {
  await app.schedules.note(entry, { kind: "skipped", at, reason }, entry.definition.keepHistory ?? 0);
  app.log.warn("Schedule entry skipped a fire time", { schedule: entry.name, scheduledTime: at, reason, count: 1 });
  return "skipped";
}

/** The newest fire time waits; the one that waited before is skipped. */
async function wait(app: App, entry: Entry, at: Date, before: Date | undefined): Promise<Fired> {
  if (before && before > at) return skip(app, entry, at, `${before.toISOString()} waits in its place`);
  if (before && before < at) await skip(app, entry, before, `${at.toISOString()} waits in its place`);
  await app.schedules.overlap.wait(entry.name, at);
  const visit = new Date(app.clock().getTime() + NEXT_LOOK_MILLISECONDS);
  await app.schedules.putDue(
    { name: entry.name, edition: entry.edition, at, visit },
    { waiting: at, now: app.clock() },
  );
  return "waits";
}

async function cancel(app: App, id: string, { name }: Entry): Promise<void> {
  if (await app.workflows.read(id)) return revokeWorkflow(app, id);
  const reason = new TaskRevokedError(id, `schedule entry '${name}' is due again`);
  await app.results.requestRevoke(id, describeError(reason));
}

/** A workflow is known by its end: the record of its last task, or the outcome of its group. */
async function isUnfinished(app: App, id: string): Promise<boolean> {
  const state = await stateOfRun(app, id);
  return state !== undefined && !isFinal(state);
}
