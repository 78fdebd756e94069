import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { clientSettings } from "../../shared/aws/settings.ts";

/** The clients of a hand-written loop, with the same free speed as Lovage's own. */
export interface Connection {
  sqs: SQSClient;
  dynamodb: DynamoDBClient;
  queueUrl: string;
  tableName: string;
}

/** Connects to the queue and table that this process was started for. */
export function connect(): Connection {
  return {
    sqs: new SQSClient({ ...clientSettings, md5: false, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(clientSettings),
    queueUrl: process.env.BROKER_URL ?? "",
    tableName: String(process.env.RESULT_BACKEND).replace("dynamodb://", ""),
  };
}

/** Sends bodies in one call. @throws Error if SQS has refused one */
export async function sendBodies({ sqs, queueUrl }: Connection, bodies: readonly object[]): Promise<void> {
  const Entries = bodies.map((body, index) => ({ Id: String(index), MessageBody: JSON.stringify(body) }));
  const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  if (Failed.length > 0) throw new Error(`SQS refused ${Failed.length} messages.`);
}
