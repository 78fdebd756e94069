import { DEFAULT_QUEUE } from "../config.ts";
import type { App } from "../task/current-app.ts";
import { recordUnsent } from "../task/unsent.ts";
import { isNotification, readNotification } from "./notification.ts";

/**
 * Records the objects of an S3 notification that the uploads function could not handle as FAILUREs of the upload task, so that
 * what was put without a form is not lost. What came through a form has a record, whose own message finds the file.
 * @returns false if what the dead-letter queue holds is no S3 notification
 * @throws InvalidMessageError for a notification that cannot be read
 */
export async function recordDeadArrival(app: App, body: string): Promise<boolean> {
  if (!isNotification(body)) return false;
  for (const { key, taskId, time } of readNotification(body)) {
    await recordUnsent(app, {
      id: taskId,
      task: app.config.uploadTask,
      queue: DEFAULT_QUEUE,
      payload: { key },
      askedAt: time,
      reason: `the uploads function did not take the notification of '${key}', however often SQS delivered it; its log says why`,
    });
  }
  return true;
}
