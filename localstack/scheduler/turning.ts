/**
 * Turning the clock of a local cloud: it goes ahead in steps, from one time at which something happens to the next
 * (docs/decisions/0062-every-fire-time.md).
 */

import { setImmediate as nextPhase, setTimeout as wait } from "node:timers/promises";
import type { TurnedClock } from "../turned-clock.ts";
import type { Scheduler } from "./scheduler.ts";

export interface TurningOptions {
  scheduler: Pick<Scheduler, "next" | "tellers" | "goOn">;
  clock: TurnedClock;
  /** Whether nothing runs, and no message is on its way to whoever runs it. */
  isQuiet: () => boolean;
  /** Settles when no function runs. */
  idle: () => Promise<void>;
  /** When the next message ends its delay, or becomes visible again; Infinity if none will. */
  nextMessage: () => number;
  /** Asks a function for the first time, up to `until`, at which it has something to do; undefined if it has nothing. */
  ask: (functionName: string, until: Date) => Promise<Date | undefined>;
  log: (line: string) => void;
}

const LONGEST_MILLISECONDS = 400 * 86_400_000;
/** A function may run for so long; whatever waits for it waits no longer. */
const PATIENCE_MILLISECONDS = 60_000;
/** A message that a poll has taken comes to its function within this, for both are in this process. */
const ON_THE_WAY_MILLISECONDS = 10;
/** How often a turn that takes long says where it is. */
const NEWS_MILLISECONDS = 10_000;

/**
 * Turns the clock to a time, and lets happen on the way what is due: each fire time of a schedule, each delay, each retry, at its own time. A
 * step waits until all that the one before has set off has ended. Turnings follow one another.
 * @throws Error for a time that has passed, or is more than 400 days ahead; if functions run for a minute, somewhere on the way; and if a function
 * cannot say what it has to do next
 */
export function createTurning(options: TurningOptions): (to: Date) => Promise<void> {
  const { scheduler, clock, log } = options;
  let last: Promise<void> = Promise.resolve();
  const stopped = (why: string): Error =>
    new Error(`The clock stopped at ${new Date(clock.now()).toISOString()}, for ${why}.`);

  const settle = async (): Promise<void> => {
    const patience = new AbortController();
    const late = wait(PATIENCE_MILLISECONDS, true, { signal: patience.signal }).catch(() => false);
    const quiet = async (): Promise<void> => {
      for (let since = 0; since < 2 && !patience.signal.aborted; ) {
        await options.idle();
        since = options.isQuiet() ? since + 1 : 0;
        if (since === 2) return;
        await wait(ON_THE_WAY_MILLISECONDS);
        // Timers come before what has arrived meanwhile.
        await nextPhase();
        await nextPhase();
      }
    };
    const isLate = await Promise.race([quiet(), late]);
    patience.abort();
    if (isLate === true) throw stopped("functions have run for a minute: turn it again when they have ended");
  };

  const told = async (functionName: string, until: number): Promise<number> => {
    try {
      const next = await options.ask(functionName, new Date(until));
      return next?.getTime() ?? Number.POSITIVE_INFINITY;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw stopped(`function '${functionName}' could not say what it has to do next: ${reason}`);
    }
  };

  /** The next time, up to `to`, at which something happens. */
  const nextStop = async (to: number): Promise<number> => {
    const now = clock.now();
    const times = [scheduler.next(now), options.nextMessage(), clock.nextSleep()];
    const tellers = scheduler.tellers();
    // The last time of a teller before the end always comes: whoever looks there then finds all that was done up to it.
    const stop = Math.min(to, ...times.filter((time) => time > now), ...tellers.map((one) => one.lastUntil(now, to)));
    const wanted = await Promise.all(
      tellers.map(async ({ functionName, next }) => {
        const time = await told(functionName, stop);
        return time <= stop ? next(Math.max(now, time - 1)) : stop;
      }),
    );
    return Math.min(stop, ...wanted);
  };

  const turn = async (to: Date): Promise<void> => {
    const from = new Date(clock.now());
    if (!(to > from && to.getTime() - from.getTime() <= LONGEST_MILLISECONDS)) {
      const given = Number.isNaN(to.getTime()) ? "a time that cannot be read" : to.toISOString();
      throw new Error(
        `The clock cannot be turned to ${given}: expected a time within 400 days from ${from.toISOString()}.`,
      );
    }
    let news = performance.now() + NEWS_MILLISECONDS;
    await settle();
    while (clock.now() < to.getTime()) {
      const stop = await nextStop(to.getTime());
      scheduler.goOn(new Date(stop), () => clock.turnTo(stop));
      await settle();
      if (performance.now() < news) continue;
      news = performance.now() + NEWS_MILLISECONDS;
      log(`The clock is at ${new Date(clock.now()).toISOString()}, on its way to ${to.toISOString()}.`);
    }
  };
  return (to) => {
    const turned = last.then(() => turn(to));
    last = turned.catch(() => {});
    return turned;
  };
}
