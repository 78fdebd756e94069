import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { isObject } from "../json.ts";
import { type Created, listField, textField } from "./template.ts";

/** CloudFormation's properties that are queue attributes of the same name. */
const ATTRIBUTES = [
  "VisibilityTimeout",
  "MessageRetentionPeriod",
  "DelaySeconds",
  "MaximumMessageSize",
  "ReceiveMessageWaitTimeSeconds",
  "RedrivePolicy",
  "RedriveAllowPolicy",
  "FifoQueue",
  "ContentBasedDeduplication",
  "DeduplicationScope",
  "FifoThroughputLimit",
] as const;

/** Creates `AWS::SQS::Queue`, or brings an existing queue's attributes up to date. */
export async function createQueue(sqs: SQSClient, properties: Record<string, unknown>): Promise<Created> {
  const name = textField(properties, "QueueName");
  if (name === undefined) throw new Error("An AWS::SQS::Queue has no QueueName: the local cloud needs one.");
  const attributes = Object.fromEntries(
    ATTRIBUTES.flatMap((attribute) => {
      const value = properties[attribute];
      if (value === undefined) return [];
      return [[attribute, isObject(value) ? JSON.stringify(value) : String(value)]];
    }),
  );
  const url = await createOrUpdate(sqs, name, attributes);
  const answer = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
  const arn = answer.Attributes?.QueueArn ?? "";
  return { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
}

async function createOrUpdate(sqs: SQSClient, name: string, attributes: Record<string, string>): Promise<string> {
  try {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    return QueueUrl ?? "";
  } catch (error) {
    // The name differs between SQS's two protocols, and so between emulators.
    if (!(error instanceof Error) || !error.name.endsWith("QueueNameExists")) throw error;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    const { FifoQueue, ...mutable } = attributes;
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: mutable }));
    return QueueUrl ?? "";
  }
}

/** Applies `AWS::SQS::QueuePolicy`: LocalStack asks for it before S3 may notify a queue. */
export async function setQueuePolicy(sqs: SQSClient, properties: Record<string, unknown>): Promise<void> {
  for (const url of listField(properties, "Queues").map(String)) {
    const Policy = JSON.stringify(properties.PolicyDocument);
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
  }
}
