/** The part of a tick that is about one entry: its fire times in a stretch of time, and where to look next. */

import { fire } from "../entries/fire.ts";
import { dueAfter, type Entry, LATE_MILLISECONDS, leadMilliseconds } from "../schedules/entry.ts";
import { CODE, firingId } from "../schedules/name.ts";
import type { DueItem, Position } from "../schedules/store.ts";
import type { App } from "../task/current-app.ts";
import { recordUnsent } from "../task/not-sent-failure.ts";
import { fireAll, type Tick } from "./catch-up.ts";
import { noteLost } from "./lost-times.ts";

/** A due item of an edition that is not there may be of a change that is under way. */
const UNDER_WAY_MILLISECONDS = 300_000;

/** Stored for an entry whose document cannot be read. */
const UNKNOWN_TASK = "(unknown)";

/** Handles a due item. Each step may be repeated: dying anywhere in it leaves the item, and the next tick does the same. */
export async function handleDue(tick: Tick, item: DueItem): Promise<void> {
  const { app, now } = tick;
  const { schedules } = app;
  const stored = await schedules.read(item.name);
  if (stored?.kind === "broken" && stored.edition === item.edition) {
    await recordBroken(app, item, stored.reason);
    return schedules.removeDue(item.key);
  }
  if (stored?.kind !== "entry" || stored.entry.edition !== item.edition) {
    const isOld = now.getTime() - item.put.getTime() > UNDER_WAY_MILLISECONDS;
    if (!isOld) return undefined;
    if (stored?.kind === "entry" && !item.waiting) await noteLost(app, stored.entry, item);
    return schedules.removeDue(item.key);
  }
  const { entry } = stored;
  if (!entry.definition.enabled) return schedules.removeDue(item.key);
  if (item.waiting) return handleWaiting(tick, entry, item);
  // After a turned clock or new zone data an entry that fires often may have two items.
  const mark = `${entry.name}#${entry.edition}`;
  if (item.until && tick.seen.has(mark)) return schedules.removeDue(item.key);
  tick.seen.add(mark);

  const until = new Date(now.getTime() + leadMilliseconds(entry.timing));
  await fireAll(tick, entry, handledUntil(tick, entry, item), until);
  if (item.until && item.until > now) return item.seen ? undefined : schedules.markSeen(item.key, until);
  const next = dueAfter(entry, until, new Date(now.getTime() + 1000));
  if (next) await schedules.putDue(next, { now });
  await schedules.removeDue(item.key);
}

/**
 * Until when the fire times of an item have been handled. Its writer may be slower than a tick whose clock is ahead, so an item of
 * a stretch says itself that it was seen; from then on each tick has handled it.
 */
export function handledUntil(
  { position, now }: Pick<Tick, "position" | "now">,
  entry: Entry,
  { at, seen }: DueItem,
): Date {
  const before = at.getTime() - 1;
  // Seen by a clock that was far ahead.
  if (seen === undefined || seen.getTime() > now.getTime() + 2 * LATE_MILLISECONDS) return new Date(before);
  const last = position.until ? position.until.getTime() + leadMilliseconds(entry.timing) : 0;
  return new Date(Math.max(before, seen.getTime(), last));
}

/** The time of the last tick. One that seems to lie ahead had another clock: what it has surely done is older than any such difference. */
export function lastTick({ until }: Position, now: Date): Date | undefined {
  return until && until > now ? new Date(now.getTime() - LATE_MILLISECONDS) : until;
}

/** A tick that could not handle an item of a stretch leaves it in the state in which it will be handled from where it stopped. */
export async function putBack(tick: Tick, item: DueItem): Promise<void> {
  if (item.until === undefined || item.seen === undefined) return;
  const { app, now } = tick;
  const stored = await app.schedules.read(item.name);
  if (stored?.kind !== "entry" || stored.entry.edition !== item.edition) return;
  const at = new Date(handledUntil(tick, stored.entry, item).getTime() + 1);
  const { name, edition, until } = item;
  await app.schedules.putDue({ name, edition, at, until, visit: new Date(now.getTime() + 1000) }, { now });
  await app.schedules.removeDue(item.key);
}

/** The run before has ended, or is looked at again by the next tick. */
async function handleWaiting(tick: Tick, entry: Entry, item: DueItem): Promise<void> {
  const { app, registry } = tick;
  const state = await app.schedules.overlap.read(entry.name);
  // Another waits in its place, or it has run.
  const isCurrent = state?.waiting === item.waiting?.toISOString();
  if (isCurrent && item.waiting) await fire(app, registry, entry, item.waiting);
  await app.schedules.removeDue(item.key);
}

/** An entry that nobody can read is a failure under its own name, and stops no other. */
async function recordBroken(app: App, item: DueItem, reason: string): Promise<void> {
  const { name, at, edition } = item;
  await recordUnsent(app, {
    id: firingId({ name, incarnation: edition === CODE ? CODE : edition }, at),
    task: UNKNOWN_TASK,
    queue: "default",
    askedAt: at,
    payload: { schedule: name, scheduledTime: at.toISOString() },
    reason: `the document of schedule entry '${name}' cannot be read (${reason}). Write the entry anew, or delete it`,
  });
}
