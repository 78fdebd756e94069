/**
 * A worker process: receives, handles and deletes in several lanes, as Lambda's event source mapping does for a function, and
 * in one more lane for the dead-letter queue. It ends with the test that started it.
 */

import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { toSqsRecord } from "../../localstack/mapping/record.ts";
import { createApp, createDeadLetterWorker, createWorker, useApp } from "../../shared/index.ts";
import { createLog } from "../../shared/log.ts";
import { newer, older } from "./changed-tasks.ts";
import * as tasks from "./tasks.ts";

type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

const {
  BROKER_URL = "",
  DEAD_LETTER_QUEUE_URL = "",
  LANES,
  FUNCTION_MILLISECONDS,
  CLOCK_OFFSET_MILLISECONDS,
  CODE,
} = process.env;
const SOURCE = { queueArn: "arn:aws:sqs:us-east-1:000000000000:faults", region: "us-east-1" };
const MOST_MESSAGES = 10;
/** As much as AWS allows: a poll that is given up could take messages with it. */
const POLL_SECONDS = 20;

const offset = Number(CLOCK_OFFSET_MILLISECONDS);
const app = createApp(process.env, {
  clock: () => new Date(Date.now() + offset),
  // Faults make thousands of lines that say what the test is about anyway.
  log: createLog({}, () => {}),
});
useApp(app);
const sqs = new SQSClient({ cacheMiddleware: true, md5: false, useQueueUrlAsEndpoint: false });

async function turn(QueueUrl: string, handle: Handle): Promise<void> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: MOST_MESSAGES,
      WaitTimeSeconds: POLL_SECONDS,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  if (Messages.length === 0) return;
  const Records = Messages.map((message) => toSqsRecord(message, SOURCE));
  const deadline = Date.now() + Number(FUNCTION_MILLISECONDS);
  const { batchItemFailures } = await handle({ Records }, { getRemainingTimeInMillis: () => deadline - Date.now() });
  const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  const done = Records.filter(({ messageId }) => !kept.has(messageId));
  const Entries = done.map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
  if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
}

async function lane(QueueUrl: string, handle: Handle): Promise<never> {
  for (;;) {
    // Lambda polls on after any answer of the queue; the SDK has waited between its own tries.
    await turn(QueueUrl, handle).catch(() => {});
  }
}

process.once("disconnect", () => process.exit());
const exports = { ...tasks, changed: CODE === "older" ? older : newer };
const worker = createWorker([{ file: "tasks.ts", exports }], app);
for (let index = 0; index < Number(LANES); index += 1) void lane(BROKER_URL, worker);
void lane(DEAD_LETTER_QUEUE_URL, createDeadLetterWorker(app));
