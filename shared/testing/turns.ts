/** The times at which the cloud would call the functions of beat and of timers, under a turned clock. */

import { createBeat, createTick, createTimerSweep } from "../app.ts";
import { type CollectedEntry, collectSchedule, isOnScheduler, staticEntry } from "../beat/schedule-entries.ts";
import { type Entry, leadMilliseconds } from "../schedules/entry.ts";
import { nextFireTime } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";
import type { TaskModule } from "../task/registry.ts";
import type { MemoryTable } from "./table.ts";

export interface Turns {
  /** Begins: what comes from now on counts. The calls that the cloud makes then. */
  begin(): Turn[];
  /** The next time at which something happens by itself, epoch milliseconds; Infinity if nothing will. Without beat, of timers alone. */
  next(options?: { beat: boolean }): number;
  /** The calls that the cloud makes now, to be made one after the other. */
  due(options?: { beat: boolean }): Turn[];
}

/** A call of a function by the cloud. */
export interface Turn {
  name: string;
  make(): Promise<unknown>;
}

const MINUTE = 60_000;
/** A sweep sends what falls due within two minutes. */
const SWEEP_AHEAD = 2 * MINUTE;
const TIME = { getRemainingTimeInMillis: () => 50_000 };
const nextMinute = (time: number): number => Math.ceil(time / MINUTE) * MINUTE;

/** @param currentApp the app of the process whose functions are called; a process that died is followed by another */
export function createTurns(currentApp: () => App, modules: readonly TaskModule[], table: MemoryTable): Turns {
  const functionsOf = (app: App) => ({
    app,
    beat: createBeat(modules, app),
    tick: createTick(modules, app),
    sweep: createTimerSweep(app),
  });
  let known = functionsOf(currentApp());
  const functions = (): ReturnType<typeof functionsOf> => {
    if (known.app !== currentApp()) known = functionsOf(currentApp());
    return known;
  };
  const { app } = known;
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
  const tickAt = (time: number): Turn => {
    lastTick = time;
    return { name: "tick", make: () => functions().tick({ scheduledTime: new Date(time).toISOString() }, TIME) };
  };
  const firings = (): Turn[] =>
    [...fires].flatMap(([entry, at]) => {
      if (at > now()) return [];
      fires.set(entry, firing(entry, at));
      const event = { schedule: entry.name, scheduledTime: new Date(at).toISOString() };
      return [{ name: `beat of ${entry.name}`, make: () => functions().beat(event) }];
    });
  const ticks = (): Turn[] => {
    if (nextTick() > now()) return [];
    // The minutes between had nothing to do; without their last one the engine would see an outage.
    const before = lastTick !== undefined && now() - lastTick > MINUTE ? [tickAt(now() - MINUTE)] : [];
    return [...before, tickAt(now())];
  };

  return {
    begin() {
      for (const { entry, onScheduler } of entries) {
        if (onScheduler && !fires.has(entry)) fires.set(entry, firing(entry, now()));
      }
      const isTicked = ticked.length > 0 || table.items("due#").length > 0;
      return lastTick === undefined && isTicked ? [tickAt(now())] : [];
    },
    next: ({ beat: all } = { beat: true }) =>
      Math.max(now(), Math.min(nextTimer(), ...(all ? [nextTick(), ...fires.values()] : []))),
    due({ beat: all } = { beat: true }) {
      const calls = all ? [...firings(), ...ticks()] : [];
      if (nextTimer() > now()) return calls;
      lastSweep = now();
      return [...calls, { name: "sweep of timers", make: () => functions().sweep(undefined, TIME) }];
    },
  };
}
