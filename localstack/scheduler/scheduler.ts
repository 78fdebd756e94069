/**
 * EventBridge Scheduler: fires each schedule of the template in its time zone.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */

import { nextFire, parseExpression } from "../../shared/schedules/schedule-expression.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Firing, ScheduleTarget } from "./delivery.ts";

export interface Schedule {
  /** By which a schedule is known; the name alone is not unique. */
  arn: string;
  name: string;
  expression: string;
  timezone: string;
  target: ScheduleTarget;
  /** It fires neither before the one nor after the other. */
  startDate?: Date;
  endDate?: Date;
}

export interface SchedulerOptions {
  schedules: readonly Schedule[];
  /** Delivers what is due. Never rejects. */
  deliver: (firing: Firing) => Promise<void>;
  clock?: Clock;
}

export interface Scheduler {
  /**
   * Takes another set of schedules. One whose time is as it was keeps its phase; one that is new, or has another time, begins now.
   * @returns names of those that differ
   * @throws InvalidScheduleError for an expression that AWS would not take; then all go on as before
   */
  replace(schedules: readonly Schedule[]): ScheduleChanges;
  /** The fire times of all schedules after `from` and up to `to`, epoch milliseconds; the last `most` of one that fires more often. */
  fireTimes(from: Date, to: Date, most: number): number[];
  /** Turns the clock, and fires what is due from a time on. Fire times before it, that have not fired, are left out. */
  goOn(from: Date, turn: () => void): void;
  /** Fires no more, and waits for what has been fired. */
  stop(): Promise<void>;
}

export interface ScheduleChanges {
  added: string[];
  changed: string[];
  removed: string[];
}

interface Running {
  /** As it was last declared. */
  schedule: Schedule;
  /** When it was created: what a rate counts from. */
  anchor: Date;
  /** The fire time that was fired last. */
  fired?: Date;
  callOff: () => void;
}

/** Node's timers overflow after 24.8 days; waking daily costs nothing and follows a changed clock. */
const LONGEST_SLEEP = 86_400_000;

export function startScheduler(options: SchedulerOptions): Scheduler {
  const { clock = systemClock } = options;
  const running = new Map<string, Running>();
  const firing = new Set<Promise<void>>();

  const run = (one: Running, after: Date): void => {
    const due = nextDue(one, after);
    if (due === undefined) return;
    const wait = (): void => {
      const left = due.getTime() - clock.now();
      if (left > 0) {
        one.callOff = clock.after(Math.min(left, LONGEST_SLEEP), wait);
        return;
      }
      const { arn: scheduleArn, target } = one.schedule;
      one.fired = due;
      const fired: Promise<void> = options.deliver({ scheduleArn, target, due }).finally(() => firing.delete(fired));
      firing.add(fired);
      // A machine that slept has missed some: AWS would have fired each; here one firing stands for all of them.
      run(one, new Date(Math.max(due.getTime(), clock.now() - 1)));
    };
    wait();
  };

  const begin = (schedule: Schedule): void => {
    const one: Running = { schedule, anchor: new Date(clock.now()), callOff: () => {} };
    running.set(schedule.arn, one);
    // A firing that is due at this very moment counts: a rate without a start date begins to fire when it is created.
    run(one, new Date(one.anchor.getTime() - 1));
  };

  const end = (one: Running): void => {
    one.callOff();
    running.delete(one.schedule.arn);
  };

  const replace = (schedules: readonly Schedule[]): ScheduleChanges => {
    for (const { expression } of schedules) parseExpression(expression);
    const declared = new Map(schedules.map((schedule) => [schedule.arn, schedule]));
    const removed = [...running.values()].filter(({ schedule }) => !declared.has(schedule.arn));
    const added = [...declared.values()].filter(({ arn }) => !running.has(arn));
    const changed: string[] = [];
    for (const [arn, one] of running) {
      const schedule = declared.get(arn);
      if (schedule === undefined || isSame(schedule, one.schedule)) continue;
      changed.push(schedule.name);
      if (isSame(timeOf(schedule), timeOf(one.schedule))) {
        one.schedule = schedule;
      } else {
        one.callOff();
        begin(schedule);
      }
    }
    removed.forEach(end);
    added.forEach(begin);
    return {
      added: added.map(({ name }) => name),
      changed,
      removed: removed.map(({ schedule }) => schedule.name),
    };
  };

  replace(options.schedules);

  return {
    replace,
    fireTimes: (from, to, most) => [...running.values()].flatMap((one) => lastDue(one, { from, to, most })),
    goOn(from, turn) {
      for (const one of running.values()) one.callOff();
      turn();
      for (const one of running.values()) {
        run(one, new Date(Math.max(from.getTime() - 1, one.fired?.getTime() ?? 0)));
      }
    },
    async stop() {
      for (const one of [...running.values()]) end(one);
      await Promise.race([Promise.all(firing), new Promise((resolve) => setImmediate(resolve))]);
    },
  };
}

function nextDue({ schedule, anchor }: Running, after: Date): Date | undefined {
  const { expression, timezone, startDate, endDate } = schedule;
  const from = startDate && startDate > after ? new Date(startDate.getTime() - 1) : after;
  const due = nextFire(parseExpression(expression), from, timezone, startDate ?? anchor);
  return due === undefined || (endDate && due > endDate) ? undefined : due;
}

/** The last `most` fire times after `from` and up to `to`. */
function lastDue(one: Running, { from, to, most }: { from: Date; to: Date; most: number }): number[] {
  const times: number[] = [];
  for (let due = nextDue(one, from); due !== undefined && due <= to; due = nextDue(one, due)) {
    times.push(due.getTime());
    if (times.length <= most) continue;
    // So often that it is counted from the end: the stretch of the last ones, by the distance of the first.
    const distance = (due.getTime() - from.getTime()) / most;
    const late = new Date(to.getTime() - distance * most);
    if (late > due) return lastDue(one, { from: late, to, most });
    times.shift();
  }
  return times;
}

function timeOf({ expression, timezone, startDate, endDate }: Schedule): object {
  return { expression, timezone, startDate, endDate };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
