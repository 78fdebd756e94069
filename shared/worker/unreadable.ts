import { describeError, type TaskError } from "../errors.ts";
import type { Delivery } from "../message/delivery.ts";
import { derivedId } from "../message/id.ts";
import { toJsonText } from "../message/json.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import { packPayload } from "../task/submit.ts";

/** The task name in the record of a message that names none that can be read. */
const UNREADABLE = "(unreadable)";

/**
 * Records a message that Lovage cannot read as a FAILURE, with its body as the payload: explained, and kept. Then SQS may
 * forget it, for no redelivery can help.
 *
 * It is recorded twice: under its SQS message id, by which whoever sent it can ask for it, and under an id that carries its
 * time, so that it is listed among the failures. Dying between the two repeats both.
 */
export async function recordUnreadable(
  app: App,
  delivery: Delivery,
  error: TaskError,
): Promise<"acknowledge" | "keep"> {
  const { messageId, body, queueName: queue, sentAt } = delivery;
  const reason = describeError(error);
  app.log.error("A message could not be read", { id: messageId, queue, error: reason });
  const message = {
    v: 1 as const,
    task: UNREADABLE,
    attempt: 1,
    payload: body,
    queue,
    sentAt: sentAt.toISOString(),
    rootId: messageId,
  };
  const ids = [derivedId(sentAt, `sqs/${messageId}`), messageId];
  const outcomes = await Promise.all(
    ids.map(async (id) => {
      const packed = await packPayload(app, { ...message, id }, toJsonText(body));
      return app.results.failUnclaimed({ ...message, id, ...packed }, delivery, reason);
    }),
  );
  const recorded = outcomes.every((outcome) => outcome.applied || (outcome.record && isFinal(outcome.record.state)));
  return recorded ? "acknowledge" : "keep";
}
