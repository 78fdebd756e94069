/** A local cloud of one test's own, and SDK clients that speak to it and to nothing else. */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { onTestFinished } from "vitest";
import { type Gateway, type GatewayOptions, startGateway } from "../../../localstack/gateway.ts";

export interface Clients {
  readonly sqs: SQSClient;
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
}

export interface Cloud extends Clients {
  readonly gateway: Gateway;
}

export const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

/** Clients of what listens at `endpoint`. */
export function createClients(endpoint: string, more: { maxAttempts?: number } = {}): Clients {
  const options = { endpoint, region: "us-east-1", credentials: CREDENTIALS, ...more };
  return { sqs: new SQSClient(options), dynamodb: new DynamoDBClient(options), s3: new S3Client(options) };
}

/** Starts a cloud on a free port. */
export async function openCloud(options: GatewayOptions = {}, client: { maxAttempts?: number } = {}): Promise<Cloud> {
  const gateway = await startGateway({ port: 0, ...options });
  return { gateway, ...createClients(gateway.endpoint, client) };
}

/** A directory that is removed after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lovage-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A name that no other test uses, fit for queues, tables and buckets. */
export function uniqueName(): string {
  return `t-${randomUUID().slice(0, 18)}`;
}

/** Creates a queue and answers its URL. */
export async function createQueue(
  sqs: SQSClient,
  Attributes: Record<string, string> = {},
  QueueName = uniqueName(),
): Promise<string> {
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  return QueueUrl;
}

/** The ARN of the queue at a URL. */
export function arnOf(queueUrl: string): string {
  return `arn:aws:sqs:us-east-1:000000000000:${queueUrl.split("/").at(-1)}`;
}

/** The error that a promise is rejected with. @throws Error if it is not */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) {
    throw new Error("Nothing was refused.");
  }
  return outcome;
}
