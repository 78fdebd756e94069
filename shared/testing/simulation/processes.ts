import { AsyncLocalStorage } from "node:async_hooks";
import { derivedId } from "../../message/id.ts";
import { type App, withinApp } from "../../task/current-app.ts";
import { FUNCTION_MILLISECONDS, type Ground, type TestRun } from "../ground.ts";
import { type Caller, type Calls, cloudOf, OUTSIDE } from "./calls.ts";
import { chanceOf } from "./chance.ts";
import type { Plan } from "./faults.ts";
import { type Border, withBorder } from "./outside.ts";
import { type Surroundings, surroundedBy } from "./real-world.ts";
import type { Names } from "./timeline.ts";
import type { World } from "./world.ts";

/** How an invocation came to its end. */
type Ended = "done" | "failed" | "died";

/** A process of the service: its app has a clock and a memory of its own. */
export interface Process extends Caller {
  readonly app: App;
  readonly busy: boolean;
  /** Does `work` as code of this process. */
  enter<T>(work: () => T): T;
  /** Does `work` as one invocation of its function, with these tasks in its hands. */
  invoke(hand: readonly string[], work: (remainingMilliseconds: () => number) => Promise<unknown>): Promise<Ended>;
}

export interface ProcessOptions {
  world: World;
  plan: Plan;
  names: Names;
  calls: Calls;
  ground: Ground;
  tell: (task: string, what: string, where: string) => void;
}

const inside = new AsyncLocalStorage<Process>();
const starts = new WeakMap<World, Map<string, number>>();

/** How often something of this name has begun in this world. */
function ordinalOf(world: World, name: string): number {
  const counts = starts.get(world) ?? new Map<string, number>();
  starts.set(world, counts);
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count;
}

/** Until a process is there that takes the place of a dead one. */
export const START_MILLISECONDS = 1000;

/** @param gone called when another process can take the place of this one, which has died */
export function createProcess(
  name: string,
  { world, plan, names, calls, ground, tell }: ProcessOptions,
  { role, gone = () => undefined }: { role: "story" | "worker" | "cloud"; gone?: () => void },
): Process {
  const wrong = role === "worker" ? plan.strike(`clock of ${name}`, ["clock"]) : undefined;
  const now = (): number => world.now() + (wrong?.seconds ?? 0) * 1000;
  const hand = new Set<string>();
  let [dead, busy] = [false, false];
  let died: () => void = () => undefined;
  let app: App | undefined;

  const surroundings = (scope: string, run?: TestRun): Surroundings => {
    let [ids, randoms] = [0, 0];
    return {
      now,
      random: () => chanceOf(plan.seed, `${scope} random ${randoms++}`),
      newUuid: () => derivedId(new Date(world.now()), `${scope} id ${ids++}`),
      after(milliseconds, act) {
        // A task, or the story, waits for it; the engine's own timers only watch over what goes on, but for those of this moment.
        const isAwaited = run !== undefined || role === "story" || milliseconds === 0;
        if (isAwaited) process.pending += 1;
        let isOver = !isAwaited;
        const end = (): void => {
          if (!isOver) process.pending -= 1;
          isOver = true;
        };
        const cancel = world.at(
          world.now() + milliseconds,
          () => {
            end();
            act();
          },
          process,
        );
        return () => {
          end();
          cancel();
        };
      },
      tell: (what, where) => tell(run?.task ?? "the story", what, where),
      task: run?.task,
    };
  };
  const border = (id?: string): Border => ({
    key: world,
    call: (called, act) =>
      role === "story" || id === undefined
        ? Promise.resolve(act())
        : calls.make(process, { name: called, faults: OUTSIDE, id, isShown: true, act }),
  });
  const own = surroundings(`${name} ${ordinalOf(world, name)}`);

  const process: Process = {
    name,
    isStory: role === "story",
    pending: 0,
    hand,
    get dead() {
      return dead;
    },
    get busy() {
      return busy;
    },
    get app() {
      app ??= ground.createApp({
        ...cloudOf(process, calls, { ground, names }),
        clock: () => new RealDate(now()),
        random: () => own.random(),
      });
      return app;
    },
    die() {
      if (dead) return;
      dead = true;
      died();
      world.at(world.now() + START_MILLISECONDS, gone);
    },
    enter: (work) =>
      inside.run(process, () => withinApp(process.app, () => surroundedBy(own, () => withBorder(border(), work)))),
    invoke(tasks, work) {
      busy = true;
      for (const id of tasks) hand.add(id);
      const end = world.now() + FUNCTION_MILLISECONDS;
      return new Promise((resolve) => {
        died = () => resolve("died");
        const stopClock = world.at(
          end,
          () => {
            calls.note(name, "AWS ends the function, whose time is over");
            process.die();
          },
          process,
        );
        const ended = (how: Ended): void => {
          stopClock();
          busy = false;
          hand.clear();
          resolve(how);
        };
        process
          .enter(() => work(() => end - world.now()))
          .then(
            () => ended("done"),
            (error: unknown) => {
              calls.note(name, `fails: ${error instanceof Error ? error.message : String(error)}`);
              ended("failed");
            },
          );
      });
    },
  };
  runners.set(process, (run, work) => {
    const scope = `${run.id} run ${ordinalOf(world, run.id)}`;
    const attempt = run.attempt > 1 ? ` attempt ${run.attempt}` : "";
    calls.note(name, `runs ${run.id}${attempt}`);
    return surroundedBy(surroundings(scope, run), () => withBorder(border(run.id), work)).then(
      (result) => {
        if (!dead) calls.note(name, `${run.id} returns`);
        return result;
      },
      (error: unknown) => {
        if (!dead)
          calls.note(name, `${run.id} throws ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
        throw error;
      },
    );
  });
  return process;
}

type Runner = (run: TestRun, work: () => Promise<unknown>) => Promise<unknown>;
const runners = new WeakMap<Process, Runner>();
const RealDate = Date;

/** Does the work of a run in the process that makes it. */
export function aroundRun(run: TestRun, work: () => Promise<unknown>): Promise<unknown> {
  const process = inside.getStore();
  const runner = process && runners.get(process);
  return runner ? runner(run, work) : work();
}
