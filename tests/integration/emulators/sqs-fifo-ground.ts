import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll } from "vitest";
import { type Cloud, createQueue, openCloud, uniqueName } from "./cloud.ts";

let cloud: Cloud;

export let sqs: SQSClient;

beforeAll(async () => {
  cloud = await openCloud();
  sqs = cloud.sqs;
});

afterAll(() => cloud.gateway.close());

export const fifo = (attributes: Record<string, string> = {}, client = sqs) =>
  createQueue(client, { FifoQueue: "true", VisibilityTimeout: "600", ...attributes }, `${uniqueName()}.fifo`);

/** Sends bodies like "a1", whose first letter is their group. */
export async function send(QueueUrl: string, bodies: readonly string[], client = sqs): Promise<void> {
  for (const MessageBody of bodies) {
    const ids = { MessageGroupId: MessageBody.slice(0, 1), MessageDeduplicationId: MessageBody };
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...ids }));
  }
}

export async function receive(QueueUrl: string, input: Partial<ReceiveMessageCommandInput> = {}, client = sqs) {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"], ...input }),
  );
  return Messages;
}

export const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body);

export const counts = (messages: readonly Message[]) =>
  messages.map((message) => message.Attributes?.ApproximateReceiveCount);

export const hide = (QueueUrl: string, message: Message | undefined, VisibilityTimeout: number, client = sqs) =>
  client.send(
    new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout }),
  );

export const remove = (QueueUrl: string, message: Message | undefined) =>
  sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));

export const sendOne = (QueueUrl: string, input: Partial<SendMessageCommandInput>) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x", ...input }));
