/** The part of a worker that lets workflows go on. */

import { FAN_OUT } from "../canvas/fan-out.ts";
import type { KnownTasks } from "../canvas/flow.ts";
import { endOrphan, isOfWorkflow, letFanOut, letGoOn, letKeep, type WorkflowMessage } from "../canvas/let-go-on.ts";
import { DEFAULT_QUEUE } from "../config.ts";
import { WorkflowNotFoundError } from "../errors.ts";
import type { Message } from "../message/message.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { TaskLoader } from "../task/task-loader.ts";
import { secondsUntil } from "../task/times.ts";
import type { Ending, Verdict } from "./acknowledgement.ts";
import { tellFailure } from "./after-crash.ts";
import type { Invocation } from "./invocation.ts";
import { hide } from "./put-off.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/** Kept of the function's time for the batch of members that is under way. */
const RESERVE_MILLISECONDS = 5000;

/** Whether a message runs no task: it sends members, or only lets a workflow go on. */
export function isHelper({ workflow }: WorkflowMessage): boolean {
  return workflow.fanOut !== undefined || workflow.ended === true;
}

/** Handles a message that runs no task. */
export async function handleHelper(
  app: App,
  tasks: TaskLoader,
  delivery: TaskDelivery & { message: WorkflowMessage },
  invocation: Invocation,
): Promise<Verdict> {
  const { message } = delivery;
  const knownTasks = known(app, tasks, invocation);
  const now = app.clock();
  const eta = message.eta === undefined ? now : new Date(message.eta);
  if (eta > now && !message.workflow.ended) return hide(app, delivery, secondsUntil(eta, now));
  const mayGoOn = (): boolean => invocation.remainingMilliseconds() > RESERVE_MILLISECONDS;
  return unlessOrphan(app, message, () => {
    if (message.workflow.keep !== undefined) return letKeep(app, message, mayGoOn);
    return message.task === FAN_OUT
      ? letFanOut(app, knownTasks, message, {
          mayGoOn,
          again: delivery.receiveCount > 1,
        })
      : letGoOn(app, knownTasks, message);
  });
}

/** Lets a workflow go on after a message that was handled. */
export function goOn(
  app: App,
  tasks: TaskLoader,
  { message, ending }: { message: WorkflowMessage; ending: Ending },
  invocation: Invocation,
): Promise<Verdict> {
  const resultJson = typeof ending === "string" ? undefined : ending.resultJson;
  return unlessOrphan(app, message, () => letGoOn(app, known(app, tasks, invocation), message, resultJson));
}

/** The tasks of this worker, which can be told that they failed without a run. */
function known(app: App, tasks: TaskLoader, invocation: Invocation): KnownTasks {
  return {
    find: tasks.find,
    async failed(message, error) {
      const task = await tasks.find(message.task);
      const fifo = app.broker.isFifo(message.queue);
      if (task) await tellFailure(app, task, { tasks, message, fifo, starts: 0, error }, invocation);
    },
  };
}

/** Rounds through the dead-letter queue after which a workflow is given up that cannot go on: about two weeks of them. */
const MAX_ROUNDS = 1000;
const ROUND_SECONDS = 60;

/**
 * Where no tasks are known: has a worker let the workflow go on after a task that has ended. May be repeated. A message that asks for that and
 * comes back itself goes round once a minute, and not for ever.
 */
export async function tellWorker(app: App, message: Message): Promise<void> {
  if (!isOfWorkflow(message)) return;
  const record = await app.results.kept(message.id);
  if (record === undefined || !isFinal(record.state)) return;
  const { suspect, seen, slot, eta, deferrals, crowded, rescues = 0, crashed, newerSince, ...rest } = message;
  const rounds = message.workflow.ended ? rescues + 1 : 0;
  if (rounds > MAX_ROUNDS) {
    const { id, task, workflow } = message;
    app.log.error("A workflow cannot go on after a task that has ended: replay the task", { id, task, workflow });
    return;
  }
  // On a FIFO queue it would wait for its group, or be taken for a message that was there before.
  const queue = app.broker.isFifo(message.queue) ? DEFAULT_QUEUE : message.queue;
  const told = {
    ...rest,
    queue,
    ...(rounds > 0 && { rescues: rounds }),
    workflow: { ...message.workflow, ended: true as const },
  };
  await app.broker.send(told, rounds > 0 ? ROUND_SECONDS : 0);
}

async function unlessOrphan(app: App, message: WorkflowMessage, work: () => Promise<void>): Promise<Verdict> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    await endOrphan(app, message, error);
  }
  return "acknowledge";
}
