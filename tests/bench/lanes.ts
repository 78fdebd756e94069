import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { Connection } from "./connection.ts";
import type { Lanes } from "./side.ts";

/** Lanes of every worker, and of every sender. More gain nothing: the SDK fills one core. */
export const LANES = 4;

/** Messages to a batch, sent and received: SQS's limit. */
export const BATCH = 10;

/** Short, so that a worker stops soon. An abort signal would switch the SDK's middleware cache off. */
const POLL_SECONDS = 1;

/** Runs the tasks of up to 10 received messages; answers with those to delete. */
export type Handle = (messages: readonly Message[]) => Promise<readonly Message[]>;

/** Receive, handle, delete, over and over in each lane: what Lambda's event source mapping does for a function. */
export function startLanes({ sqs, queueUrl: QueueUrl }: Connection, handle: Handle, count = LANES): Lanes {
  let isRunning = true;
  const run = async (): Promise<void> => {
    while (isRunning) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: BATCH,
          WaitTimeSeconds: POLL_SECONDS,
          MessageSystemAttributeNames: ["All"],
        }),
      );
      if (Messages.length === 0) continue;
      const done = await handle(Messages);
      const Entries = done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  };
  const lanes = Array.from({ length: count }, run);
  return {
    async stop() {
      isRunning = false;
      await Promise.all(lanes);
    },
  };
}
