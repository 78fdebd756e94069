import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Message } from "@aws-sdk/client-sqs";
import { connect, sendBodies } from "./connection.ts";
import { startLanes } from "./lanes.ts";
import type { Payload, Side } from "./side.ts";

/** The smallest loop's message on the queue. */
interface Body {
  id: string;
  payload: Payload;
}

/** The least that can be called a task queue: batches of 10, one write per task, and no promise about anything. */
export function createSmallestLoop(): Side {
  const connection = connect();
  const { dynamodb, tableName } = connection;

  const run = async ({ Body = "" }: Message): Promise<void> => {
    const { id, payload }: Body = JSON.parse(Body);
    const result = payload.x + payload.y;
    const Item = {
      pk: { S: id },
      sk: { S: "task" },
      task: { S: "add" },
      state: { S: "SUCCESS" },
      result: { S: JSON.stringify(result) },
      finishedAt: { S: new Date().toISOString() },
      ttl: { N: String(Math.floor(Date.now() / 1000) + 86_400) },
    };
    await dynamodb.send(new PutItemCommand({ TableName: tableName, Item }));
  };

  return {
    async send(payloads) {
      const bodies = payloads.map((payload): Body => ({ id: crypto.randomUUID(), payload }));
      await sendBodies(connection, bodies);
      return bodies.map(({ id }) => ({
        async isDone() {
          const Key = { pk: { S: id }, sk: { S: "task" } };
          const command = new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true });
          return (await dynamodb.send(command)).Item !== undefined;
        },
      }));
    },
    work: () =>
      startLanes(connection, async (messages) => {
        await Promise.all(messages.map(run));
        return messages;
      }),
  };
}
