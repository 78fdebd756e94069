import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { readNotification } from "./notification.ts";

/**
 * Sends the upload task for each object that an S3 notification names. S3 may notify twice and out of order; the task id
 * comes from the key, so all notifications of one upload are one task.
 * @throws InvalidMessageError for a body that is no S3 notification
 */
export async function handleArrival(app: App, registry: Registry, body: string): Promise<void> {
  const task = registry.get(app.config.uploadTask);
  for (const { key, taskId } of readNotification(body)) {
    await sendTask(app, task, { key }, {}, { id: taskId });
    app.log.info("Upload arrived", { key, id: taskId, task: task.name });
  }
}
