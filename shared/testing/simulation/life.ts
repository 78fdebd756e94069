/** One life of a story under the faults of a plan, by one clock. */

import type { Environment } from "../../config.ts";
import type { Mail } from "../../mail/mailer.ts";
import { isFinal, type TaskState } from "../../results/record.ts";
import { recordKey } from "../../table/keys.ts";
import { BEGINNING } from "../app.ts";
import { readDuration } from "../duration.ts";
import { createGround, type DrainOptions, type SentTask, type TestQueues, type TestRun } from "../ground.ts";
import { createCalls } from "./calls.ts";
import type { Plan } from "./faults.ts";
import { aroundRun, createProcess, type ProcessOptions } from "./processes.ts";
import { currentSurroundings, realPause, turnOfLoop } from "./real-world.ts";
import { createScheduler } from "./scheduler.ts";
import { createNames, type Happening } from "./timeline.ts";
import { createWorkers, delay } from "./workers.ts";
import { createWorld } from "./world.ts";

/** An app whose cloud meets faults. */
export interface SimulatedApp {
  /** The time, by the cloud's clock. */
  readonly now: Date;
  /** Tasks that were sent, in their order; of one task, or all. */
  sent(task?: { readonly name: string }): SentTask[];
  /** Mails that tasks sent. Two of one key are one, as in an outbox. */
  readonly outbox: readonly (Mail & { key: string })[];
  readonly runs: readonly TestRun[];
  /** Lets everything that was sent come to its end, also what waits for later. @throws TasksFailedError, NotEndedError */
  drain(options?: DrainOptions): Promise<void>;
  /**
   * Lets time pass, with the entries of beat that fire in it. Tasks that have begun may be under way at its end.
   * @param duration seconds, or a text such as `1 day`
   * @throws InvalidOptionError for a text that is no duration
   */
  advance(duration: number | string): Promise<void>;
}

export type Story = (app: SimulatedApp) => Promise<unknown>;

export interface LifeOptions {
  tasks: Readonly<Record<string, unknown>>;
  queues?: TestQueues | undefined;
  environment?: Environment | undefined;
  plan: Plan;
  /** Faults that may strike one task. */
  faultsPerTask: number;
  /** After so many steps nothing will end any more. */
  maxSteps: number;
}

/** How a life went. */
export interface Life {
  /** The error that it failed with, if it did. */
  failure: Error | undefined;
  happenings: readonly Happening[];
  /** A line for each thing that tasks took from the real world. */
  told: readonly string[];
}

/** Something did not come to its end, though no fault struck any more. */
export class NotEndedError extends Error {
  override name = "NotEndedError";
}

const STATES: readonly TaskState[] = ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"];
const FINAL: readonly TaskState[] = STATES.filter(isFinal);
/** Waits in real time, of a millisecond each, for what is no part of the simulation. */
const MAX_REAL_PAUSES = 5000;
/** A task that waits for another one, and not for the real world, is not waited for this long again. */
const MAX_PAUSES_OF_TASKS = 200;

export async function live(story: Story, options: LifeOptions): Promise<Life> {
  const { tasks, queues: own = {}, environment = {}, plan, faultsPerTask, maxSteps } = options;
  const world = createWorld(BEGINNING.getTime());
  const names = createNames();
  const happenings: Happening[] = [];
  const told = new Set<string>();
  const calls = createCalls({ world, plan, names, happenings, faultsPerTask });
  const RealDate = Date;
  const clock = (): Date => new RealDate(world.now());
  let ids = 0;
  const ground = createGround({
    tasks,
    queues: own,
    environment,
    clock,
    around: aroundRun,
    arrived: (message) => delay(message, { plan, calls }),
    newId: () => currentSurroundings()?.newUuid() ?? `${ids++}`,
  });
  const { queues, table, runs } = ground;
  const parts: ProcessOptions = {
    world,
    plan,
    names,
    calls,
    ground,
    tell: (task, what, where) => told.add(`${task} takes ${what} from the real world: ${where}`),
  };
  const workers = createWorkers(parts);
  const scheduler = createScheduler(parts);
  const teller = createProcess("the story", parts, { role: "story" });

  let drained: (() => void) | undefined;
  let steps = 0;
  let pauses = MAX_PAUSES_OF_TASKS;
  const isQuiet = (): boolean =>
    queues.all().length === 0 && workers.isIdle() && scheduler.isIdle() && table.items("timer#").length === 0;
  /** Something that the story waits for. */
  const wait = async (work: (done: () => void) => void): Promise<void> => {
    teller.pending += 1;
    await new Promise<void>(work);
    teller.pending -= 1;
  };
  const drain = async (options: DrainOptions = {}): Promise<void> => {
    await wait((done) => {
      drained = done;
    });
    await ground.report(observer, ground.sent.keys(), options);
  };
  const observer = ground.createApp({});
  const app: SimulatedApp = {
    get now() {
      return clock();
    },
    sent: ground.sentTasks,
    get outbox() {
      return [...ground.outbox.values()];
    },
    runs,
    drain,
    async advance(duration) {
      const end = world.now() + readDuration(duration);
      calls.note("the story", `lets ${duration}${typeof duration === "number" ? " s" : ""} pass`);
      scheduler.fireUntil(end);
      await wait((done) => void world.at(end, done));
    },
  };

  /** Lets workers go on that wait for what is no part of the simulation. */
  const letRealWorldGoOn = async (): Promise<void> => {
    for (const process of workers.living()) {
      for (let tries = 0; process.busy && process.pending === 0 && pauses > 0; tries++) {
        await realPause(1);
        pauses -= 1;
        if (tries === 0)
          told.add("A task waits for something that is no part of the simulation, such as a file or the network");
      }
    }
  };
  const step = async (): Promise<void> => {
    workers.deliver();
    await turnOfLoop();
    await letRealWorldGoOn();
    if (drained && isQuiet()) {
      drained();
      drained = undefined;
      return turnOfLoop();
    }
    const [act, turn, delivery] = [world.next(), scheduler.next(), workers.next()];
    const next = Math.min(act, turn, delivery);
    if (next === Number.POSITIVE_INFINITY || steps > maxSteps) throw notEnded();
    if (turn === next) {
      world.passTo(turn);
      scheduler.take();
      return turnOfLoop();
    }
    if (act === next) return world.step();
    world.passTo(delivery);
  };
  const notEnded = (): NotEndedError => {
    const waiting = ground.waiting().map(({ id, queue }) => `${names.of(id)} (in ${queue})`);
    const last = runs.at(-1)?.task;
    return new NotEndedError(
      `Nothing comes to its end: ${waiting.slice(0, 5).join(", ") || "a task that runs"} is left. Task '${last}' ran last. Does it send itself, or wait for something that never comes?`,
    );
  };
  /** Does the work of the story, and all that goes on meanwhile. */
  const tellOut = async (work: () => Promise<unknown>): Promise<void> => {
    let isTold = false;
    let failure: { error: unknown } | undefined;
    void teller
      .enter(async () => work())
      .catch((error: unknown) => {
        failure = { error };
      })
      .finally(() => {
        isTold = true;
      });
    await turnOfLoop();
    for (let real = 0; !isTold; ) {
      if (teller.pending > 0) {
        steps += 1;
        await step();
      } else if (real++ < MAX_REAL_PAUSES) await (real < 3 ? turnOfLoop() : realPause(1));
      else throw new NotEndedError("The story waits for something that is no part of the simulation.");
    }
    if (failure) throw failure.error;
  };
  /** Each task that was sent has ended. */
  const checkEnds = async (): Promise<void> => {
    for (const [id, message] of ground.sent) {
      if (message.ignoreResult) continue;
      // The item itself, for an API does not show a record for ever.
      const { state } = (await table.get(recordKey(id))) ?? {};
      if (FINAL.some((one) => one === state)) continue;
      throw new NotEndedError(`${names.of(id)} has not ended: it is ${state ?? "unknown"}, and no message is left.`);
    }
  };

  let failure: Error | undefined;
  try {
    await tellOut(() => story(app));
    await tellOut(() => drain({ failures: "keep" }));
    await checkEnds();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error), { cause: error });
  }
  return { failure, happenings, told: [...told] };
}
