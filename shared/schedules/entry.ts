/** An entry that is changed at run time, as the table keeps it. */

import type { Item } from "../aws/change.ts";
import { toJsonText } from "../message/json.ts";
import { type Definition, readStored, type TimingFields, timingFields, timingOf } from "./definition.ts";
import { fireTimes, isOnMinutes, nextFireTime, type Timing } from "./timing.ts";

/** A timing that an entry had before, until it was changed. */
interface Era {
  fields: TimingFields;
  anchor: string;
  since: string;
  until: string;
}

export interface Entry {
  name: string;
  definition: Definition;
  /** Another for an entry that was deleted and made anew: its history is its own. */
  incarnation: string;
  /** Another with each change. */
  edition: string;
  createdAt: Date;
  /** When it was last changed: nothing that was due by then fires any more. */
  since: Date;
  /** When its present timing began. */
  begun: Date;
  timing: Timing;
  /** The timings before, newest first. */
  past: readonly Era[];
}

/** The part of an item that only this file reads. */
interface Body {
  definition: Definition;
  createdAt: string;
  begun: string;
  anchor: string;
  past: readonly Era[];
}

/** Timings before the present one that are kept. */
const MAX_PAST = 5;

/** An entry that has fired for the last time is kept for so long, or as long as its history. */
const FINISHED_SECONDS = 30 * 86_400;

/** A fire time that is handled no later than this is late, and runs; an older one was missed. */
export const LATE_MILLISECONDS = 300_000;

export function created(name: string, definition: Definition, now: Date, newId: () => string): Entry {
  const timing = timingOf(definition, anchorOf(now));
  const ids = { incarnation: newId(), edition: newId() };
  return { name, definition, ...ids, createdAt: now, since: now, begun: now, timing, past: [] };
}

/** The entry as a change leaves it, which counts from now on. An interval keeps its phase, unless the interval itself is another. */
export function changed(old: Entry, definition: Definition, now: Date, newId: () => string): Entry {
  const isSameSchedule = definition.schedule === old.definition.schedule;
  const isSameTiming = toJsonText(timingFields(definition)) === toJsonText(timingFields(old.definition));
  const era = {
    fields: timingFields(old.definition),
    anchor: old.timing.anchor.toISOString(),
    since: old.begun.toISOString(),
    until: now.toISOString(),
  };
  return {
    ...old,
    definition,
    edition: newId(),
    since: now,
    timing: timingOf(definition, isSameSchedule ? old.timing.anchor : anchorOf(now)),
    ...(!isSameTiming && { begun: now, past: [era, ...old.past].slice(0, MAX_PAST) }),
  };
}

/** On the minute, so that an interval of whole minutes is found by a look at each minute. */
function anchorOf(now: Date): Date {
  return new Date(Math.floor(now.getTime() / 60_000) * 60_000);
}

/** Every timing that an entry has had, newest first, each with the time in which it held. */
export function erasOf(entry: Entry, now: Date): { timing: Timing; since: Date; until: Date }[] {
  const past = entry.past.map(({ fields, anchor, since, until }) => ({
    timing: timingOf(fields, new Date(anchor)),
    since: new Date(since),
    until: new Date(until),
  }));
  return [{ timing: entry.timing, since: entry.begun, until: now }, ...past];
}

export function toItem(entry: Entry): Item {
  const { definition, incarnation, edition, since } = entry;
  const body: Body = {
    definition,
    createdAt: entry.createdAt.toISOString(),
    begun: entry.begun.toISOString(),
    anchor: entry.timing.anchor.toISOString(),
    past: entry.past,
  };
  const last = lastTime(entry);
  const ttl = last && Math.ceil(last.getTime() / 1000) + Math.max(FINISHED_SECONDS, definition.keepHistory ?? 0);
  return {
    body: toJsonText(body),
    incarnation,
    edition,
    task: definition.task,
    since: since.toISOString(),
    enabled: definition.enabled ? 1 : 0,
    ttl,
  };
}

/** When an entry that ends is over. */
function lastTime({ definition, timing, since }: Entry): Date | undefined {
  if (definition.end !== undefined) return new Date(definition.end);
  if (!definition.schedule.startsWith("at(")) return undefined;
  return nextFireTime(timing, new Date(0)) ?? since;
}

/** @throws for an item that nobody can read: whoever wrote it was no version of this code */
export function toEntry(item: Item): Entry {
  const body: Partial<Body> | null = JSON.parse(String(item.body));
  if (!body?.definition || !Array.isArray(body.past))
    throw new Error("it has no definition, or no list of the ones before");
  const { createdAt = "", begun = "", anchor = "", past } = body;
  const definition = readStored(body.definition);
  const entry: Entry = {
    name: String(item.sk),
    definition,
    incarnation: String(item.incarnation),
    edition: String(item.edition),
    past,
    createdAt: new Date(createdAt),
    since: new Date(String(item.since)),
    begun: new Date(begun),
    timing: timingOf(definition, new Date(anchor)),
  };
  // A damaged one is found here, and not where it is half done.
  for (const { timing, since, until } of erasOf(entry, entry.since)) {
    nextFireTime(timing, since);
    for (const time of [since, until, timing.anchor]) time.toISOString();
  }
  entry.createdAt.toISOString();
  return entry;
}

/** Where an entry is to be looked at next. */
export interface Due {
  name: string;
  edition: string;
  /** The fire time that comes next. */
  at: Date;
  /** From when on the tick has to look. */
  visit: Date;
  /** It is looked at by each tick until then, for it fires often. */
  until?: Date;
}

/** An entry that fires as often within an hour has one due item for that hour. */
const OFTEN = 6;
const STRETCH_MILLISECONDS = 3_600_000;

/** How far ahead of its time a firing is sent, so that its delay makes it exact to the second; 0 for what is due on whole minutes. */
export function leadMilliseconds(timing: Timing): number {
  return isOnMinutes(timing) ? 0 : 60_000;
}

/** @param earliest no look before: the tick that asks has looked until now */
export function dueAfter(entry: Entry, after: Date, earliest: Date): Due | undefined {
  const { name, edition, timing } = entry;
  const at = nextFireTime(timing, after);
  if (at === undefined) return undefined;
  const end = new Date(at.getTime() + STRETCH_MILLISECONDS);
  const isOften = fireTimes(timing, at, end, OFTEN - 1).length === OFTEN - 1;
  const visit = new Date(Math.max(at.getTime() - leadMilliseconds(timing), earliest.getTime()));
  return { name, edition, at, visit, ...(isOften && { until: end }) };
}
