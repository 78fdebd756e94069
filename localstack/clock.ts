/** Time as the local cloud's parts read it, so that a test can be its master. */

import { setTimeout as wait } from "node:timers/promises";

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `act` after `ms`; answers with a function that calls it off. */
  after(ms: number, act: () => void): () => void;
  /** Waits; comes back early, without an error, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
};
