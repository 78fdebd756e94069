import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { uniqueName } from "../helpers/engine.ts";

/** A queue with its dead-letter queue, and a table, that one scenario has to itself. */
export interface Ground {
  queueUrl: string;
  deadLetterUrl: string;
  tableName: string;
  /** The environment by which `createApp` finds them. */
  environment: { BROKER_URL: string; RESULT_BACKEND: string; DEAD_LETTER_QUEUE_URL: string };
  /** Waiting, delayed or in flight, in both queues; 0 only if there is none. */
  messagesLeft(): Promise<number>;
  deadLetters(): Promise<number>;
}

/** As in serverless.yml. */
const MAX_RECEIVE_COUNT = 3;

/** @param visibilitySeconds after which the message of a dead worker comes back */
export async function createGround(
  { sqs, dynamodb }: { sqs: SQSClient; dynamodb: DynamoDBClient },
  visibilitySeconds: number,
): Promise<Ground> {
  const name = uniqueName("fault");
  const create = async (suffix: string, attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl = "" } = await sqs.send(
      new CreateQueueCommand({
        QueueName: `${name}_${suffix}`,
        Attributes: { VisibilityTimeout: String(visibilitySeconds), ...attributes },
      }),
    );
    return QueueUrl;
  };
  const deadLetterUrl = await create("dead", {});
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ["QueueArn"] }),
  );
  const redrive = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: MAX_RECEIVE_COUNT };
  const queueUrl = await create("default", { RedrivePolicy: JSON.stringify(redrive) });
  await dynamodb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" as const })),
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
    }),
  );

  const count = async (url: string): Promise<number> => {
    const { Attributes: found = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    return (
      Number(found.ApproximateNumberOfMessages) +
      Number(found.ApproximateNumberOfMessagesNotVisible) +
      Number(found.ApproximateNumberOfMessagesDelayed)
    );
  };
  return {
    queueUrl,
    deadLetterUrl,
    tableName: name,
    environment: { BROKER_URL: queueUrl, RESULT_BACKEND: `dynamodb://${name}`, DEAD_LETTER_QUEUE_URL: deadLetterUrl },
    // The first queue again, since a message can move either way between two looks.
    messagesLeft: async () => (await count(queueUrl)) + (await count(deadLetterUrl)) + (await count(queueUrl)),
    deadLetters: () => count(deadLetterUrl),
  };
}
