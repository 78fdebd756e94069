import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, TaskNotRegisteredError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { type ArrivedObject, readNotification } from "./notification.ts";

/** A delivery of an S3 notification, with the objects that it names. */
export interface Arrival extends Delivery {
  objects: readonly ArrivedObject[];
}

/** @throws InvalidMessageError for a body that is no S3 notification */
export function readArrival(delivery: Delivery): Arrival {
  return { ...delivery, objects: readNotification(delivery.body) };
}

/**
 * Sends the upload task for each object that an S3 notification names. S3 may notify twice and out of order; the task id
 * comes from the key, so all notifications of one upload are one task. A file is processed whenever it comes, also when its task has
 * failed for want of it. Where the upload task is not registered, each ends as a FAILURE that says so, and can be replayed.
 * @param discard removes the file of an upload that was revoked
 */
export async function handleArrival(
  app: App,
  registry: Registry,
  arrival: Arrival,
  discard: (key: string) => Promise<void>,
): Promise<"acknowledge" | "keep"> {
  const task = registry.find(app.config.uploadTask);
  let verdict: "acknowledge" | "keep" = "acknowledge";
  for (const object of arrival.objects) {
    if (task === undefined) await failUnregistered(app, registry, arrival, object);
    else if (!(await sendArrived(app, task, object, discard))) verdict = "keep";
  }
  return verdict;
}

/** False: only the end of the run that is under way tells whether the file is still to be processed. */
async function sendArrived(
  app: App,
  task: RegisteredTask,
  { key, taskId: id, time }: ArrivedObject,
  discard: (key: string) => Promise<void>,
): Promise<boolean> {
  const arrived = await app.results.arrive(id, time);
  const log = app.log.with({ key, id, task: task.name });
  if (arrived === undefined) {
    // Without a form, or its sender died before it had written the record.
    await sendTask(app, task, { key }, { id });
    log.info("Upload arrived");
    return true;
  }
  const { next, record } = arrived;
  if (record.task !== task.name) {
    log.error("A file has arrived under the id of another task, and is not processed", { other: record.task });
  } else if (next === "runs") {
    log.info("Upload arrived during a run that may not have seen it");
    return false;
  } else if (next === "waits") {
    const { attempt, headers } = record;
    await sendTask(app, task, { key }, { id, attempt, options: { ...(headers && { headers }) } });
    log.info("Upload arrived", { attempt });
  } else if (record.state === "REVOKED") {
    await discard(key);
    log.info("The file of a revoked upload was removed");
  } else log.info("Upload had been processed already");
  return true;
}

/** The write may be repeated. A task that has ended stays as it is; one that runs has a message of its own. */
async function failUnregistered(
  app: App,
  registry: Registry,
  arrival: Arrival,
  { key, taskId: id }: ArrivedObject,
): Promise<void> {
  const task = app.config.uploadTask;
  const reason = describeError(new TaskNotRegisteredError(task, registry.names, "UPLOAD_TASK"));
  const sentAt = arrival.sentAt.toISOString();
  const message = { v: 1 as const, id, task, attempt: 1, payload: { key }, queue: DEFAULT_QUEUE, sentAt, rootId: id };
  await app.results.failUnclaimed(message, arrival, reason);
  app.log.error("No task processes an upload", { key, id, error: reason });
}
