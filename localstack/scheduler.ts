/**
 * EventBridge Scheduler: fires each schedule of the template in its time zone and invokes its function.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */

import { randomUUID } from "node:crypto";
import { nextFire, parseExpression } from "../shared/beat/expression.ts";
import type { InvocationResult } from "./functions.ts";

export interface Schedule {
  name: string;
  expression: string;
  timezone: string;
  functionName: string;
  /** JSON text, in which `<aws.scheduler.scheduled-time>` and the other context attributes stand. */
  input: string;
}

export interface SchedulerOptions {
  schedules: readonly Schedule[];
  invoke: (functionName: string, event: unknown) => Promise<InvocationResult>;
  log: (line: string) => void;
  clock?: SchedulerClock;
}

/** Time and timers, so that a test can make a year pass. */
export interface SchedulerClock {
  now(): Date;
  /** Calls `then` after `milliseconds`; answers with a function that calls it off. */
  after(milliseconds: number, then: () => void): () => void;
}

export interface Scheduler {
  /** Fires no more, and waits for what has been fired. */
  stop(): Promise<void>;
}

/** Node's timers overflow after 24.8 days; waking daily costs nothing and follows a changed clock. */
const LONGEST_SLEEP = 86_400_000;

/**
 * Scheduler invokes a function asynchronously, so a failing one is retried by Lambda: after one minute, then after two.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_MILLISECONDS = [60_000, 120_000];

const systemClock: SchedulerClock = {
  now: () => new Date(),
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
};

export function startScheduler(options: SchedulerOptions): Scheduler {
  const { clock = systemClock } = options;
  const anchor = clock.now();
  const sleeping = new Map<object, () => void>();
  const firing = new Set<Promise<void>>();
  let stopped = false;

  const sleep = (milliseconds: number, then: () => void): void => {
    if (stopped) return;
    const token = {};
    const callOff = clock.after(milliseconds, () => {
      sleeping.delete(token);
      then();
    });
    sleeping.set(token, callOff);
  };

  const run = (schedule: Schedule, after: Date): void => {
    const due = nextFire(parseExpression(schedule.expression), after, schedule.timezone, anchor);
    if (due === undefined) return;
    const wait = (): void => {
      const left = due.getTime() - clock.now().getTime();
      if (left > 0) {
        sleep(Math.min(left, LONGEST_SLEEP), wait);
        return;
      }
      const fired: Promise<void> = fire(schedule, due, 1).finally(() => firing.delete(fired));
      firing.add(fired);
      // A machine that slept has missed some: AWS would have fired each; here one firing stands for all of them.
      run(schedule, new Date(Math.max(due.getTime(), clock.now().getTime() - 1)));
    };
    wait();
  };

  const fire = async (schedule: Schedule, due: Date, attempt: number): Promise<void> => {
    const result = await options.invoke(schedule.functionName, JSON.parse(withContext(schedule.input, due, attempt)));
    if (result.ok) return;
    options.log(
      `Schedule '${schedule.name}' failed at attempt ${attempt}: ${result.errorType}: ${result.errorMessage}`,
    );
    const pause = RETRY_MILLISECONDS[attempt - 1];
    if (pause === undefined) return;
    await new Promise<void>((resolve) => {
      sleep(pause, resolve);
      if (stopped) resolve();
    });
    if (!stopped) await fire(schedule, due, attempt + 1);
  };

  // What was due at this very moment counts: a rate begins to fire when it is created.
  for (const schedule of options.schedules) run(schedule, new Date(anchor.getTime() - 1));

  return {
    async stop() {
      stopped = true;
      for (const callOff of sleeping.values()) callOff();
      await Promise.race([Promise.all(firing), new Promise((resolve) => setImmediate(resolve))]);
    },
  };
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html */
function withContext(input: string, due: Date, attempt: number): string {
  const time = due.toISOString().replace(/\.\d{3}Z$/, "Z");
  return input
    .replaceAll("<aws.scheduler.scheduled-time>", time)
    .replaceAll("<aws.scheduler.execution-id>", randomUUID())
    .replaceAll("<aws.scheduler.attempt-number>", String(attempt));
}
