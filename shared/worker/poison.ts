import type { SQSRecord } from "aws-lambda";
import { describeError, type InvalidMessageError } from "../errors.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";

/** The task name in the record of a message that names none that can be read. */
export const UNREADABLE = "(unreadable)";

/**
 * Records a message that Lovage cannot read as a FAILURE under its SQS message id, with its body as the payload: visible,
 * explained, and kept. Then SQS may forget it, for no redelivery can help.
 */
export async function recordPoison(
  app: App,
  record: SQSRecord,
  error: InvalidMessageError,
): Promise<"acknowledge" | "keep"> {
  const queue = record.eventSourceARN.split(":").at(-1) ?? "";
  app.log.error("A message could not be read", { id: record.messageId, queue, error: describeError(error) });
  const outcome = await app.results.failUnclaimed(
    {
      v: 1,
      id: record.messageId,
      task: UNREADABLE,
      attempt: 1,
      payload: record.body.slice(0, 65_536),
      queue,
      sentAt: new Date(Number(record.attributes.SentTimestamp)).toISOString(),
      rootId: record.messageId,
    },
    describeError(error),
  );
  return outcome.applied || (outcome.record && isFinal(outcome.record.state)) ? "acknowledge" : "keep";
}
