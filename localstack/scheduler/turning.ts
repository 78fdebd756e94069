/** Turning the clock of a local cloud: it goes ahead in steps, from one fire time of a schedule to the next. */

import { setTimeout as wait } from "node:timers/promises";
import type { TurnedClock } from "../turned-clock.ts";
import type { Scheduler } from "./scheduler.ts";

export interface TurningOptions {
  scheduler: Pick<Scheduler, "fireTimes" | "goOn">;
  clock: TurnedClock;
  /** Settles when no function runs. */
  idle: () => Promise<void>;
}

/** Of a schedule that fires more often on the way, only so many of the last fire times are kept to. */
const MOST_OF_A_SCHEDULE = 60;
const LONGEST_MILLISECONDS = 400 * 86_400_000;
/** A function may run for so long; whatever waits for it waits no longer. */
const PATIENCE_MILLISECONDS = 60_000;

/**
 * Turns the clock to a time, and fires on the way what is due. Each step waits for the functions that run, for a message that one of them holds
 * would become visible under it. Turnings follow one another.
 * @throws Error for a time that has passed, or is more than 400 days ahead; and if functions run for a minute, somewhere on the way
 */
export function createTurning({ scheduler, clock, idle }: TurningOptions): (to: Date) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  const settle = async (): Promise<void> => {
    const patience = new AbortController();
    const late = wait(PATIENCE_MILLISECONDS, true, { signal: patience.signal }).catch(() => false);
    const isLate = await Promise.race([idle(), late]);
    patience.abort();
    if (isLate === true)
      throw new Error(
        `The clock stopped at ${new Date(clock.now()).toISOString()}, for functions have run for a minute: turn it again when they have ended.`,
      );
  };
  const turn = async (to: Date): Promise<void> => {
    const from = new Date(clock.now());
    if (!(to > from && to.getTime() - from.getTime() <= LONGEST_MILLISECONDS)) {
      const given = Number.isNaN(to.getTime()) ? "a time that cannot be read" : to.toISOString();
      throw new Error(
        `The clock cannot be turned to ${given}: expected a time within 400 days from ${from.toISOString()}.`,
      );
    }
    const stops = new Set([...scheduler.fireTimes(from, to, MOST_OF_A_SCHEDULE), to.getTime()]);
    for (const stop of [...stops].sort((a, b) => a - b)) {
      await settle();
      scheduler.goOn(new Date(stop), () => clock.turnTo(stop));
    }
    await settle();
  };
  return (to) => {
    const turned = last.then(() => turn(to));
    last = turned.catch(() => {});
    return turned;
  };
}
