import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Gateway, startGateway } from "../../../localstack/gateway.ts";
import { createFunctions, type Functions, type InvocationResult } from "../../../localstack/lambda/functions.ts";
import { type EventSourceMapping, startEventSourceMapping } from "../../../localstack/mapping/mapping.ts";
import { callsInProcess } from "../../../localstack/mapping/queue-calls.ts";
import { createTurns, type Turns } from "../../../localstack/mapping/turns.ts";
import { createClients } from "../../../localstack/template/resources.ts";

const SOON = { timeout: 10_000, interval: 10 };

interface Invocation {
  readonly queue: string;
  readonly end: () => void;
}

let gateway: Gateway;
let sqs: SQSClient;
let mappings: EventSourceMapping[];
/** Under way, oldest first. */
let running: Invocation[];
/** The queue of each invocation that has begun. */
let begun: string[];

async function createQueue(name: string, messages: number): Promise<void> {
  const Attributes = { VisibilityTimeout: "600" };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  for (let sent = 0; sent < messages; sent += 10) {
    const Entries = Array.from({ length: 10 }, (_, index) => ({ Id: String(index), MessageBody: name }));
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function map(
  queue: string,
  maximumConcurrency: number,
  turns: Turns,
  invoke = hold,
): Promise<EventSourceMapping> {
  const queueUrl = `${gateway.endpoint}/000000000000/${queue}`;
  const mapping = await startEventSourceMapping({
    queue: callsInProcess(gateway.queues, queueUrl),
    queueUrl,
    region: "us-east-1",
    functionName: "worker",
    queueArn: `arn:aws:sqs:us-east-1:000000000000:${queue}`,
    batchSize: 1,
    maximumBatchingWindowSeconds: 0,
    functionTimeoutSeconds: 60,
    reportBatchItemFailures: true,
    maximumConcurrency,
    turns,
    invoke,
    log: () => {},
  });
  mappings.push(mapping);
  return mapping;
}

/** An invocation that the test ends. */
async function hold(_name: string, { Records }: SQSEvent): Promise<InvocationResult> {
  const queue = Records[0]?.body ?? "";
  const { promise, resolve } = Promise.withResolvers<void>();
  running.push({ queue, end: resolve });
  begun.push(queue);
  await promise;
  return { ok: true, payload: "null" };
}

const runningOf = (queue: string) => running.filter((invocation) => invocation.queue === queue).length;

/** Ends the oldest invocation, as invocations of equal length do, and waits for the one that takes its place. */
async function endOldest(): Promise<void> {
  const before = begun.length;
  running.shift()?.end();
  await vi.waitFor(() => expect(begun.length).toBe(before + 1), SOON);
}

async function inFlight(queue: string): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: `${gateway.endpoint}/000000000000/${queue}`,
      AttributeNames: ["ApproximateNumberOfMessagesNotVisible"],
    }),
  );
  return Number(Attributes?.ApproximateNumberOfMessagesNotVisible);
}

beforeEach(async () => {
  [mappings, running, begun] = [[], [], []];
  gateway = await startGateway({ port: 0 });
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  sqs = createClients({ endpoint: gateway.endpoint, region: "us-east-1", credentials }).sqs;
});

afterEach(async () => {
  const stopped = Promise.all(mappings.map((mapping) => mapping.stop()));
  for (const invocation of running) invocation.end();
  await stopped;
  sqs.destroy();
  await gateway.close();
});

describe("Two queues with maximum concurrency 8 and 2 on one function", () => {
  it("each run at their own maximum when there are sandboxes enough", async () => {
    await createQueue("heavy", 40);
    await createQueue("light", 40);
    const turns = createTurns(20);

    await Promise.all([map("heavy", 8, turns), map("light", 2, turns)]);
    await vi.waitFor(() => expect([runningOf("heavy"), runningOf("light")]).toEqual([8, 2]), SOON);
    for (let ended = 0; ended < 20; ended += 1) await endOldest();

    expect([runningOf("heavy"), runningOf("light")]).toEqual([8, 2]);
    expect(await Promise.all([inFlight("heavy"), inFlight("light")])).toEqual([8, 2]);
  });

  it("share fewer sandboxes four to one, and receive nothing that must wait", async () => {
    await createQueue("heavy", 200);
    await createQueue("light", 100);
    const turns = createTurns(4);

    const [heavy, light] = await Promise.all([map("heavy", 8, turns), map("light", 2, turns)]);
    await vi.waitFor(() => expect(running.length).toBe(4), SOON);
    // The heavy queue reaches its maximum in its first second, by a step per second like AWS's.
    await vi.waitFor(
      async () => {
        await endOldest();
        expect(heavy.metrics().concurrency).toBe(8);
      },
      { timeout: 5000, interval: 60 },
    );
    for (let ended = 0; ended < 10; ended += 1) await endOldest();
    const from = begun.length;
    for (let ended = 0; ended < 50; ended += 1) await endOldest();

    const counted = begun.slice(from);
    const ofLight = counted.filter((queue) => queue === "light").length;
    expect(running.length).toBe(4);
    expect(counted.length).toBe(50);
    expect(ofLight).toBeGreaterThanOrEqual(9);
    expect(ofLight).toBeLessThanOrEqual(11);
    expect((await inFlight("heavy")) + (await inFlight("light"))).toBe(4);
    expect([heavy, light].map((mapping) => mapping.metrics().throttles)).toEqual([0, 0]);
  });

  it("leave all sandboxes to one when the other is empty, and give it its share when it is not", async () => {
    await createQueue("heavy", 60);
    await createQueue("light", 0);
    const turns = createTurns(4);

    await Promise.all([map("heavy", 8, turns), map("light", 2, turns)]);
    await vi.waitFor(() => expect(runningOf("heavy")).toBe(4), SOON);
    await createQueue("light", 10);
    const from = begun.length;
    for (let ended = 0; ended < 10; ended += 1) await endOldest();

    expect(begun.slice(from)).toContain("light");
  });
});

describe("In real sandboxes", () => {
  let functions: Functions | undefined;
  afterEach(() => functions?.close({ drainMilliseconds: 0 }));

  it("no invocation is throttled while more mappings want sandboxes than there are", async () => {
    const module = new URL("../../fixtures/functions/answers.mjs", import.meta.url).pathname;
    const definition = { name: "worker", module, handler: "nothing", timeoutSeconds: 5, memorySizeMb: 128 };
    const log = () => {};
    functions = createFunctions({ definitions: [{ ...definition, environment: {} }], log, maxSandboxesPerFunction: 2 });
    const turns = createTurns(2);
    const queues = ["one", "two", "three"];
    for (const queue of queues) await createQueue(queue, 20);

    const started = await Promise.all(queues.map((queue) => map(queue, 5, turns, functions?.invoke)));
    await vi.waitFor(() => expect(started.map((mapping) => mapping.metrics().deleted)).toEqual([20, 20, 20]), SOON);

    expect(started.map((mapping) => mapping.metrics().throttles)).toEqual([0, 0, 0]);
  });
});
