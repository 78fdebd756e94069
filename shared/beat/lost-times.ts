/** Fire times that a change of their entry came before: due, not sent yet, and never sent from then on. History says so. */

import { stateOfRun } from "../entries/history.ts";
import { skip } from "../entries/overlap.ts";
import { type Entry, erasOf } from "../schedules/entry.ts";
import { firingId } from "../schedules/name.ts";
import type { DueItem } from "../schedules/store.ts";
import { fireTimes } from "../schedules/timing.ts";
import type { App } from "../task/current-app.ts";

/** No item stands for more: the interval of a second has as many in its hour. */
const MOST = 3600;
const NOTES = 100;

/**
 * Notes what an item of an older edition stood for and nobody has sent. Called when the item is removed, minutes after the change, so that no tick is
 * about to send it. Two ticks at once note the same.
 */
export async function noteLost(app: App, entry: Entry, { at }: DueItem): Promise<void> {
  const { since } = entry;
  // The moment of a pause belongs to the pause.
  const last = entry.definition.enabled ? since.getTime() : since.getTime() - 1;
  const due = erasOf(entry, since).flatMap(({ timing, since: begun, until }) =>
    fireTimes(timing, new Date(Math.max(at.getTime() - 1, begun.getTime())), until, MOST),
  );
  if (due.length === 0) return;
  const notes = await app.schedules.notes(entry, new Date(since.getTime() + 1), NOTES);
  const isNoted = (time: Date): boolean =>
    notes.some((one) => one.kind !== "manual" && time >= one.at && time <= (one.until ?? one.at));
  // Of an older one nobody knows whether it ran: its record may be kept no longer.
  const keptSeconds = entry.definition.keepHistory ?? app.config.resultExpires;
  const known = app.clock().getTime() - keptSeconds * 1000;
  const open = due.filter((time) => time.getTime() <= last && time.getTime() > known && !isNoted(time));
  const states = await Promise.all(open.map((time) => stateOfRun(app, firingId(entry, time))));
  for (const time of open.filter((_, index) => states[index] === undefined)) {
    await skip(app, entry, time, "the entry was changed before it was sent");
  }
}
