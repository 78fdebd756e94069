/** The tasks that have waited longest, where more wait than a list shows: looked for from the old end of the list, queue by queue. */

import { useEffect, useState } from "preact/hooks";
import type { TaskRecord } from "../results/record.ts";
import { call, pathOf } from "./api.ts";
import { serviceNow } from "./clock.ts";
import { isPaused } from "./live.ts";
import { timeOf } from "./rows.ts";
import { oldestWaiting } from "./stalled.ts";

interface Page {
  tasks: TaskRecord[];
  cursor?: string;
}

/** As long as SQS keeps a message. */
export const BACKLOG_MILLISECONDS = 14 * 86_400_000;

const LOOK_SECONDS = 10;
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

/** Looks for the oldest waiting task of a queue, and goes on where it ended. */
export function createOldest(read: (cursor: string | undefined) => Promise<Page>): () => Promise<Found> {
  let [cursor, looks]: [string | undefined, number] = [undefined, 0];
  return async () => {
    if (looks % LOOKS === 0) cursor = undefined;
    looks += 1;
    for (let pages = 1; ; pages += 1) {
      const page = await read(cursor);
      // The next look begins where this one has found it: everything before has ended, or waits for its time.
      const isFound = oldestWaiting(page.tasks, serviceNow()) !== undefined;
      if (isFound || page.cursor === undefined) return { tasks: page.tasks, searchedTo: undefined };
      cursor = page.cursor;
      if (pages === PAGES) return { tasks: [], searchedTo: timeOf(cursor) };
    }
  };
}

/** The old end of each of these queues, every ten seconds. @param queues none: nothing is asked */
export function useOldest(queues: readonly string[]): Found {
  const [found, setFound] = useState<ReadonlyMap<string, Found>>(new Map());
  useEffect(() => {
    if (queues.length === 0) {
      setFound(new Map());
      return undefined;
    }
    const abort = new AbortController();
    const { signal } = abort;
    const from = new Date(serviceNow() - BACKLOG_MILLISECONDS).toISOString();
    const asked = { state: "PENDING,RETRY", from, order: "oldest", limit: "20", values: "false" };
    const looks = queues.map((queue) => {
      const look = createOldest((cursor) => call<Page>(pathOf(["tasks"], { ...asked, queue, cursor }), { signal }));
      return async () => [queue, await look()] as const;
    });
    let timer: ReturnType<typeof setTimeout>;
    const next = async (): Promise<void> => {
      try {
        if (!document.hidden && !isPaused.peek()) setFound(new Map(await Promise.all(looks.map((look) => look()))));
      } catch {
        // The overview's other questions tell that there is no answer.
      }
      if (!signal.aborted) timer = setTimeout(() => void next(), LOOK_SECONDS * 1000);
    };
    void next();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [queues.join()]);
  const all = [...found.values()];
  return {
    tasks: all.flatMap(({ tasks }) => tasks),
    // Nothing is known as long as nothing was answered.
    searchedTo: all.flatMap(({ searchedTo }) => searchedTo ?? []).toSorted()[0],
  };
}
