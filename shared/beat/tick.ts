/** Once a minute: the entries that are due are found by their time, and their tasks are sent (docs/decisions/0050-schedules.md). */

import { describeError } from "../errors.ts";
import { readTime } from "../message/time.ts";
import { dueAfter, type Entry, LATE_MILLISECONDS, leadMilliseconds } from "../schedules/entry.ts";
import { CODE } from "../schedules/name.ts";
import type { DueItem, Position } from "../schedules/store.ts";
import { dayOf } from "../table/keys.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { fireAll, type Tick } from "./catch-up.ts";
import { handleDue, lastTick, putBack } from "./due-entry.ts";

export interface TickOptions {
  /** The time at which Scheduler meant the tick to be, by AWS's clock. */
  scheduledTime: Date | undefined;
  mayGoOn: () => boolean;
}

export interface Ticked {
  /** Due items that were looked at. */
  due: number;
  failed: number;
}

/** Entries that code declares: all their names, and those that the tick fires. */
export interface StaticEntries {
  names: ReadonlySet<string>;
  ticked: readonly Entry[];
}

const DAY = 86_400_000;

/** Entries whose due times one tick computes anew. */
const REARM_PAGE = 500;

/** The zone data that this process computes with. */
export const ZONES = process.versions.tz ?? "";

/**
 * Fires all that is due. An entry that fails is tried again by the next tick, and holds up nothing else. Two ticks at once do the same twice, which is
 * once.
 */
export async function tick(
  app: App,
  registry: Registry,
  statics: StaticEntries,
  { scheduledTime, mayGoOn }: TickOptions,
): Promise<Ticked> {
  // The fire time decides, not the clock of the machine, which may be a little early or late.
  const now = scheduledTime ?? app.clock();
  const ticked = { due: 0, failed: 0 };
  if (Math.abs(now.getTime() - app.clock().getTime()) > LATE_MILLISECONDS) {
    const clock = app.clock();
    app.log.error("A tick was left out: its clock and Scheduler's are minutes apart", { clock, scheduledTime: now });
    return ticked;
  }
  const found = await app.schedules.position();
  const isBack = found.until !== undefined && found.until.getTime() > now.getTime() + LATE_MILLISECONDS;
  // Positions of a clock that was ahead are worth nothing: all due times are computed anew.
  const fresh: Position = { day: dayOf(new Date(now.getTime() - DAY)) };
  const position: Position =
    found.day === "" || isBack ? { ...fresh, ...(found.zones !== undefined && { zones: found.zones }) } : found;
  if (!app.config.beatEnabled) {
    // A stage that is to fire nothing has no outage.
    const wasOff = position.until !== undefined && position.until.getTime() === position.floor?.getTime();
    const offSince = (wasOff ? position.offSince : position.until) ?? now;
    await app.schedules.advance({ day: position.day, until: now, floor: now, offSince });
    return ticked;
  }

  const context: Tick = { app, registry, now, position, seen: new Set() };
  const isWhole = await sweep(context, ticked, mayGoOn);
  const isFired = await fireStatic(context, statics, ticked);
  await rearm(context, { isBack, mayGoOn });
  if (!isFired || !isWhole) return ticked;
  const day = dayOf(new Date(now.getTime() - DAY));
  await app.schedules.advance({
    until: now,
    // Something that failed lies there still.
    day: ticked.failed === 0 && day > position.day ? day : position.day,
  });
  return ticked;
}

/** The time that Scheduler has put into the event of a tick. */
export function readTickTime(event: unknown): Date | undefined {
  if (typeof event !== "object" || event === null || !("scheduledTime" in event)) return undefined;
  return typeof event.scheduledTime === "string" ? readTime(event.scheduledTime) : undefined;
}

/** True if every item was handled, or left so that it will be. */
async function sweep(context: Tick, ticked: Ticked, mayGoOn: () => boolean): Promise<boolean> {
  const { app, now, position } = context;
  let isKept = true;
  const handle = async (item: DueItem): Promise<void> => {
    ticked.due += 1;
    try {
      await handleDue(context, item);
    } catch (error) {
      ticked.failed += 1;
      app.log.error("A schedule entry could not be fired", { schedule: item.name, error: describeError(error) });
      await putBack(context, item).catch(() => {
        isKept = false;
      });
    }
  };
  const isWhole = await app.schedules.eachDue(now, position, {
    visit: async (items) => {
      // Those of one entry one after another, for each looks at what the one before has left; first a fire time that waits.
      const byName = Map.groupBy(items, ({ name }) => name);
      await Promise.all(
        [...byName.values()].map(async (same) => {
          for (const item of same.sort((a, b) => Number(b.waiting !== undefined) - Number(a.waiting !== undefined))) {
            await handle(item);
          }
        }),
      );
    },
    mayGoOn,
  });
  return isWhole && isKept;
}

/** Fires the entries of the code that EventBridge cannot, since the last tick. The first tick of a service fires nothing. */
async function fireStatic(context: Tick, { names, ticked: entries }: StaticEntries, ticked: Ticked): Promise<boolean> {
  const { app, now, position } = context;
  const pauses = await app.schedules.pauses();
  // A removed one loses its state.
  await Promise.all(
    [...pauses.keys()].filter((name) => !names.has(name)).map((name) => app.schedules.forgetPause(name)),
  );
  const results = await Promise.all(
    entries.map(async (entry) => {
      const pause = pauses.get(entry.name);
      if (!entry.definition.enabled || pause?.paused) return true;
      const lead = leadMilliseconds(entry.timing);
      const after = new Date((lastTick(position, now) ?? now).getTime() + lead);
      const standing = pause ? { ...entry, edition: pause.edition, since: pause.since } : { ...entry, edition: CODE };
      try {
        await fireAll(context, standing, after, new Date(now.getTime() + lead));
        return true;
      } catch (error) {
        ticked.failed += 1;
        app.log.error("A schedule entry could not be fired", { schedule: entry.name, error: describeError(error) });
        return false;
      }
    }),
  );
  return results.every(Boolean);
}

/** Computes the due times of all entries anew, some with each tick: after new zone data, or a clock that was set back. */
async function rearm(
  { app, now, position }: Tick,
  { isBack, mayGoOn }: { isBack: boolean; mayGoOn: () => boolean },
): Promise<void> {
  const isNew = position.zones !== undefined && position.zones !== ZONES;
  if (position.zones === undefined) await app.schedules.advance({ zones: ZONES });
  let after = isBack || (isNew && position.rearm === undefined) ? "" : position.rearm;
  if (after === undefined) return;
  while (mayGoOn()) {
    const page = await app.schedules.list({ prefix: "", limit: REARM_PAGE, ...(after !== "" && { after }) });
    await Promise.all(
      page.map(async (stored) => {
        if (stored.kind !== "entry" || !stored.entry.definition.enabled) return;
        const due = dueAfter(stored.entry, now, new Date(now.getTime() + 1000));
        if (due) await app.schedules.putDue(due, { now });
      }),
    );
    const last = page.at(-1);
    if (last === undefined || page.length < REARM_PAGE) {
      app.log.info("Due times were computed anew", { zones: ZONES });
      return app.schedules.advance({ zones: ZONES }, ["rearm"]);
    }
    after = last.kind === "entry" ? last.entry.name : last.name;
    await app.schedules.advance({ rearm: after });
  }
}
