/**
 * The next time at which a tick has something to do. AWS never asks: it ticks each minute. A local cloud whose clock is turned goes from one such
 * time to the next (docs/decisions/0062-every-fire-time.md).
 */

import { leadMilliseconds } from "../schedules/entry.ts";
import type { DueItem } from "../schedules/store.ts";
import { nextFireTime } from "../schedules/timing.ts";
import { dayOf } from "../table/keys.ts";
import type { App } from "../task/current-app.ts";
import { handledUntil, lastTick } from "./due-entry.ts";
import { type StaticEntries, ZONES } from "./tick.ts";

const DAY = 86_400_000;

/** The first time up to `until`, which may have passed; undefined if a tick has nothing to do until then. */
export async function nextTick(app: App, { ticked }: StaticEntries, until: Date): Promise<Date | undefined> {
  const now = app.clock();
  const position = await app.schedules.position();
  if (!app.config.beatEnabled) return undefined;
  const last = lastTick(position, now);
  if (last === undefined || position.zones !== ZONES || position.rearm !== undefined) return now;
  const lookAt = async (item: DueItem): Promise<number> => {
    if (item.visit > now) return item.visit.getTime();
    const stored = item.until && !item.waiting ? await app.schedules.read(item.name) : undefined;
    if (item.until === undefined || stored?.kind !== "entry" || stored.entry.edition !== item.edition) {
      return now.getTime();
    }
    const next = nextVisit(stored.entry.timing, handledUntil({ position, now }, stored.entry, item));
    return Math.min(next, item.until.getTime());
  };
  const pauses = await app.schedules.pauses();
  const standing = ticked.filter(({ name, definition }) => definition.enabled && !pauses.get(name)?.paused);
  let next = Math.min(
    ...standing.map(({ timing }) => nextVisit(timing, new Date(last.getTime() + leadMilliseconds(timing)))),
  );
  // The ticks of a day have handled all of the day before, but for a failure, which holds up no clock.
  const first = Math.max(Date.parse(position.day), Date.parse(dayOf(new Date(now.getTime() - DAY))));
  for (let day = first; day <= Math.min(next, until.getTime()); day += DAY) {
    const end = new Date(Math.min(day + DAY - 1, until.getTime()));
    await app.schedules.eachDue(
      end,
      { day: dayOf(new Date(day)) },
      {
        visit: async (items) => {
          const times = await Promise.all(items.map(lookAt));
          next = Math.min(next, ...times);
        },
        mayGoOn: () => true,
      },
    );
  }
  return next <= until.getTime() ? new Date(next) : undefined;
}

/** When a tick has to look for the first fire time after `after`. */
function nextVisit(timing: Parameters<typeof nextFireTime>[0], after: Date): number {
  const next = nextFireTime(timing, after);
  return next === undefined ? Number.POSITIVE_INFINITY : next.getTime() - leadMilliseconds(timing);
}
