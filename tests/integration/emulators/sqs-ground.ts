/** One local cloud for the tests of a file, and the calls that they share. */
import {
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll } from "vitest";
import { arnOf, type Cloud, openCloud } from "./cloud.ts";

export let cloud: Cloud;

export let sqs: SQSClient;

beforeAll(async () => {
  cloud = await openCloud();
  sqs = cloud.sqs;
});

afterAll(() => cloud.gateway.close());

export const send = (QueueUrl: string, MessageBody: string, more: Partial<SendMessageCommandInput> = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));

/** Receives up to ten messages, with all system attributes. */
export async function receive(
  QueueUrl: string,
  input: Partial<ReceiveMessageCommandInput> = {},
  client = sqs,
): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"], ...input }),
  );
  return Messages;
}

export const redrive = (deadUrl: string, maxReceiveCount: unknown) => ({
  RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(deadUrl), maxReceiveCount }),
});

/** A request as no SDK would write it; answers its status, headers and body. */
export async function post(action: string, body: unknown) {
  const response = await fetch(cloud.gateway.endpoint, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": `AmazonSQS.${action}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text || "{}") as Record<string, unknown>,
  };
}
