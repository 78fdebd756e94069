/** The tasks that have waited longest, where more wait than a list shows: looked for from the old end of the list, queue by queue. */

import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "./api.ts";
import { createBacklog, type Found, type Page } from "./backlog.ts";
import { serviceNow } from "./clock.ts";
import { isPaused } from "./live.ts";
import { pathOf } from "./path.ts";

/** As long as SQS keeps a message. */
export const BACKLOG_MILLISECONDS = 14 * 86_400_000;

const LOOK_SECONDS = 10;
interface Oldest extends Found {
  /** Nothing is known yet. */
  isLooking: boolean;
}

/** The old end of each of these queues, every ten seconds. @param queues undefined: nothing is asked; a queue that was named once stays */
export function useOldest(queues: readonly string[] | undefined): Oldest {
  const [found, setFound] = useState<ReadonlyMap<string, Found>>();
  const looks = useRef(new Map<string, () => Promise<Found>>());
  const named = useRef(new Set<string>());
  for (const queue of queues ?? []) named.current.add(queue);
  const isAsked = queues !== undefined;
  useEffect(() => {
    if (!isAsked) {
      setFound(undefined);
      return undefined;
    }
    const abort = new AbortController();
    const { signal } = abort;
    const from = new Date(serviceNow() - BACKLOG_MILLISECONDS).toISOString();
    const asked = { state: "PENDING,RETRY", from, order: "oldest", limit: "20", values: "false" };
    looks.current.clear();
    const lookAt = async (queue: string): Promise<[string, Found]> => {
      const look =
        looks.current.get(queue) ??
        createBacklog((cursor) => call<Page>(pathOf(["tasks"], { ...asked, queue, cursor }), { signal }), serviceNow);
      looks.current.set(queue, look);
      return [queue, await look()];
    };
    let timer: ReturnType<typeof setTimeout>;
    const next = async (): Promise<void> => {
      try {
        if (!document.hidden && !isPaused.peek()) setFound(new Map(await Promise.all([...named.current].map(lookAt))));
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
  }, [isAsked]);
  const all = [...(found?.values() ?? [])];
  return {
    tasks: all.flatMap(({ tasks }) => tasks),
    searchedTo: all.flatMap(({ searchedTo }) => searchedTo ?? []).toSorted()[0],
    isLooking: isAsked && found === undefined,
  };
}
