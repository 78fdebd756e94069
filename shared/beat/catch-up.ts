/** The fire times of an entry in a stretch of time: those that are due, and which of those that an outage has cost run after all. */

import { fire } from "../entries/fire.ts";
import { MAX_LATE_SECONDS } from "../lifetimes.ts";
import { type Entry, LATE_MILLISECONDS } from "../schedules/entry.ts";
import type { Position } from "../schedules/store.ts";
import { fireTimes, lastFireTimes } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";

/** The surroundings of a tick. */
export interface Tick {
  app: App;
  registry: Registry;
  now: Date;
  position: Position;
  /** Entries that this tick has looked at and that it will look at again: `name#edition`. */
  seen: Set<string>;
}

/** More fire times of one entry are not counted one by one. */
const MOST = 20_000;

/** Fires the entry's times after `after` and up to `until`; those that are too late as it says. */
export async function fireAll(tick: Tick, entry: Entry, after: Date, until: Date): Promise<void> {
  const { app, registry, now, position } = tick;
  // After a month of standstill nobody knows any more what ran.
  const oldest = now.getTime() - MAX_LATE_SECONDS * 1000;
  const from = new Date(Math.max(after.getTime(), entry.since.getTime(), position.floor?.getTime() ?? 0, oldest));
  const times = fireTimes(entry.timing, from, until, MOST);
  const isMore = times.length === MOST;
  const newest = isMore ? lastFireTimes(entry.timing, from, new Date(until.getTime() + 1), 1000).reverse() : times;
  const bound = now.getTime() - LATE_MILLISECONDS;
  const missed = newest.filter((time) => time.getTime() < bound);
  const due = newest.filter((time) => time.getTime() >= bound);
  const chosen = caughtUp(entry, missed, due, now);
  await noteMissed(app, entry, isMore ? [...times, ...missed] : missed, chosen);
  const all = [...chosen, ...due];
  // One after another, where one looks at the one before.
  if ((entry.definition.overlap ?? "allow") !== "allow") for (const time of all) await fire(app, registry, entry, time);
  else await Promise.all(all.map((time) => fire(app, registry, entry, time)));
}

/** Of the times that were missed, those that are run after all. */
function caughtUp({ definition }: Entry, missed: readonly Date[], due: readonly Date[], now: Date): readonly Date[] {
  const { catchUp = "none", catchUpMax = 10, catchUpAge = 86_400 } = definition;
  const young = missed.filter((time) => now.getTime() - time.getTime() <= catchUpAge * 1000);
  if (catchUp === "all") return young.slice(-catchUpMax);
  // One run stands for all that was missed: also one that is due now.
  return catchUp === "last" && due.length === 0 ? young.slice(-1) : [];
}

/** One note for all of an outage. */
async function noteMissed(app: App, entry: Entry, missed: readonly Date[], chosen: readonly Date[]): Promise<void> {
  const run = new Set(chosen.map((time) => time.getTime()));
  const left = missed.filter((time) => !run.has(time.getTime()));
  const [first, last] = [left[0], left.at(-1)];
  if (first === undefined || last === undefined) return;
  const note = { kind: "missed", at: first, until: last, count: left.length } as const;
  await app.schedules.note(entry, note, entry.definition.keepHistory ?? 0);
  const line = { schedule: entry.name, from: first, to: last, count: left.length };
  app.log.error("Schedule entry missed fire times: nothing ran when they were due", line);
}
