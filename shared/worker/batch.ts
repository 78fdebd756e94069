import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { describeError, InvalidMessageError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { hide, isFifo, readDelivery } from "./delivery.ts";
import { recordPoison } from "./poison.ts";
import type { Invocation, Verdict } from "./verdict.ts";

export type RecordHandler = (record: SQSRecord, invocation: Invocation) => Promise<Verdict>;

/** A payload above this is run alone: in memory it is several times as large. */
const LARGE_BYTES = 4 * 1024 * 1024;

/** With less than this left, a record is handed back rather than begun. */
const LEAST_MILLISECONDS = 3000;

/**
 * Runs the records of one SQS event and reports those that SQS must deliver again. Fail-closed: a record is acknowledged
 * only if its handler said so. Never throws, for that would bring back the whole batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 *
 * Records delivered for the first time run at once. Those that come again run after them and one by one: their worker may
 * have died because of one of them, and then only that one is running when it dies again. One that was put off for lack of time
 * again and again runs before all others, with all of the function's time. Records of one FIFO group run in order, and stop at the
 * first that is kept.
 */
export async function handleBatch(
  app: App,
  event: SQSEvent,
  context: Pick<Context, "getRemainingTimeInMillis">,
  handle: RecordHandler,
): Promise<SQSBatchResponse> {
  const remainingMilliseconds = (): number => context.getRemainingTimeInMillis();
  const invocation = { remainingMilliseconds, totalMilliseconds: remainingMilliseconds() };
  const done = new Set<string>();
  const isDone = async (record: SQSRecord): Promise<boolean> => {
    try {
      return (await readable(app, record, () => handle(record, invocation))) === "acknowledge";
    } catch (error) {
      app.log.error("A record is kept for redelivery", { messageId: record.messageId, error: describeError(error) });
      return false;
    }
  };
  const hasTime = (): boolean => remainingMilliseconds() >= LEAST_MILLISECONDS;
  const run = async (lane: readonly SQSRecord[]): Promise<void> => {
    for (const [index, record] of lane.entries()) {
      if ((index === 0 || hasTime()) && (await isDone(record))) done.add(record.messageId);
      else return releaseRest(app, lane.slice(index + 1));
    }
  };

  const lanes = lanesOf(event.Records);
  const first = lanes.filter((lane) => lane.some(goesFirst));
  const suspects = lanes.filter((lane) => !first.includes(lane) && lane.some(runsAlone));
  for (const lane of first) await run(lane);
  await Promise.all(lanes.filter((lane) => !first.includes(lane) && !suspects.includes(lane)).map(run));
  for (const lane of suspects) {
    if (hasTime()) await run(lane);
  }

  const kept = event.Records.filter(({ messageId }) => !done.has(messageId));
  return { batchItemFailures: kept.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** What runs one after another: the records of a FIFO group. Every other record is on its own. */
function lanesOf(records: readonly SQSRecord[]): SQSRecord[][] {
  const lanes = Map.groupBy(records, (record) =>
    isFifo(record) ? `group ${record.attributes.MessageGroupId}` : `record ${record.messageId}`,
  );
  return [...lanes.values()];
}

/**
 * Lets go of what follows a kept record in its group. SQS gives it to nobody before that one is back; without this it would
 * stay hidden for longer, and the group with it.
 */
async function releaseRest(app: App, rest: readonly SQSRecord[]): Promise<void> {
  const release = async (record: SQSRecord): Promise<"keep"> => hide(app, readDelivery(app, record), 0);
  for (const outcome of await Promise.allSettled(rest.map(release))) {
    if (outcome.status === "fulfilled") continue;
    app.log.warn("A record of a FIFO group stays hidden for its visibility timeout", {
      error: describeError(outcome.reason),
    });
  }
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

/** It was put off so often because others had left it too little time. */
const MAX_CROWDED = 5;

function goesFirst({ body }: SQSRecord): boolean {
  return Number(/"crowded":(\d+)/.exec(body)?.[1] ?? 0) >= MAX_CROWDED;
}

/**
 * SQS delivered it before and got no acknowledgement, or it came back from the dead-letter queue marked as a suspect; or its payload
 * is so large that ten of them would be too much for a worker's memory.
 */
function runsAlone(record: SQSRecord): boolean {
  // A payload that holds these texts by chance only has its task run alone.
  const large = /"payloadRef":\{[^}]*"sizeBytes":(\d+)/.exec(record.body)?.[1];
  return (
    Number(record.attributes.ApproximateReceiveCount) > 1 ||
    record.body.includes('"suspect":true') ||
    Number(large ?? 0) > LARGE_BYTES
  );
}
