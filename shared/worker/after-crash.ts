import type { KnownTasks } from "../canvas/flow.ts";
import { TaskCrashedError, type TaskError } from "../errors.ts";
import type { Message } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Verdict } from "./acknowledgement.ts";
import { callHook } from "./hook.ts";
import type { Invocation } from "./invocation.ts";
import { loadPayload } from "./payload.ts";
import { createRun } from "./run.ts";
import type { TaskDelivery } from "./task-delivery.ts";

/** A task whose worker died this often while it ran is to blame itself; equal to the queue's maxReceiveCount. */
export const MAX_CRASHES = 3;

/**
 * Tells a task's `onFailure` hook that the task has ended as TASK_CRASHED. The dead-letter function, which knows no tasks, has recorded
 * that and sent this message. A worker that dies here gets it again: an alarm may ring twice, but not never.
 */
export async function afterCrash(
  app: App,
  tasks: KnownTasks,
  { message, fifo }: TaskDelivery,
  invocation: Invocation,
): Promise<Verdict> {
  const task = await tasks.find(message.task);
  if (task === undefined) return "acknowledge";
  const starts = message.crashed ?? MAX_CRASHES;
  const error = new TaskCrashedError(task.name, starts);
  await tellFailure(app, task, { tasks, message, fifo, starts, error }, invocation);
  return "acknowledge";
}

/** A task that has failed outside of a run. */
interface Ended {
  tasks: KnownTasks;
  message: Message;
  fifo: boolean;
  starts: number;
  error: TaskError;
}

/** Calls the `onFailure` hook of a task that failed outside of a run. */
export async function tellFailure(
  app: App,
  task: RegisteredTask,
  { tasks, message, fifo, starts, error }: Ended,
  invocation: Invocation,
): Promise<void> {
  const log = app.log.with({ task: task.name, id: message.id, attempt: message.attempt });
  const run = createRun(app, { message, fence: 0, starts, tracked: true, startedAt: app.clock() }, log, {
    task,
    tasks,
    fifo,
  });
  run.end();
  const payload = await loadPayload(app, message);
  await callHook({ task, run, payload, log, invocation }, { state: "FAILURE", error });
}
