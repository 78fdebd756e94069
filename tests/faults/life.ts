/**
 * The simple task's whole life in one process, so that a test can kill it anywhere: sends `add`, or receives a message, runs
 * it and deletes it. Started by kill-points.test.ts with the environment of a function.
 */

import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod";
import { toSqsRecord } from "../../localstack/sqs-record.ts";
import { createWorker, task } from "../../shared/index.ts";

const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => {
    process.stdout.write("ran\n");
    return x + y;
  },
});

const QueueUrl = process.env.BROKER_URL ?? "";

async function send(idempotencyKey: string): Promise<void> {
  const { id } = await add.applyAsync({ x: 4, y: 6 }, { idempotencyKey });
  process.stdout.write(`sent ${id}\n`);
}

async function work(): Promise<void> {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const worker = createWorker([{ file: "life.ts", exports: { add } }]);
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1, MessageSystemAttributeNames: ["All"] }),
  );
  const Records = Messages.map((message) =>
    toSqsRecord(message, { queueArn: "arn:aws:sqs:us-east-1:000000000000:q", region: "us-east-1" }),
  );
  const deadline = Date.now() + Number(process.env.FUNCTION_MILLISECONDS);
  const { batchItemFailures } = await worker({ Records }, { getRemainingTimeInMillis: () => deadline - Date.now() });
  for (const { messageId, receiptHandle } of Records) {
    if (batchItemFailures.some(({ itemIdentifier }) => itemIdentifier === messageId)) continue;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
  }
  process.stdout.write(`worked ${Records.length}\n`);
}

const [, , step, key] = process.argv;
await (step === "send" ? send(String(key)) : work());
