import { toMermaid } from "../canvas/draw.ts";
import { readGraph } from "../canvas/graph.ts";
import { listWorkflows } from "../canvas/list.ts";
import type { Environment } from "../config.ts";
import { InvalidOptionError } from "../errors.ts";
import type { Mail } from "../mail/mailer.ts";
import type { Json } from "../message/json.ts";
import { publicRecord, type TaskRecord } from "../results/record.ts";
import { type App, enterApp, useApp, withinApp } from "../task/current-app.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { OptionsCall } from "../task/payload.ts";
import { sendTask } from "../task/send.ts";
import type { Task } from "../task/task.ts";
import { createCloud } from "./cloud.ts";
import { readDuration } from "./duration.ts";
import {
  createGround,
  type Drained,
  type DrainOptions,
  messageIn,
  type SentTask,
  type TestQueues,
  type TestRun,
} from "./ground.ts";
import { createIds } from "./ids.ts";

export interface TestAppOptions {
  /** Exports of task modules: tasks and beat schedules; `import * as tasks from "…"` gives them. */
  tasks: Readonly<Record<string, unknown>>;
  /** Queues of the service's own, as in `custom.lovage.queues`. @defaultValue those that the tasks name */
  queues?: TestQueues;
  /** Settings beside the kit's own, and in their place. */
  environment?: Environment;
  /** The time at which it begins. @defaultValue 2026-01-01T00:00:00Z */
  now?: Date;
}

/** An app on a cloud in memory, whose time passes only when the test says so. */
export interface TestApp {
  /** The engine's app, for what takes one. */
  readonly app: App;
  /** The time, by the kit's clock. */
  readonly now: Date;
  /** Tasks that were sent, in their order; of one task, or all. */
  sent(task?: { readonly name: string }): SentTask[];
  /** Mails that tasks sent. Two of one key are one, as in an outbox. */
  readonly outbox: readonly (Mail & { key: string })[];
  readonly runs: readonly TestRun[];
  /** The workflows that were sent, in their order, as Mermaid draws them: their nodes by place, with states and counts. For snapshots. */
  workflows(): Promise<string[]>;
  /** Lines that the app logged. */
  readonly logged: readonly Record<string, Json>[];
  /** Runs all that is due, and what that sends. @throws TasksFailedError */
  drain(options?: DrainOptions): Promise<Drained>;
  /**
   * Lets time pass, and runs all that falls due on the way: delays, retries, timers, beat, visibility.
   * @param duration seconds, or a text such as `1 day`, `90 minutes`
   * @throws TasksFailedError; InvalidOptionError for a text that is no duration
   */
  advance(duration: number | string, options?: DrainOptions): Promise<Drained>;
  /** Sends a task and makes one attempt, whatever else is due; its record says how that ended. A retry waits for the next drain. */
  run<Input, Result>(task: Task<Input, Result>, ...call: OptionsCall<Input, ApplyOptions>): Promise<TaskRecord>;
  /** Does `work` with this app as the one that `delay` finds. */
  within<T>(work: () => T): T;
}

/** The time at which a test begins. */
export const BEGINNING = new Date("2026-01-01T00:00:00Z");
/** Of one test, in the list of them. */
const MAX_WORKFLOWS = 1000;

/**
 * Makes an app for one test, which `delay` finds from here on in this test alone.
 * @throws InvalidOptionError, TaskAlreadyRegisteredError and its kin for tasks that a service could not have
 */
export function testApp({
  tasks,
  queues: own = {},
  environment = {},
  now = BEGINNING,
}: TestAppOptions): Promise<TestApp> {
  const time = { now: now.getTime() };
  const clock = (): Date => new Date(time.now);
  const ground = createGround({ tasks, queues: own, environment, clock, newId: createIds(clock) });
  const { runs } = ground;
  const app = ground.createApp({ random: () => 0.5 });
  /** Ids whose messages were delivered since the last report. */
  const touched = new Set<string>();
  const cloud = createCloud(ground, app, time, (id) => touched.add(id));
  const report = async (before: number, options: DrainOptions): Promise<Drained> => {
    const ids = [...touched];
    touched.clear();
    await ground.report(app, ids, options);
    return { ran: runs.length - before, waiting: ground.waiting() };
  };
  const within = <T>(work: () => T): T => withinApp(app, work);

  const kit: TestApp = {
    app,
    get now() {
      return clock();
    },
    sent: ground.sentTasks,
    get outbox() {
      return [...ground.outbox.values()];
    },
    runs,
    async workflows() {
      const { workflows } = await listWorkflows(app, { from: now, limit: MAX_WORKFLOWS });
      const graphs = await Promise.all(workflows.map(({ id }) => readGraph(app, id, {})));
      return graphs.toReversed().map(toMermaid);
    },
    logged: ground.logged,
    within,
    drain: (options = {}) =>
      within(async () => {
        const before = runs.length;
        await cloud.deliverAll();
        return report(before, options);
      }),
    advance: (duration, options = {}) =>
      within(async () => {
        const [before, end] = [runs.length, time.now + readDuration(duration)];
        await cloud.turnTo(end);
        return report(before, options);
      }),
    run: (task, ...[payload, options]) =>
      within(async () => {
        const { id } = await sendTask(app, task, payload, { options });
        await cloud.deliver({ wanted: (message) => messageIn(message.body)?.id === id });
        // The test looks at the outcome itself.
        touched.delete(id);
        ground.forgive(id);
        const record = await app.results.read(id);
        if (record === undefined)
          throw new InvalidOptionError("task", task.name, "a task that leaves a record: one without ignoreResult");
        return publicRecord(record);
      }),
  };
  // Before the first pause, so that the caller's own context gets it. A hook such as beforeEach has one of its own: its test finds the newest app.
  enterApp(app);
  useApp(app);
  return Promise.resolve(kit);
}
