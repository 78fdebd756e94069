import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { type Connection, connect, sendBodies } from "./connection.ts";
import { startLanes } from "./lanes.ts";
import type { Payload, Side } from "./side.ts";

/** The message on the queue. */
interface Body {
  id: string;
  payload: Payload;
}

const HELD_MILLISECONDS = 30_000;

/** The three writes of a task. */
export function createWrites({ dynamodb, tableName }: Pick<Connection, "dynamodb" | "tableName">) {
  const keyOf = (id: string) => ({ pk: { S: id }, sk: { S: "task" } });
  const ttl = (): { N: string } => ({ N: String(Math.floor(Date.now() / 1000) + 86_400) });
  const ExpressionAttributeNames = { "#state": "state", "#ttl": "ttl" };

  const pending = ({ id, payload }: Body) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(id),
        UpdateExpression:
          "SET task = if_not_exists(task, :task), payload = if_not_exists(payload, :payload), createdAt = if_not_exists(createdAt, :now), #state = if_not_exists(#state, :pending), #ttl = if_not_exists(#ttl, :ttl)",
        ExpressionAttributeNames,
        ExpressionAttributeValues: {
          ":task": { S: "add" },
          ":payload": { S: JSON.stringify(payload) },
          ":now": { S: new Date().toISOString() },
          ":pending": { S: "PENDING" },
          ":ttl": ttl(),
        },
      }),
    );

  const claim = async ({ id, payload }: Body): Promise<string> => {
    const now = Date.now();
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(id),
        UpdateExpression:
          "SET task = if_not_exists(task, :task), payload = if_not_exists(payload, :payload), #state = :started, heldUntil = :heldUntil, startedAt = :at, #ttl = :ttl ADD fence :one",
        ConditionExpression:
          "attribute_not_exists(#state) OR #state = :pending OR (#state = :started AND heldUntil < :now)",
        ExpressionAttributeNames,
        ExpressionAttributeValues: {
          ":task": { S: "add" },
          ":payload": { S: JSON.stringify(payload) },
          ":started": { S: "STARTED" },
          ":pending": { S: "PENDING" },
          ":heldUntil": { N: String(now + HELD_MILLISECONDS) },
          ":now": { N: String(now) },
          ":at": { S: new Date(now).toISOString() },
          ":ttl": ttl(),
          ":one": { N: "1" },
        },
        ReturnValues: "UPDATED_NEW",
      }),
    );
    return Attributes?.fence?.N ?? "";
  };

  const settle = (id: string, fence: string, result: number) =>
    dynamodb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: keyOf(id),
        UpdateExpression: "SET #state = :success, #result = :result, finishedAt = :now, #ttl = :ttl REMOVE heldUntil",
        ConditionExpression: "fence = :fence AND #state = :started",
        ExpressionAttributeNames: { ...ExpressionAttributeNames, "#result": "result" },
        ExpressionAttributeValues: {
          ":success": { S: "SUCCESS" },
          ":started": { S: "STARTED" },
          ":result": { S: JSON.stringify(result) },
          ":fence": { N: fence },
          ":now": { S: new Date().toISOString() },
          ":ttl": ttl(),
        },
      }),
    );

  /** Claims a task, runs it and settles it. */
  const run = async (message: string): Promise<void> => {
    const body: Body = JSON.parse(message);
    const fence = await claim(body);
    await settle(body.id, fence, body.payload.x + body.payload.y);
  };

  return { pending, run, keyOf };
}

/**
 * The same loop with the writes that Lovage's promises need: PENDING after the send, a claim before the run, a result that
 * is refused if someone else has claimed the task meanwhile. It has no retries, revokes, expiry, validation or errors: what
 * Lovage costs beyond it is the engine, not the calls.
 */
export function createSameWrites(): Side {
  const connection = connect();
  const { dynamodb, tableName } = connection;
  const { pending, run, keyOf } = createWrites(connection);

  return {
    async send(payloads) {
      const bodies = payloads.map((payload): Body => ({ id: crypto.randomUUID(), payload }));
      await sendBodies(connection, bodies);
      await Promise.all(bodies.map(pending));
      return bodies.map(({ id }) => ({
        async isDone() {
          const command = new GetItemCommand({ TableName: tableName, Key: keyOf(id), ConsistentRead: true });
          return (await dynamodb.send(command)).Item?.state?.S === "SUCCESS";
        },
      }));
    },
    work: () =>
      startLanes(connection, async (messages) => {
        await Promise.all(messages.map(({ Body = "" }) => run(Body)));
        return messages;
      }),
  };
}
