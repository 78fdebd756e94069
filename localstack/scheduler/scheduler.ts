/**
 * EventBridge Scheduler: fires each schedule of the template in its time zone.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */

import { nextFire, parseExpression } from "../../shared/schedules/schedule-expression.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type Firing, functionIn, type ScheduleTarget } from "./delivery.ts";

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
  /** Its function answers, to `{ nextUntil }`, when it has something to do next: a clock that is turned passes over what comes before. */
  tellsNext?: true;
}

/** A schedule whose function says when it has something to do next. */
interface Teller {
  functionName: string;
  /** Its first fire time after a time. */
  next(after: number): number;
  /** Its last fire time after `from` and up to `to`; Infinity if there is none. */
  lastUntil(from: number, to: number): number;
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
  /** The first fire time after a time, epoch milliseconds, of all schedules but those of tellers; Infinity if there is none. */
  next(after: number): number;
  tellers(): Teller[];
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
const MINUTE = 60_000;

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
    next: (after) =>
      Math.min(...[...running.values()].filter((one) => !tellerOf(one)).map((one) => timeAfter(one, after))),
    tellers: () => [...running.values()].flatMap((one) => tellerOf(one) ?? []),
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

function timeAfter(one: Running, after: number): number {
  return nextDue(one, new Date(after))?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** Undefined for a schedule that fires whatever there is to do. */
function tellerOf(one: Running): Teller | undefined {
  const functionName = one.schedule.tellsNext && functionIn(one.schedule.target.arn);
  if (!functionName) return undefined;
  return {
    functionName,
    next: (after) => timeAfter(one, after),
    lastUntil(from, to) {
      // Looked for in longer and longer stretches before the end.
      for (let span = MINUTE; ; span *= 2) {
        let last = Number.POSITIVE_INFINITY;
        const start = Math.max(from, to - span);
        for (let due = timeAfter(one, start); due <= to; due = timeAfter(one, due)) last = due;
        if (last <= to || start === from) return last;
      }
    },
  };
}

function timeOf({ expression, timezone, startDate, endDate }: Schedule): object {
  return { expression, timezone, startDate, endDate };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
