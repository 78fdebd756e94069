/** The tasks that have waited longest, where more wait than a list shows: looked for from the old end of the list, queue by queue. */

import { useEffect, useState } from "preact/hooks";
import { call } from "./api.ts";
import { createBacklog, type Found, type Page } from "./backlog.ts";
import { serviceNow } from "./clock.ts";
import { isPaused } from "./live.ts";
import { pathOf } from "./path.ts";

/** As long as SQS keeps a message. */
export const BACKLOG_MILLISECONDS = 14 * 86_400_000;

const LOOK_SECONDS = 10;
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
      const look = createBacklog(
        (cursor) => call<Page>(pathOf(["tasks"], { ...asked, queue, cursor }), { signal }),
        serviceNow,
      );
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
