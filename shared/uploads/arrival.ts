import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, TaskNotRegisteredError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import type { App } from "../task/current-app.ts";
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
 * comes from the key, so all notifications of one upload are one task. Where the upload task is not registered, each ends as
 * a FAILURE that says so, and can be replayed.
 */
export async function handleArrival(app: App, registry: Registry, arrival: Arrival): Promise<void> {
  const task = registry.find(app.config.uploadTask);
  for (const object of arrival.objects) {
    const { key, taskId } = object;
    if (task === undefined) {
      await failUnregistered(app, registry, arrival, object);
      continue;
    }
    await sendTask(app, task, { key }, { id: taskId });
    app.log.info("Upload arrived", { key, id: taskId, task: task.name });
  }
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
