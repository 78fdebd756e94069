/**
 * One step of a task's life in a process of its own, so that a test can kill it anywhere. Started by harness.ts with the
 * environment of a function: `life.mjs <step> [task] [key] [countdown]`.
 */

import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as z from "zod";
import { toSqsRecord } from "../../localstack/sqs-record.ts";
import { createApp, createDeadLetterWorker, createTimerSweep, createWorker, task, useApp } from "../../shared/index.ts";

/** A clock that may be wrong, or in a future that the test needs. */
const offset = Number(process.env.CLOCK_OFFSET_MILLISECONDS ?? 0);
useApp(createApp(process.env, { clock: () => new Date(Date.now() + offset), random: () => 0 }));

const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => {
    process.stdout.write("ran\n");
    return x + y;
  },
});
const failsOnce = task({
  name: "fails_once",
  payload: z.object({ x: z.number(), y: z.number() }),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: ({ x, y }, { attempt }) => {
    if (attempt === 1) throw new Error("the first time");
    process.stdout.write("ran\n");
    return x + y;
  },
});
const once = task({
  name: "once",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }, context) =>
    context.once("sum", () => {
      process.stdout.write("ran\n");
      return x + y;
    }),
});

const tasks = { add, fails_once: failsOnce, once };
const [, , step, name = "add", idempotencyKey = "", countdown = "0"] = process.argv;

type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

/** Receives, handles and deletes, as Lambda's poller does. */
async function poll(QueueUrl: string, handle: Handle): Promise<void> {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1, MessageSystemAttributeNames: ["All"] }),
  );
  const source = { queueArn: "arn:aws:sqs:us-east-1:000000000000:q", region: "us-east-1" };
  const Records = Messages.map((message) => toSqsRecord(message, source));
  const deadline = Date.now() + Number(process.env.FUNCTION_MILLISECONDS);
  const { batchItemFailures } = await handle({ Records }, { getRemainingTimeInMillis: () => deadline - Date.now() });
  for (const { messageId, receiptHandle } of Records) {
    if (batchItemFailures.some(({ itemIdentifier }) => itemIdentifier === messageId)) continue;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
  }
}

switch (step) {
  case "send": {
    const chosen = Object.entries(tasks).find(([known]) => known === name)?.[1] ?? add;
    const { id } = await chosen.applyAsync({ x: 4, y: 6 }, { idempotencyKey, countdown: Number(countdown) });
    process.stdout.write(`sent ${id}\n`);
    break;
  }
  case "work":
    await poll(process.env.BROKER_URL ?? "", createWorker([{ file: "life.ts", exports: tasks }]));
    break;
  case "bury":
    await poll(process.env.DEAD_LETTER_URL ?? "", createDeadLetterWorker());
    break;
  case "sweep":
    await createTimerSweep()(undefined, { getRemainingTimeInMillis: () => 60_000 });
    break;
  default:
    throw new Error(`Step '${step}' is unknown: expected send, work, bury or sweep.`);
}
