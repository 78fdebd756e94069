/** The times at which the cloud would call the functions of beat and of timers, under a turned clock. */

import { createBeat, createTick, createTimerSweep } from "../app.ts";
import { type CollectedEntry, collectSchedule, isOnScheduler, staticEntry } from "../beat/schedule-entries.ts";
import { type Entry, leadMilliseconds } from "../schedules/entry.ts";
import { nextFireTime } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";
import type { TaskModule } from "../task/registry.ts";
import type { MemoryTable } from "./table.ts";

export interface Turns {
  /** Begins: what comes from now on counts. */
  begin(): Promise<void>;
  /** The next time at which something happens by itself, epoch milliseconds; Infinity if nothing will. */
  next(): number;
  /** Does what happens now. */
  act(): Promise<void>;
}

const MINUTE = 60_000;
/** A sweep sends what falls due within two minutes. */
const SWEEP_AHEAD = 2 * MINUTE;
const TIME = { getRemainingTimeInMillis: () => 50_000 };
const nextMinute = (time: number): number => Math.ceil(time / MINUTE) * MINUTE;

export function createTurns(app: App, modules: readonly TaskModule[], table: MemoryTable): Turns {
  const [beat, tick, sweep] = [createBeat(modules, app), createTick(modules, app), createTimerSweep(app)];
  const collected: readonly CollectedEntry[] = collectSchedule(modules);
  const entries = collected.map((one) => ({
    entry: staticEntry(one, app.config.timezone),
    onScheduler: isOnScheduler(one),
  }));
  const ticked: Entry[] = entries.filter(({ onScheduler }) => !onScheduler).map(({ entry }) => entry);
  const now = (): number => app.clock().getTime();
  const firing = (entry: Entry, after: number): number =>
    nextFireTime(entry.timing, new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY;
  /** When EventBridge Scheduler fires each entry next. */
  const fires = new Map<Entry, number>();
  let lastTick: number | undefined;
  let lastSweep = Number.NEGATIVE_INFINITY;

  const nextTimer = (): number => {
    const etas = table.items("timer#").map(({ eta }) => Date.parse(String(eta)));
    return Math.max(nextMinute(Math.min(...etas) - SWEEP_AHEAD), lastSweep + MINUTE);
  };
  const nextTick = (): number => {
    const visits = table.items("due#").map(({ sk }) => Date.parse(String(sk).slice(0, 24)));
    const since = lastTick ?? now();
    const times = ticked.map((entry) => {
      const lead = leadMilliseconds(entry.timing);
      return firing(entry, since + lead) - lead;
    });
    return Math.max(nextMinute(Math.min(...visits, ...times)), since + MINUTE);
  };
  const tickAt = async (time: number): Promise<void> => {
    lastTick = time;
    await tick({ scheduledTime: new Date(time).toISOString() }, TIME);
  };

  return {
    async begin() {
      for (const { entry, onScheduler } of entries) {
        if (onScheduler && !fires.has(entry)) fires.set(entry, firing(entry, now()));
      }
      if (lastTick === undefined && (ticked.length > 0 || table.items("due#").length > 0)) await tickAt(now());
    },
    next: () => Math.max(now(), Math.min(nextTimer(), nextTick(), ...fires.values())),
    async act() {
      for (const [entry, at] of fires) {
        if (at > now()) continue;
        fires.set(entry, firing(entry, at));
        await beat({ schedule: entry.name, scheduledTime: new Date(at).toISOString() });
      }
      if (nextTick() <= now()) {
        // The minutes between had nothing to do; without their last one the engine would see an outage.
        if (lastTick !== undefined && now() - lastTick > MINUTE) await tickAt(now() - MINUTE);
        await tickAt(now());
      }
      if (nextTimer() <= now()) {
        lastSweep = now();
        await sweep(undefined, TIME);
      }
    },
  };
}
