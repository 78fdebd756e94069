/** The clock of a local cloud, which can be turned ahead. */

import { type Clock, systemClock } from "./clock.ts";
import { aheadMilliseconds, setAhead } from "./turned-date.ts";

export interface TurnedClock extends Clock {
  /** Goes to a time, unless it has passed, and wakes whoever waits for one before it. */
  turnTo(time: number): void;
  /** When the first of those that sleep wakes; Infinity if none sleeps. A caller of `after` is none of them. */
  nextSleep(): number;
}

interface Waiting {
  due: number;
  act: () => void;
  callOff: () => void;
}

export function createTurnedClock(): TurnedClock {
  const all = new Set<Waiting>();
  const sleeping = new Set<{ due: number }>();
  const arm = (one: Waiting): void => {
    one.callOff = systemClock.after(Math.max(0, one.due - systemClock.now()), () => {
      all.delete(one);
      one.act();
    });
  };
  const clock: TurnedClock = {
    now: systemClock.now,
    after(ms, act) {
      const one: Waiting = { due: clock.now() + ms, act, callOff: () => {} };
      all.add(one);
      arm(one);
      return () => {
        all.delete(one);
        one.callOff();
      };
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { due: clock.now() + ms };
        sleeping.add(sleeper);
        const wake = (): void => {
          callOff();
          sleeping.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const callOff = clock.after(ms, wake);
        signal?.addEventListener("abort", wake, { once: true });
      }),
    nextSleep: () => Math.min(...[...sleeping].map(({ due }) => due)),
    turnTo(time) {
      const left = time - clock.now();
      if (left <= 0) return;
      setAhead(aheadMilliseconds() + left);
      for (const one of [...all]) {
        one.callOff();
        arm(one);
      }
    },
  };
  return clock;
}
