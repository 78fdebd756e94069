import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { describeError, InvalidMessageError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { recordPoison } from "./poison.ts";

/** Whether SQS may forget a record: only once its outcome is stored. */
export type Verdict = "acknowledge" | "keep";

/** What a handler of records needs to know of its invocation. */
export interface Invocation {
  /** Milliseconds until AWS kills this function. */
  remainingMilliseconds: () => number;
  /** What `remainingMilliseconds` said when the batch began. */
  totalMilliseconds: number;
}

export type RecordHandler = (record: SQSRecord, invocation: Invocation) => Promise<Verdict>;

/** With less than this left, a record is handed back rather than begun. */
const LEAST_MILLISECONDS = 3_000;

/**
 * Runs the records of one SQS event and reports those that SQS must deliver again. Fail-closed: a record is acknowledged
 * only if its handler said so. Never throws, for that would bring back the whole batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 *
 * Records delivered for the first time run at once. Those that come again run after them and one by one: their worker may
 * have died because of one of them, and then only that one is running when it dies again.
 */
export async function handleBatch(
  app: App,
  event: SQSEvent,
  context: Pick<Context, "getRemainingTimeInMillis">,
  handle: RecordHandler,
): Promise<SQSBatchResponse> {
  const remainingMilliseconds = (): number => context.getRemainingTimeInMillis();
  const invocation = { remainingMilliseconds, totalMilliseconds: remainingMilliseconds() };
  const verdicts = new Map<string, Verdict>();
  const attempt = async (record: SQSRecord): Promise<void> => {
    try {
      verdicts.set(record.messageId, await readable(app, record, () => handle(record, invocation)));
    } catch (error) {
      app.log.error("A record is kept for redelivery", { messageId: record.messageId, error: describeError(error) });
    }
  };

  const suspects = event.Records.filter(isSuspect);
  await Promise.all(event.Records.filter((record) => !suspects.includes(record)).map(attempt));
  for (const record of suspects) {
    if (invocation.remainingMilliseconds() >= LEAST_MILLISECONDS) await attempt(record);
  }

  const kept = event.Records.filter(({ messageId }) => verdicts.get(messageId) !== "acknowledge");
  return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** A message that cannot be read will never be: it is recorded as a FAILURE instead of being delivered again. */
async function readable(app: App, record: SQSRecord, handle: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof InvalidMessageError) return recordPoison(app, record, error);
    throw error;
  }
}

/** SQS delivered it before and got no acknowledgement, or it came back from the dead-letter queue marked as a suspect. */
function isSuspect(record: SQSRecord): boolean {
  // A payload that holds this text by chance only has its task run alone.
  return Number(record.attributes.ApproximateReceiveCount) > 1 || record.body.includes('"suspect":true');
}
