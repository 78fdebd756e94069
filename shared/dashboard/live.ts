/** Answers that are asked for again while somebody looks. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, key, Refusal } from "./api.ts";
import { serviceNow } from "./clock.ts";

/** Whether nothing is asked for by itself. */
export const isPaused = signal(false);

/** When the newest answer came. */
export const asOf = signal<number | undefined>(undefined);

/** Why there is no answer; undefined while there are. */
export const trouble = signal<string | undefined>(undefined);

const LONGEST_WAIT_SECONDS = 30;

export interface Live<T> {
  /** The newest answer; kept while a newer one is asked for. */
  data: T | undefined;
  /** Why the newest question has no answer. */
  error: Error | undefined;
  /** Asks now. */
  refresh: () => void;
}

export interface LiveOptions {
  /** Seconds from one answer to the next question. @defaultValue 2 */
  everySeconds?: number;
}

/**
 * The answer to a call, asked again and again: never two questions at once, none while the tab is hidden or paused, and later each time
 * the service does not answer. @param path undefined: nothing is asked
 */
export function useLive<T>(path: string | undefined, { everySeconds = 2 }: LiveOptions = {}): Live<T> {
  const [state, setState] = useState<{ path: string | undefined; data?: T; error?: Error }>({ path });
  const again = useRef<() => void>(() => {});
  const usedKey = key.value;

  // Asked anew with another key.
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let failures = 0;

    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      if (asking || abort.signal.aborted) return;
      asking = true;
      try {
        const data = await call<T>(path, { signal: abort.signal });
        failures = 0;
        asOf.value = serviceNow();
        trouble.value = undefined;
        setState({ path, data });
      } catch (error) {
        if (abort.signal.aborted) return;
        failures += 1;
        const known = error instanceof Error ? error : new Error(String(error));
        if (!(known instanceof Refusal)) trouble.value = "The service does not answer.";
        setState((before) => ({ ...before, path, error: known }));
      } finally {
        asking = false;
      }
      timer = setTimeout(next, Math.min(everySeconds * 2 ** failures, LONGEST_WAIT_SECONDS) * 1000);
    };
    const next = (): void => {
      if (document.hidden || isPaused.peek()) return;
      void ask();
    };

    again.current = () => void ask();
    void ask();
    document.addEventListener("visibilitychange", next);
    const stop = isPaused.subscribe((paused) => {
      if (!paused) next();
    });
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", next);
      stop();
    };
  }, [path, everySeconds, usedKey]);

  // An answer of another path is none.
  const { data, error } = state.path === path ? state : {};
  return { data, error, refresh: () => again.current() };
}

/** Whether rows may move: nobody has scrolled, points into the table, or has put the focus there. */
export function mayMove(table: HTMLElement | null): boolean {
  if (table === null) return false;
  const selection = getSelection();
  const isSelected = selection !== null && !selection.isCollapsed;
  return scrollY < 8 && !isSelected && !table.matches(":hover") && !table.contains(document.activeElement);
}
