/**
 * Bulk acts: many tasks that are revoked or replayed in one. The ids of the tasks are stored in pages before any of them is touched, for
 * what a filter finds changes while it is acted on; each page gets its outcomes. A step is one conditional update of the act's item, which
 * counts the steps: of two workers that do the same one, the later is refused and ends.
 */

import { absent, allOf, anyOf, atMost, type Condition, equal, type Item, isOneOf, NEW } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { BULK_SECONDS } from "../lifetimes.ts";
import { type Json, toJsonText } from "../message/json.ts";
import { BULK_ACTS, bulkKey, bulkPageKey } from "../table/keys.ts";
import { type BulkAct, type BulkPage, type Outcome, toAct, toPage } from "./act.ts";

/** Tasks of a page, which is read and written as one item. */
export const PAGE_TASKS = 100;

/** Greater than every id. */
const LAST = "g";

export interface NewBulkAct {
  id: string;
  act: BulkAct["act"];
  by: string;
  /** Tasks a second. */
  rate: number;
  /** Whether it goes on when its tasks are collected, or waits for `start`. */
  start: boolean;
  /** As the caller has asked, for those who look at it. */
  target: Json;
  /** The tasks that it is about, as whoever collects them reads it. */
  source: Json;
  /** Its tasks, where they are known already. */
  ids: readonly string[];
  /** Tells apart two acts of one id. */
  digest: string;
}

/** One step further in an act. */
interface Acted {
  outcomes: readonly Outcome[];
  /** Where the next task lies. */
  next: { page: number; offset: number };
  /** Not to go on before. */
  nextAt: Date;
}

/** A part of an act's tasks, and the way to the next. */
interface Collected {
  ids: readonly string[];
  /** Undefined at the end. */
  cursor: string | undefined;
  /** There are more than an act may be about. */
  isCut: boolean;
}

export interface BulkActs {
  /**
   * Makes an act, or answers with the one that has its id. Dying anywhere in it leaves an act that nobody works on; the same call again
   * completes it.
   */
  create(wanted: NewBulkAct): Promise<{ act: BulkAct; isNew: boolean }>;
  read(id: string): Promise<BulkAct | undefined>;
  /** Acts, newest first. @param before go on after this id */
  list(query: { limit: number; before?: string | undefined }): Promise<BulkAct[]>;
  /** @param number the first is 1 */
  page(id: string, number: number): Promise<BulkPage | undefined>;
  /** Stores a page of ids, and goes a step further. Undefined if another has, or the act was stopped. */
  collect(act: BulkAct, found: Collected): Promise<BulkAct | undefined>;
  /** Stores outcomes, and goes a step further, also in an act that was stopped meanwhile. Undefined if another has. */
  acted(act: BulkAct, page: BulkPage, step: Acted): Promise<BulkAct | undefined>;
  /** Ends an act whose tasks were all acted on. */
  finish(act: BulkAct): Promise<void>;
  /** Lets an act that is ready go on. */
  start(id: string): Promise<BulkAct | undefined>;
  /** Stops an act that has not ended. */
  stop(id: string): Promise<BulkAct | undefined>;
}

export function createBulkActs({ table, clock }: { table: Table; clock: () => Date }): BulkActs {
  const keptUntil = (): number => Math.floor(clock().getTime() / 1000) + BULK_SECONDS;
  const change = async (id: string, changes: Item, when: Condition): Promise<BulkAct | undefined> => {
    const set = { ...changes, ttl: keptUntil() };
    const outcome = await table.update({ key: bulkKey(id), set, when, returns: "ALL_NEW" });
    return outcome.applied ? toAct(outcome.attributes) : undefined;
  };
  const read = async (id: string): Promise<BulkAct | undefined> => {
    const item = await table.get(bulkKey(id));
    return item === undefined || Number(item.ttl) <= clock().getTime() / 1000 ? undefined : toAct(item);
  };
  const page = async (id: string, number: number): Promise<BulkPage | undefined> => {
    const item = await table.get(bulkPageKey(id, number));
    return item && toPage(item, number);
  };
  /** Of two that collect the same page, one is stored, with the way on from it. */
  const putPage = async (id: string, number: number, { ids, cursor, isCut }: Collected): Promise<Collected> => {
    const outcome = await table.update({
      key: bulkPageKey(id, number),
      set: { ids: toJsonText(ids), cursor, ...(isCut && { isCut: 1 }), ttl: keptUntil() },
      when: NEW,
    });
    const stored = outcome.applied ? undefined : await page(id, number);
    return stored ? { ids: stored.ids, cursor: stored.cursor, isCut: stored.isCut } : { ids, cursor, isCut };
  };

  return {
    read,
    page,
    async create({ id, start, source, target, ids, ...given }) {
      const now = clock().toISOString();
      const pages = Math.ceil(ids.length / PAGE_TASKS);
      const made = await change(
        id,
        {
          ...given,
          at: now,
          state: "collecting",
          step: 1,
          page: 1,
          offset: 0,
          nextAt: now,
          start: start ? 1 : 0,
          total: ids.length,
          pages,
          done: 0,
          skipped: 0,
          failed: 0,
          target: toJsonText(target),
          source: toJsonText(source),
        },
        NEW,
      );
      const act = made ?? (await read(id));
      if (act === undefined) throw new Error(`Bulk act ${id} was made, and is gone.`);
      // Only if it is the same act: pages of another are not touched. Nobody works on it before they are all there.
      if (act.digest === given.digest && act.step === 1) {
        const parts = Array.from({ length: pages }, (_, index) =>
          ids.slice(index * PAGE_TASKS, (index + 1) * PAGE_TASKS),
        );
        await Promise.all(
          parts.map((part, index) => putPage(id, index + 1, { ids: part, cursor: undefined, isCut: false })),
        );
      }
      return { act, isNew: made !== undefined };
    },

    async list({ limit, before }) {
      const seconds = Math.floor(clock().getTime() / 1000);
      const items = await table.query({
        pk: BULK_ACTS,
        from: "0",
        to: before ?? LAST,
        limit: limit + 1,
        pageSize: limit + 1,
      });
      return items
        .filter(({ sk, ttl }) => sk !== before && Number(ttl) > seconds)
        .slice(0, limit)
        .map(toAct);
    },

    async collect(act, found) {
      const { id, step, pages, total, start } = act;
      // Dying after this leaves a page that the same step finds, and goes on from.
      const { ids, cursor, isCut } = found.ids.length === 0 ? found : await putPage(id, pages + 1, found);
      const state = cursor !== undefined && !isCut ? "collecting" : start ? "acting" : "ready";
      const outcome = await table.update({
        key: bulkKey(id),
        set: {
          state,
          cursor,
          step: step + 1,
          total: total + ids.length,
          pages: pages + (ids.length > 0 ? 1 : 0),
          ...(isCut && { isCut: 1 }),
          ...(state === "acting" && { startedAt: clock().toISOString(), nextAt: clock().toISOString() }),
          ttl: keptUntil(),
        },
        when: allOf(equal("step", step), equal("state", "collecting")),
        returns: "ALL_NEW",
      });
      return outcome.applied ? toAct(outcome.attributes) : undefined;
    },

    async acted(act, page, { outcomes, next, nextAt }) {
      const all = [...page.outcomes.slice(0, act.offset), ...outcomes];
      // One that comes late must not take away the outcomes of later steps. Dying after this repeats the step, with the same outcomes.
      await table.update({
        key: bulkPageKey(act.id, page.number),
        set: { outcomes: toJsonText(all.map((one) => ({ ...one }))), acted: all.length, ttl: keptUntil() },
        when: anyOf(absent("acted"), atMost("acted", all.length)),
      });
      const count = (outcome: Outcome["outcome"]): number => outcomes.filter((one) => one.outcome === outcome).length;
      const outcome = await table.update({
        key: bulkKey(act.id),
        set: { ...next, nextAt: nextAt.toISOString(), ttl: keptUntil() },
        add: { step: 1, done: count("done"), skipped: count("skipped"), failed: count("failed") },
        when: equal("step", act.step),
        returns: "ALL_NEW",
      });
      return outcome.applied ? toAct(outcome.attributes) : undefined;
    },

    async finish({ id }) {
      await change(id, { state: "done", endedAt: clock().toISOString() }, equal("state", "acting"));
    },

    async start(id) {
      const now = clock().toISOString();
      return (await change(id, { state: "acting", startedAt: now, nextAt: now }, equal("state", "ready"))) ?? read(id);
    },

    async stop(id) {
      const open = isOneOf("state", ["collecting", "ready", "acting"]);
      return (await change(id, { state: "stopped", endedAt: clock().toISOString() }, open)) ?? read(id);
    },
  };
}
