import { TaskCrashedError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Delivery } from "./delivery.ts";
import { callHook } from "./hook.ts";
import { loadPayload } from "./payload.ts";
import { createRun } from "./run.ts";
import type { Invocation, Verdict } from "./verdict.ts";

/**
 * Tells a task's `onFailure` hook that the task has ended as TASK_CRASHED. The dead-letter function, which knows no tasks, has recorded
 * that and sent this message. A worker that dies here gets it again: an alarm may ring twice, but not never.
 */
export async function afterCrash(
  app: App,
  task: RegisteredTask | undefined,
  { message, fifo }: Delivery,
  begun: number,
  invocation: Invocation,
): Promise<Verdict> {
  if (task === undefined) return "acknowledge";
  const log = app.log.with({ task: task.name, id: message.id, attempt: message.attempt });
  const run = createRun(app, { message, fence: 0, starts: begun, tracked: true }, log, fifo);
  run.end();
  const payload = await loadPayload(app, message);
  const error = new TaskCrashedError(task.name, begun);
  await callHook({ task, run, payload, log, invocation }, { state: "FAILURE", error });
  return "acknowledge";
}
