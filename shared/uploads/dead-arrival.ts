import { DEFAULT_QUEUE } from "../config.ts";
import type { App } from "../task/current-app.ts";
import { recordUnsent } from "../task/not-sent-failure.ts";
import type { ArrivedObject } from "./notification.ts";

/**
 * Records the objects of an S3 notification that the uploads function could not handle as FAILUREs of the upload task, so that
 * a file that was put without a form is not lost. One that came through a form has a record, whose own message finds the file.
 */
export async function recordDeadArrival(app: App, objects: readonly ArrivedObject[]): Promise<void> {
  for (const { key, taskId, time } of objects) {
    await recordUnsent(app, {
      id: taskId,
      task: app.config.uploadTask,
      queue: DEFAULT_QUEUE,
      payload: { key },
      askedAt: time,
      reason: `the uploads function did not take the notification of '${key}', however often SQS delivered it; its log says why`,
    });
  }
}
