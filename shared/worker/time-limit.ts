/**
 * How long a run may take. Two clocks count: the run's own limit, in time during which the event loop turned, and the function's end,
 * in real time, for then AWS kills the process.
 *
 * Runs of one batch share an event loop. While one of them computes without a pause, no other can go on, and none can be told that
 * its work is done: that time counts for the one that took it, not for its neighbours.
 */

import { TaskTimeLimitError } from "../errors.ts";
import type { Message } from "../message/message.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import { stalledMilliseconds, watchEventLoop } from "./event-loop.ts";

/** Milliseconds kept of the function's time to store the outcome of a task that used up the rest. */
export const RESERVE_MILLISECONDS = 1500;

/** Seconds that one run may take: as its call says, or else its task. */
export function timeLimits(task: RegisteredTask, message: Message): { hard: number; soft: number } {
  return {
    hard: message.timeLimit ?? task.timeLimit ?? Number.POSITIVE_INFINITY,
    soft: message.softTimeLimit ?? task.softTimeLimit ?? Number.POSITIVE_INFINITY,
  };
}

/** The end of the function stopped a run before its own limit did. */
export class FunctionEndedError extends Error {
  constructor() {
    super("The function's time is over.");
  }
}

export interface LimitedWork<T> {
  /** The app of the process that it runs in. */
  process: object;
  work: () => Promise<T>;
  task: string;
  /** Seconds until the run is given up, and until it is told to come to an end. */
  hard: number;
  soft: number;
  /** Milliseconds until the function needs its time to store the outcome. */
  functionEnd: number;
  /** Milliseconds for which the run itself has kept the event loop, as far as that is known. */
  blocked: () => number;
  onSoftLimit: () => void;
  /** Called before the run is given up, so that its signal is aborted by then. */
  onGivenUp: (error: Error) => void;
}

/**
 * Waits for `work`, but no longer than its limits.
 * @throws TaskTimeLimitError, FunctionEndedError
 */
export async function withinLimits<T>(limited: LimitedWork<T>): Promise<T> {
  const { process, work, task, functionEnd, blocked, onSoftLimit, onGivenUp } = limited;
  const [hard, soft] = [limited.hard * 1000, limited.soft * 1000];
  const limitReached = (): Error => new TaskTimeLimitError(task, limited.hard);
  const release = watchEventLoop(process);
  const [begunAt, stalledBefore] = [performance.now(), stalledMilliseconds(process)];
  const used = (): number => {
    const stalled = stalledMilliseconds(process) - stalledBefore;
    return performance.now() - begunAt - Math.max(0, stalled - blocked());
  };
  const timers = new Set<NodeJS.Timeout>();
  const after = (milliseconds: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, milliseconds);
    timers.add(timer);
  };
  /** Calls `act` once the run has used up so much of its own time; a timer that was late for others' sake is set again. */
  const onceUsed = (milliseconds: number, act: () => void): void => {
    const left = milliseconds - used();
    if (left < 1) act();
    else after(left, () => onceUsed(milliseconds, act));
  };
  let over = false;
  try {
    const givenUp = new Promise<never>((_, reject) => {
      // I/O that waits to be told goes first: it may be what ends the run.
      const giveUp = (error: Error): void => {
        setImmediate(() => {
          if (over) return;
          onGivenUp(error);
          reject(error);
        });
      };
      if (hard < functionEnd) onceUsed(hard, () => giveUp(limitReached()));
      after(functionEnd, () => giveUp(new FunctionEndedError()));
    });
    if (soft < Math.min(hard, functionEnd)) onceUsed(soft, onSoftLimit);
    const result = await Promise.race([work(), givenUp]);
    if (blocked() > hard) throw limitReached();
    return result;
  } finally {
    over = true;
    for (const timer of timers) clearTimeout(timer);
    release();
  }
}
