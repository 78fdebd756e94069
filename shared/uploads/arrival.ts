import type { SQSRecord } from "aws-lambda";
import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, TaskNotRegisteredError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { readNotification } from "./notification.ts";

/**
 * Sends the upload task for each object that an S3 notification names. S3 may notify twice and out of order; the task id
 * comes from the key, so all notifications of one upload are one task. Where the upload task is not registered, each ends as
 * a FAILURE that says so, and can be replayed.
 * @throws InvalidMessageError for a body that is no S3 notification
 */
export async function handleArrival(app: App, registry: Registry, record: SQSRecord): Promise<void> {
  const task = registry.find(app.config.uploadTask);
  for (const { key, taskId } of readNotification(record.body)) {
    if (task === undefined) {
      await failUnregistered(app, registry, record, key, taskId);
      continue;
    }
    await sendTask(app, task, { key }, {}, { id: taskId });
    app.log.info("Upload arrived", { key, id: taskId, task: task.name });
  }
}

/** The write may be repeated. A task that has ended stays as it is; one that runs has a message of its own. */
async function failUnregistered(
  app: App,
  registry: Registry,
  { messageId, attributes }: SQSRecord,
  key: string,
  id: string,
): Promise<void> {
  const task = app.config.uploadTask;
  const reason = describeError(new TaskNotRegisteredError(task, registry.names, "UPLOAD_TASK"));
  const sentAt = new Date(Number(attributes.SentTimestamp)).toISOString();
  const message = { v: 1 as const, id, task, attempt: 1, payload: { key }, queue: DEFAULT_QUEUE, sentAt, rootId: id };
  const receipt = { messageId, receiveCount: Number(attributes.ApproximateReceiveCount) };
  await app.results.failUnclaimed(message, receipt, reason);
  app.log.error("No task processes an upload", { key, id, error: reason });
}
