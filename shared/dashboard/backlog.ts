/** The old end of a queue's waiting tasks. Pure. */

import type { TaskRecord } from "../results/record.ts";
import { timeOf } from "./rows.ts";
import { oldestWaiting } from "./stalled.ts";

export interface Page {
  tasks: TaskRecord[];
  cursor?: string;
}

/** Pages of one look: the next one goes on. A page reads about 8,000 records. */
const PAGES = 4;
/** A task that ran when it was passed may wait again: so a search begins anew after so many looks. */
const LOOKS = 60;

/** How far a queue was looked through. */
export interface Found {
  /** Tasks of its old end that wait. */
  tasks: readonly TaskRecord[];
  /** All that were sent before this are known; undefined: all of them. */
  searchedTo: string | undefined;
}

/** Looks for the oldest waiting task of a queue, and goes on where the look before ended. @param read a page, oldest first */
export function createBacklog(
  read: (cursor: string | undefined) => Promise<Page>,
  now: () => number,
): () => Promise<Found> {
  let [cursor, looks]: [string | undefined, number] = [undefined, 0];
  return async () => {
    if (looks % LOOKS === 0) cursor = undefined;
    looks += 1;
    for (let pages = 1; ; pages += 1) {
      const page = await read(cursor);
      // The next look begins where this one has found it: everything before has ended, or waits for its time.
      const isFound = oldestWaiting(page.tasks, now()) !== undefined;
      if (isFound || page.cursor === undefined) return { tasks: page.tasks, searchedTo: undefined };
      cursor = page.cursor;
      if (pages === PAGES) return { tasks: [], searchedTo: timeOf(cursor) };
    }
  };
}
