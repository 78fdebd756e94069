/** The rows of the tasks' page: pages of the service's list, searched further as long as somebody wants it. */

import { batch, type Signal, signal } from "@preact/signals";
import type { TaskRecord } from "../results/record.ts";
import { call } from "./api.ts";
import { serviceNow } from "./clock.ts";
import { listPath, type Search } from "./filter.ts";
import { asOf, trouble } from "./live.ts";
import { pathOf } from "./path.ts";
import { isFinal, merged, timeOf, updated } from "./rows.ts";

/** Ids that the viewer has ticked. */
export const ticked = signal<ReadonlySet<string>>(new Set());

interface Page {
  tasks: TaskRecord[];
  searchedFrom: string;
  cursor?: string;
}

/** All that a search finds, page by page, newest first. @param values whether tasks come with their payloads and results */
export async function* foundTasks(
  search: Search,
  from: string,
  { values, signal }: { values: boolean; signal: AbortSignal },
): AsyncGenerator<TaskRecord[], void> {
  const wanted = values || search.keep ? undefined : "false";
  let cursor: string | undefined;
  do {
    const page: Page = await call<Page>(
      pathOf(["tasks"], { ...search.query, from, limit: "100", values: wanted, cursor }),
      { signal },
    );
    yield search.keep ? page.tasks.filter(search.keep) : page.tasks;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Rows that one press of "more" adds. */
const ROWS = 50;
/** Rows whose state may have changed and that the newest page does not show are asked for one by one, so many a look. */
const LOOKS = 8;

export interface TaskList {
  rows: Signal<readonly TaskRecord[]>;
  /** New tasks that wait to be shown, so that nothing moves under the pointer. */
  waiting: Signal<readonly TaskRecord[]>;
  /** Back to when everything was looked at; undefined before the first answer. */
  searchedTo: Signal<string | undefined>;
  isSearching: Signal<boolean>;
  isComplete: Signal<boolean>;
  error: Signal<Error | undefined>;
  /** Looks for as many rows more. */
  more(): Promise<void>;
  /** Ends a search that is under way. */
  stop(): void;
  /** Looks for what is new, and how the rows stand. @param mayMove whether new rows may be shown at once */
  look(mayMove: boolean): Promise<void>;
  showWaiting(): void;
  close(): void;
}

/** A list of what `search` finds, sent since `from`, an ISO time, if it is given. */
export function createTaskList(search: Search, period: { from?: string; to?: string }): TaskList {
  const rows = signal<readonly TaskRecord[]>([]);
  const waiting = signal<readonly TaskRecord[]>([]);
  const searchedTo = signal<string | undefined>(undefined);
  const isSearching = signal(false);
  const isComplete = signal(false);
  const error = signal<Error | undefined>(undefined);
  const abort = new AbortController();
  let cursor: string | undefined;
  let isStopped = false;
  let nextLook = 0;

  const read = async (more: Record<string, string>): Promise<Page> => {
    const page = await call<Page>(listPath(search, period, more), { signal: abort.signal });
    asOf.value = serviceNow();
    trouble.value = undefined;
    return page;
  };
  const kept = (page: Page): TaskRecord[] => (search.keep ? page.tasks.filter(search.keep) : page.tasks);

  const more = async (): Promise<void> => {
    if (isSearching.value || isComplete.value || abort.signal.aborted) return;
    isSearching.value = true;
    isStopped = false;
    const wanted = rows.value.length + ROWS;
    try {
      while (!isStopped && rows.value.length < wanted) {
        const page = await read(cursor === undefined ? {} : { cursor });
        batch(() => {
          rows.value = merged(rows.value, kept(page));
          searchedTo.value = page.cursor === undefined ? page.searchedFrom : timeOf(page.cursor);
          isComplete.value = page.cursor === undefined;
          error.value = undefined;
        });
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
    } catch (failure) {
      fail(failure);
    } finally {
      isSearching.value = false;
    }
  };

  const fail = (failure: unknown): void => {
    if (abort.signal.aborted) return;
    error.value = failure instanceof Error ? failure : new Error(String(failure));
  };

  return {
    rows,
    waiting,
    searchedTo,
    isSearching,
    isComplete,
    error,
    more,
    stop() {
      isStopped = true;
    },
    async look(mayMove) {
      if (abort.signal.aborted || isSearching.value) return;
      try {
        const newest = kept(await read({}));
        const known = new Set(rows.value.map(({ id }) => id));
        const fresh = newest.filter(({ id }) => !known.has(id));
        // A page of nothing but new rows may leave a gap between them and the rows before: the list begins anew when they are shown.
        const current = newest.filter(({ id }) => known.has(id));
        const open = rows.value.filter((record) => !isFinal(record) && !current.some((one) => one.id === record.id));
        const asked = open.slice(nextLook % Math.max(1, open.length)).slice(0, LOOKS);
        nextLook += LOOKS;
        const looked = await Promise.all(asked.map(({ id }) => reread(id)));
        batch(() => {
          rows.value = updated(rows.value, [...current, ...looked.flatMap((one) => one ?? [])]);
          if (mayMove) {
            rows.value = merged(rows.value, [...fresh, ...waiting.value]);
            waiting.value = [];
          } else waiting.value = merged(waiting.value, fresh);
          error.value = undefined;
        });
      } catch (failure) {
        fail(failure);
      }
    },
    showWaiting() {
      batch(() => {
        rows.value = merged(rows.value, waiting.value);
        waiting.value = [];
      });
    },
    close() {
      isStopped = true;
      abort.abort();
    },
  };

  async function reread(id: string): Promise<TaskRecord | undefined> {
    // A record that is gone stays as it was seen.
    return call<TaskRecord>(pathOf(["tasks", id]), { signal: abort.signal }).catch(() => undefined);
  }
}
