import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { type Gateway, startGateway } from "../../../localstack/gateway.ts";
import type { InvocationResult } from "../../../localstack/lambda/functions.ts";
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from "../../../localstack/mapping/mapping.ts";
import { callsOverHttp } from "../../../localstack/mapping/queue-calls.ts";

export const SOON = { timeout: 8000, interval: 10 };

export const ACCOUNT = "000000000000";

export const OK: InvocationResult = { ok: true, payload: "null" };

export const ERROR: InvocationResult = { ok: false, errorType: "Error", errorMessage: "no" };

export const THROTTLED: InvocationResult = {
  ok: false,
  errorType: "TooManyRequestsException",
  errorMessage: "Rate Exceeded.",
  throttled: true,
};

export interface Call {
  readonly records: SQSRecord[];
  readonly answer: (result: InvocationResult) => void;
  readonly at: number;
}

export let sqs: SQSClient;

export let queueUrl: string;

export let calls: Call[];

export let lines: string[];

/** Names and inputs of the SQS calls that were made. */
export let requests: { name: string; input: object }[];

/** The parts that a test puts in the place of others. */
export const on: {
  gateway: Gateway | undefined;
  /** Answers an invocation at once; without one the test answers by hand. */
  respond: ((records: SQSRecord[], call: number) => InvocationResult) | undefined;
} = { gateway: undefined, respond: undefined };

export let mapping: EventSourceMapping | undefined;

const isFifo = () => queueUrl.endsWith(".fifo");

export const bodies = (call: Call | undefined) => call?.records.map(({ body }) => body);

export const texts = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `m${from + index}`);

function connect(endpoint: string): SQSClient {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new SQSClient({
    endpoint,
    region: "us-east-1",
    credentials,
    maxAttempts: 1,
    useQueueUrlAsEndpoint: false,
  });
  client.middlewareStack.add(
    (next, context) => async (args) => {
      requests.push({ name: String(context.commandName), input: args.input });
      return next(args);
    },
    { step: "initialize" },
  );
  return client;
}

export async function createQueue(name: string, attributes: Record<string, string> = {}): Promise<void> {
  const fifo = name.endsWith(".fifo") ? { FifoQueue: "true", ContentBasedDeduplication: "true" } : {};
  const Attributes = { VisibilityTimeout: "30", ...fifo, ...attributes };
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  queueUrl = QueueUrl;
}

export async function send(messages: (string | Partial<SendMessageBatchRequestEntry>)[]): Promise<void> {
  for (let start = 0; start < messages.length; start += 10) {
    const Entries = messages.slice(start, start + 10).map((message, index) => ({
      Id: String(index),
      MessageBody: "",
      ...(isFifo() && { MessageGroupId: "group" }),
      ...(typeof message === "string" ? { MessageBody: message } : message),
    }));
    const { Failed } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    expect(Failed ?? []).toEqual([]);
  }
}

export async function start(options: Partial<EventSourceMappingOptions> = {}): Promise<EventSourceMapping> {
  const queueName = queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
  mapping = await startEventSourceMapping({
    queue: callsOverHttp(sqs, options.queueUrl ?? queueUrl),
    queueUrl,
    queueArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${queueName}`,
    region: "us-east-1",
    functionName: "worker",
    batchSize: 10,
    maximumBatchingWindowSeconds: 0,
    reportBatchItemFailures: false,
    functionTimeoutSeconds: 1,
    invoke: (_name, { Records }: SQSEvent) => {
      const { promise, resolve } = Promise.withResolvers<InvocationResult>();
      calls.push({ records: Records, answer: resolve, at: Date.now() });
      if (on.respond !== undefined) resolve(on.respond(Records, calls.length));
      return promise;
    },
    log: (line) => lines.push(line),
    ...options,
  });
  return mapping;
}

/** Waits for the nth invocation, counted from 1. */
export const called = (count: number) =>
  vi.waitFor(() => {
    const call = calls[count - 1];
    if (call === undefined) throw new Error(`${calls.length} of ${count} invocations. Log: ${lines.join("\n")}`);
    return call;
  }, SOON);

/** Visible and in-flight messages of the queue. */
export async function depth(): Promise<[number, number]> {
  const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...AttributeNames] }),
  );
  return [Number(Attributes?.[AttributeNames[0]]), Number(Attributes?.[AttributeNames[1]])];
}

export const depthBecomes = (visible: number, inFlight: number) =>
  vi.waitFor(async () => expect(await depth()).toEqual([visible, inFlight]), SOON);

beforeEach(async () => {
  [calls, lines, requests, on.respond, mapping] = [[], [], [], undefined, undefined];
  on.gateway = await startGateway({ port: 0 });
  sqs = connect(on.gateway.endpoint);
  await createQueue("orders");
});

afterEach(async () => {
  const stopped = mapping?.stop();
  for (const call of calls) call.answer(ERROR);
  await stopped;
  sqs.destroy();
  await on.gateway?.close();
});
