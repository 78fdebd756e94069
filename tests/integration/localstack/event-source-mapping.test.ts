import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Gateway, startGateway } from "../../../localstack/gateway.ts";
import { createFunctions, type InvocationResult } from "../../../localstack/lambda/functions.ts";
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from "../../../localstack/mapping/mapping.ts";

const SOON = { timeout: 8000, interval: 10 };
const ACCOUNT = "000000000000";
const OK: InvocationResult = { ok: true, payload: "null" };
const ERROR: InvocationResult = { ok: false, errorType: "Error", errorMessage: "no" };
const THROTTLED: InvocationResult = {
  ok: false,
  errorType: "TooManyRequestsException",
  errorMessage: "Rate Exceeded.",
  throttled: true,
};

interface Call {
  readonly records: SQSRecord[];
  readonly answer: (result: InvocationResult) => void;
  readonly at: number;
}

let gateway: Gateway;
let sqs: SQSClient;
let queueUrl: string;
let calls: Call[];
let lines: string[];
/** Names and inputs of the SQS calls that were made. */
let requests: { name: string; input: object }[];
/** Answers an invocation at once; without one the test answers by hand. */
let respond: ((records: SQSRecord[], call: number) => InvocationResult) | undefined;
let mapping: EventSourceMapping | undefined;

const isFifo = () => queueUrl.endsWith(".fifo");
const bodies = (call: Call | undefined) => call?.records.map(({ body }) => body);
const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `m${from + index}`);

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

async function createQueue(name: string, attributes: Record<string, string> = {}): Promise<void> {
  const fifo = name.endsWith(".fifo") ? { FifoQueue: "true", ContentBasedDeduplication: "true" } : {};
  const Attributes = { VisibilityTimeout: "30", ...fifo, ...attributes };
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  queueUrl = QueueUrl;
}

async function send(messages: (string | Partial<SendMessageBatchRequestEntry>)[]): Promise<void> {
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

async function start(options: Partial<EventSourceMappingOptions> = {}): Promise<EventSourceMapping> {
  const queueName = queueUrl.slice(queueUrl.lastIndexOf("/") + 1);
  mapping = await startEventSourceMapping({
    sqs,
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
      if (respond !== undefined) resolve(respond(Records, calls.length));
      return promise;
    },
    log: (line) => lines.push(line),
    ...options,
  });
  return mapping;
}

/** Waits for the nth invocation, counted from 1. */
const called = (count: number) =>
  vi.waitFor(() => {
    const call = calls[count - 1];
    if (call === undefined) throw new Error(`${calls.length} of ${count} invocations. Log: ${lines.join("\n")}`);
    return call;
  }, SOON);

/** Visible and in-flight messages of the queue. */
async function depth(): Promise<[number, number]> {
  const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...AttributeNames] }),
  );
  return [Number(Attributes?.[AttributeNames[0]]), Number(Attributes?.[AttributeNames[1]])];
}

const depthBecomes = (visible: number, inFlight: number) =>
  vi.waitFor(async () => expect(await depth()).toEqual([visible, inFlight]), SOON);

beforeEach(async () => {
  [calls, lines, requests, respond, mapping] = [[], [], [], undefined, undefined];
  gateway = await startGateway({ port: 0 });
  sqs = connect(gateway.endpoint);
  await createQueue("orders");
});

afterEach(async () => {
  const stopped = mapping?.stop();
  for (const call of calls) call.answer(ERROR);
  await stopped;
  sqs.destroy();
  await gateway.close();
});

describe("1 Batching", () => {
  test("A batch holds up to the batch size, and nothing is lost or doubled", async () => {
    await send(texts(1, 25));
    respond = () => OK;

    const { metrics } = await start({ batchSize: 10 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(25), SOON);

    expect(calls.every(({ records }) => records.length <= 10)).toBe(true);
    expect(calls.flatMap(bodies).toSorted()).toEqual(texts(1, 25).toSorted());
    await depthBecomes(0, 0);
  });

  test("A batch size of 1 gives single messages", async () => {
    await send(texts(1, 3));
    respond = () => OK;

    await start({ batchSize: 1 });
    await called(3);

    expect(calls.map(({ records }) => records.length)).toEqual([1, 1, 1]);
  });

  test("Without a window a message runs as soon as it is there", async () => {
    await start();
    await vi.waitFor(
      () => expect(requests).toContainEqual(expect.objectContaining({ name: "ReceiveMessageCommand" })),
      SOON,
    );

    const sentAt = Date.now();
    await send(["now"]);

    expect((await called(1)).at - sentAt).toBeLessThan(1000);
  });

  test("A window gathers what comes until it ends", async () => {
    await start({ maximumBatchingWindowSeconds: 1 });

    const sentAt = Date.now();
    await send(["first"]);
    await depthBecomes(0, 1);
    await send(["second"]);
    const call = await called(1);

    expect(bodies(call)).toEqual(["first", "second"]);
    expect(call.at - sentAt).toBeGreaterThanOrEqual(950);
    expect(calls).toHaveLength(1);
  });

  test("A message that comes after the window's end is in the next batch", async () => {
    respond = () => OK;
    await start({ maximumBatchingWindowSeconds: 1 });

    await send(["first"]);
    await called(1);
    await send(["second"]);
    await called(2);

    expect(calls.map(bodies)).toEqual([["first"], ["second"]]);
  });

  test("A full batch does not wait for its window", async () => {
    await start({ batchSize: 12, maximumBatchingWindowSeconds: 300 });

    await send(texts(1, 12));
    const call = await called(1);

    expect(bodies(call)?.toSorted()).toEqual(texts(1, 12).toSorted());
  });

  test("A batch may be larger than one receive", async () => {
    await send(texts(1, 25));

    await start({ batchSize: 100, maximumBatchingWindowSeconds: 1 });

    expect((await called(1)).records).toHaveLength(25);
  });

  test("An event stays below 6 MB, whatever the batch size", async () => {
    await Promise.all(texts(1, 8).map((text) => send([text.padEnd(1_000_000, ".")])));
    respond = () => OK;

    const { metrics } = await start({ batchSize: 10 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(8), SOON);

    const sizes = calls.map(({ records }) => Buffer.byteLength(JSON.stringify({ Records: records })));
    expect(calls.length).toBeLessThan(8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6_291_456);
  });

  test("An empty queue is waited for by one long poll", async () => {
    await start();

    await vi.waitFor(() => expect(mapping?.metrics().polls).toBe(1), SOON);
    await send(["one"]);
    (await called(1)).answer(OK);
    await vi.waitFor(() => expect(mapping?.metrics().deleted).toBe(1), SOON);

    const polls = requests.filter(({ name }) => name === "ReceiveMessageCommand");
    expect(polls).toEqual(
      [1, 2].map(() => expect.objectContaining({ input: expect.objectContaining({ WaitTimeSeconds: 20 }) })),
    );
  });
});

describe("2 Scaling", () => {
  test("Five batches run at first, and more when the queue has more", async () => {
    await send(texts(1, 12));

    const { metrics } = await start({ batchSize: 1 });
    await vi.waitFor(() => expect(metrics().running).toBe(5), SOON);
    const atFirst = { visible: (await depth())[0], concurrency: metrics().concurrency };

    expect(atFirst).toEqual({ visible: 7, concurrency: 5 });
    await vi.waitFor(() => expect(metrics().running).toBe(10), SOON);
    expect(metrics().concurrency).toBe(10);
  });

  test.each([
    ["maximumConcurrency", { maximumConcurrency: 2 }],
    ["the local pool's limit", { poolLimit: 2 }],
  ])("At %s nothing more is invoked or received", async (_name, limit) => {
    await send(texts(1, 6));

    const { metrics } = await start({ batchSize: 1, ...limit });
    await vi.waitFor(() => expect(metrics().running).toBe(2), SOON);
    const polls = metrics().polls;
    calls[0]?.answer(OK);
    await called(3);

    expect(metrics()).toMatchObject({ running: 2, polls: polls + 1, concurrency: 2 });
    await depthBecomes(3, 2);
  });

  test("The queue is polled while batches run", async () => {
    await start({ maximumConcurrency: 3 });

    await send(["first"]);
    await called(1);
    await send(["second"]);

    expect(bodies(await called(2))).toEqual(["second"]);
  });
});

describe("3 Success and failure of the whole batch", () => {
  test("Success deletes every message, whatever the answer says, when failures are not reported", async () => {
    await send(["a", "b"]);

    await start({ reportBatchItemFailures: false });
    const call = await called(1);
    const failures = call.records.map(({ messageId }) => ({ itemIdentifier: messageId }));
    call.answer({ ok: true, payload: JSON.stringify({ batchItemFailures: failures }) });

    await depthBecomes(0, 0);
  });

  test.each([true, false])(
    "An error deletes nothing, and the visibility timeout is the queue's own (reported failures: %s)",
    async (reports) => {
      await createQueue("short", { VisibilityTimeout: "1" });
      await send(["a", "b"]);
      respond = (_records, call) => (call === 1 ? ERROR : OK);

      const { metrics } = await start({ reportBatchItemFailures: reports });
      const first = await called(1);
      await vi.waitFor(() => expect(metrics().deleted).toBe(2), SOON);

      const later = calls.slice(1);
      expect(Math.min(...later.map(({ at }) => at)) - first.at).toBeGreaterThan(800);
      expect(
        later.flatMap(({ records }) => records).map(({ attributes }) => attributes.ApproximateReceiveCount),
      ).toEqual(["2", "2"]);
      expect(requests.map(({ name }) => name)).not.toContain("ChangeMessageVisibilityBatchCommand");
      expect(metrics().failedBatches).toBe(1);
      expect(lines).toEqual([expect.stringMatching(/^\[worker\] A batch of 2 failed .*: Error: no$/)]);
    },
  );

  test("Errors reduce concurrency, but not when failures are reported", async () => {
    await send(texts(1, 2));
    respond = () => ERROR;

    const plain = await start({ batchSize: 1 });
    await vi.waitFor(() => expect(plain.metrics().failedBatches).toBe(2), SOON);
    await plain.stop();
    await send(texts(3, 4));
    const reporting = await start({ batchSize: 1, reportBatchItemFailures: true });
    await vi.waitFor(() => expect(reporting.metrics().failedBatches).toBe(2), SOON);

    expect([plain.metrics().concurrency, reporting.metrics().concurrency]).toEqual([2, 5]);
  });

  test("A function that crashes returns its batch, and the next one runs", async () => {
    await createQueue("crash", { VisibilityTimeout: "1" });
    const module = new URL("../../fixtures/functions/failures.mjs", import.meta.url).pathname;
    const definition = {
      name: "worker",
      module,
      handler: "exits",
      timeoutSeconds: 1,
      memorySizeMb: 128,
      environment: {},
    };
    const functions = createFunctions({ definitions: [definition], log: () => {} });
    await send(["a"]);

    const { metrics } = await start({ invoke: functions.invoke });
    await vi.waitFor(() => expect(metrics().failedBatches).toBe(1), SOON);
    functions.replace([{ ...definition, module: module.replace("failures", "answers"), handler: "echo" }]);

    await vi.waitFor(() => expect(metrics().deleted).toBe(1), SOON);
    expect(lines[0]).toMatch(/Runtime exited/);
    await functions.close({ drainMilliseconds: 0 });
  });
});

describe("4 Throttling", () => {
  test("The same batch is tried again until it is taken", async () => {
    await send(["a"]);
    respond = (_records, call) => (call < 4 ? THROTTLED : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(1), SOON);

    const gaps = calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0));
    expect(calls.map(({ records }) => records[0]?.attributes.ApproximateReceiveCount)).toEqual(["1", "1", "1", "1"]);
    expect(gaps[2]).toBeGreaterThan(gaps[0] ?? 0);
    expect(metrics()).toMatchObject({ throttles: 3, invocations: 4, dropped: 0 });
  });

  test("A batch is dropped when its visibility timeout would pass, and the queue delivers it again", async () => {
    await createQueue("short", { VisibilityTimeout: "1" });
    await send(["a"]);
    const isFirst = ([record]: SQSRecord[]) => record?.attributes.ApproximateReceiveCount === "1";
    respond = (records) => (isFirst(records) ? THROTTLED : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(1), SOON);

    const received = calls[0]?.at ?? 0;
    const ofFirst = calls.filter(({ records }) => isFirst(records));
    expect(ofFirst.length).toBeGreaterThan(2);
    expect(Math.max(...ofFirst.map(({ at }) => at)) - received).toBeLessThan(1000);
    expect(metrics()).toMatchObject({ dropped: 1, failedBatches: 0 });
  });
});

describe("5 Reported failures (each shape of answer: tests/unit/localstack/mapping/response.test.ts)", () => {
  test("Exactly the messages that are not listed are deleted", async () => {
    await createQueue("short", { VisibilityTimeout: "1" });
    await send(["good", "bad", "fine"]);
    respond = (records) => {
      const failures = records
        .filter(({ body }) => body === "bad")
        .map(({ messageId }) => ({ itemIdentifier: messageId }));
      return { ok: true, payload: JSON.stringify({ batchItemFailures: failures }) };
    };

    const { metrics } = await start({ reportBatchItemFailures: true });
    await vi.waitFor(() => expect(metrics().reportedFailures).toBe(2), SOON);

    expect(metrics()).toMatchObject({ deleted: 2, concurrency: 5 });
    expect(calls.map(({ records }) => records.length).toSorted()).toEqual([1, 3]);
  });

  test.each(["null", "{}", '{"batchItemFailures":[]}', '{"batchItemFailures":null}'])(
    "%s deletes the batch",
    async (payload) => {
      await send(["a", "b"]);
      respond = () => ({ ok: true, payload });

      await start({ reportBatchItemFailures: true });

      await depthBecomes(0, 0);
    },
  );

  test.each(['{"batchItemFailures":[{"itemIdentifier":"unknown"}]}', '{"batchItemFailures":[{"id":"x"}]}', '"ok"'])(
    "%s keeps the whole batch",
    async (payload) => {
      await send(["a", "b"]);
      respond = () => ({ ok: true, payload });

      const { metrics } = await start({ reportBatchItemFailures: true });
      await vi.waitFor(() => expect(metrics().failedBatches).toBe(1), SOON);

      expect(await depth()).toEqual([0, 2]);
      expect(metrics().deleted).toBe(0);
    },
  );
});

describe("6 FIFO queues", () => {
  const inGroups = (...messages: string[]) =>
    messages.map((MessageBody) => ({ MessageBody, MessageGroupId: MessageBody.slice(0, 1) }));
  const ofGroup = (group: string) =>
    calls.flatMap(({ records }) => records.map(({ body }) => body)).filter((body) => body.startsWith(group));

  test("Each group keeps its order, and groups run beside each other", async () => {
    await createQueue("orders.fifo");
    await send(inGroups("a1", "a2", "b1", "a3", "b2"));
    respond = () => OK;

    const { metrics } = await start({ batchSize: 2 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(5), SOON);

    expect([ofGroup("a"), ofGroup("b")]).toEqual([
      ["a1", "a2", "a3"],
      ["b1", "b2"],
    ]);
  });

  test("No two batches of one group run at once", async () => {
    await createQueue("orders.fifo");
    await send(inGroups("a1", "a2"));

    await start({ batchSize: 1 });
    const first = await called(1);
    await send(inGroups("b1"));
    const second = await called(2);

    expect([bodies(first), bodies(second)]).toEqual([["a1"], ["b1"]]);
    first.answer(OK);
    expect(bodies(await called(3))).toEqual(["a2"]);
  });

  test("A failed message holds its group back until it has been processed", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    await send(inGroups("a1", "a2", "b1"));
    respond = (records) =>
      records[0]?.body === "a1" && records[0].attributes.ApproximateReceiveCount === "1" ? ERROR : OK;

    const { metrics } = await start({ batchSize: 1, reportBatchItemFailures: true });
    await vi.waitFor(() => expect(metrics().deleted).toBe(3), SOON);

    expect(ofGroup("a")).toEqual(["a1", "a1", "a2"]);
  });

  test("A message that becomes visible again while its group still runs is left to the queue", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    await send(inGroups("a1"));

    const { metrics } = await start({ batchSize: 1 });
    const call = await called(1);
    await vi.waitFor(() => expect(metrics().dropped).toBeGreaterThan(0), SOON);
    call.answer(OK);
    const again = await called(2);

    expect(bodies(again)).toEqual(["a1"]);
    expect(Number(again.records[0]?.attributes.ApproximateReceiveCount)).toBeGreaterThan(2);
  });
});

describe("6 FIFO queues: whole batches", () => {
  const inGroups = (...messages: string[]) =>
    messages.map((MessageBody) => ({ MessageBody, MessageGroupId: MessageBody.slice(0, 1) }));
  const failed = (records: readonly SQSRecord[]): InvocationResult => {
    const batchItemFailures = records.map(({ messageId }) => ({ itemIdentifier: messageId }));
    return { ok: true, payload: JSON.stringify({ batchItemFailures }) };
  };
  const receiveCounts = (call: Call | undefined) =>
    call?.records.map(({ attributes }) => Number(attributes.ApproximateReceiveCount));

  test("A batch holds several groups, each in its order, and no group runs twice at once", async () => {
    await createQueue("orders.fifo");
    const groups = ["a", "b", "c"];
    const all = texts(1, 12).flatMap((text) => groups.map((group) => `${group}${text}`));
    const sent = all.filter((body) => !body.startsWith("a") || ["am1", "am2", "am3"].includes(body));
    await send(inGroups(...sent));
    const running: string[] = [];
    let overlaps = 0;

    const { metrics } = await start({
      batchSize: 5,
      async invoke(_name, { Records }) {
        const own = new Set(Records.map(({ attributes }) => attributes.MessageGroupId ?? ""));
        overlaps += [...own].filter((group) => running.includes(group)).length;
        running.push(...own);
        calls.push({ records: Records, answer: () => {}, at: Date.now() });
        await new Promise((resolve) => setTimeout(resolve, 5));
        for (const group of own) running.splice(running.indexOf(group), 1);
        return OK;
      },
    });
    await vi.waitFor(() => expect(metrics().deleted).toBe(sent.length), SOON);

    const processed = calls.flatMap(({ records }) => records.map(({ body }) => body));
    for (const group of groups) {
      expect(processed.filter((body) => body.startsWith(group))).toEqual(sent.filter((body) => body.startsWith(group)));
    }
    expect(overlaps).toBe(0);
    expect(bodies(calls[0])).toEqual(["am1", "am2", "am3", "bm1", "bm2"]);
  });

  test("There are never more invocations than groups", async () => {
    await createQueue("orders.fifo");
    await send(inGroups("a1", "b1", "c1", "a2", "b2", "c2"));

    const { metrics } = await start({ batchSize: 1 });
    const first = await called(3);
    // A short poll found that all groups are locked, and a long one waits for one of them.
    await vi.waitFor(() => expect(metrics().polls).toBe(5), SOON);

    expect(metrics()).toMatchObject({ running: 3, concurrency: 5, dropped: 0 });
    first.answer(OK);
    expect((await called(4)).records[0]?.body).toBe(`${first.records[0]?.body[0]}2`);
  });

  test("What is reported failed returns in its order, before what was sent later", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    await send(inGroups("a1", "a2", "a3", "a4", "b1"));
    respond = (records, call) => (call === 1 ? failed(records.filter(({ body }) => body > "a1" && body < "b")) : OK);

    const { metrics } = await start({ batchSize: 10, reportBatchItemFailures: true });
    await called(1);
    await send(inGroups("a5"));
    await vi.waitFor(() => expect(metrics().deleted).toBe(6), SOON);

    expect(calls.map(bodies)).toEqual([
      ["a1", "a2", "a3", "a4", "b1"],
      ["a2", "a3", "a4", "a5"],
    ]);
    expect(receiveCounts(calls[1])).toEqual([2, 2, 2, 1]);
  });

  test("A crash returns the whole batch, in its order, before what was sent later", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    const module = new URL("../../fixtures/functions/failures.mjs", import.meta.url).pathname;
    const definition = { ...{ name: "worker", module, handler: "exits" }, timeoutSeconds: 1, memorySizeMb: 128 };
    const functions = createFunctions({ definitions: [{ ...definition, environment: {} }], log: () => {} });
    await send(inGroups("a1", "a2", "b1"));

    const { metrics } = await start({
      reportBatchItemFailures: true,
      async invoke(name, event) {
        calls.push({ records: event.Records, answer: () => {}, at: Date.now() });
        return calls.length === 1 ? functions.invoke(name, event) : OK;
      },
    });
    await called(1);
    await send(inGroups("a3"));
    await vi.waitFor(() => expect(metrics().deleted).toBe(4), SOON);
    await functions.close({ drainMilliseconds: 0 });

    const processed = calls.slice(1).flatMap(({ records }) => records.map(({ body }) => body));
    expect(bodies(calls[0])).toEqual(["a1", "a2", "b1"]);
    expect(processed.filter((body) => body !== "b1")).toEqual(["a1", "a2", "a3"]);
    expect(lines[0]).toMatch(/A batch of 3 failed .*Runtime exited/);
  });

  test.each([
    ["at once", 0],
    ["and holds its head back for a while", 1],
  ])("A function that returns its batch itself, %s, gets it again as soon as that is over", async (_when, seconds) => {
    await createQueue("orders.fifo", { VisibilityTimeout: "600" });
    await send(inGroups("a1", "a2", "a3"));
    const { metrics } = await start({ batchSize: 2, reportBatchItemFailures: true });
    const first = await called(1);

    for (const [index, { receiptHandle }] of first.records.entries()) {
      const VisibilityTimeout = index === 0 ? seconds : 0;
      const change = { QueueUrl: queueUrl, ReceiptHandle: receiptHandle, VisibilityTimeout };
      await sqs.send(new ChangeMessageVisibilityCommand(change));
    }
    // Received anew while the first invocation still runs: at least when nothing is held back.
    if (seconds === 0) await depthBecomes(1, 2);
    const callsMeanwhile = calls.length;
    first.answer(failed(first.records));
    const second = await called(2);

    expect(callsMeanwhile).toBe(1);
    expect([bodies(second), receiveCounts(second)]).toEqual([
      ["a1", "a2"],
      [2, 2],
    ]);
    expect(metrics().dropped).toBe(0);
  });

  test("A batch above 6 MB runs in parts, one after the other", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "600" });
    for (const text of texts(1, 8)) await send([text.padEnd(1_000_000, ".")]);

    const { metrics } = await start();
    const first = await called(1);
    const runningAtFirst = metrics().running;
    first.answer(OK);
    const second = await called(2);
    second.answer(OK);
    await depthBecomes(0, 0);

    expect(runningAtFirst).toBe(1);
    expect(Buffer.byteLength(JSON.stringify({ Records: first.records }))).toBeLessThanOrEqual(6_291_456);
    const processed = [first, second].flatMap(({ records }) => records.map(({ body }) => body.slice(0, 2)));
    expect(processed).toEqual(texts(1, 8));
  });

  test("A part that fails keeps the later parts back", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "2" });
    for (const text of texts(1, 8)) await send([text.padEnd(1_000_000, ".")]);
    respond = (_records, call) => (call === 1 ? ERROR : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(8), SOON);

    const processed = calls.slice(1).flatMap(({ records }) => records.map(({ body }) => body.slice(0, 2)));
    expect(processed).toEqual(texts(1, 8));
  });
});

describe("7 What AWS refuses when the mapping is created (each rule: tests/unit/localstack/mapping/checks.test.ts)", () => {
  test("A visibility timeout, read from the queue, below the function's", async () => {
    await createQueue("short", { VisibilityTimeout: "5" });

    const sentence = "Queue visibility timeout: 5 seconds is less than Function timeout: 6 seconds";
    await expect(start({ functionTimeoutSeconds: 6 })).rejects.toThrow(sentence);
    expect(requests.map(({ name }) => name)).not.toContain("ReceiveMessageCommand");
  });

  test("A queue that does not exist", async () => {
    await expect(start({ queueUrl: `${queueUrl}-missing` })).rejects.toMatchObject({ name: "QueueDoesNotExist" });
  });
});

describe("8 Filter criteria (the patterns: tests/unit/localstack/mapping/filter.test.ts)", () => {
  test("Messages that match no pattern are deleted and not invoked", async () => {
    await send(['{"kind":"order"}', '{"kind":"invoice"}', "plain text"]);
    respond = () => OK;

    const { metrics } = await start({ filterPatterns: [{ body: { kind: ["order"] } }] });
    await vi.waitFor(() => expect(metrics().deleted).toBe(3), SOON);

    expect(calls.flatMap(bodies)).toEqual(['{"kind":"order"}']);
    expect(metrics()).toMatchObject({ filtered: 2, received: 1 });
    await depthBecomes(0, 0);
  });

  test("A filter on something else than the body works here, with a warning", async () => {
    await send(["a"]);

    await start({ filterPatterns: [{ attributes: { ApproximateReceiveCount: ["1"] } }] });

    expect(bodies(await called(1))).toEqual(["a"]);
    expect(lines).toEqual([
      expect.stringContaining("Filter patterns test attributes: AWS documents filters on body only"),
    ]);
  });

  test("An operator that is not emulated is refused", async () => {
    const filterPatterns = [{ body: { kind: [{ wildcard: "o*" }] } }];

    await expect(start({ filterPatterns })).rejects.toThrow("Invalid filter pattern definition.");
  });
});

describe("9 Records (exact shapes: tests/unit/localstack/mapping/record.test.ts)", () => {
  test("A record of a standard queue", async () => {
    const MessageAttributes = {
      text: { DataType: "String", StringValue: "hello" },
      bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
    };
    const trace = { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793" };
    await send([{ MessageBody: "body ü", MessageAttributes, MessageSystemAttributes: { AWSTraceHeader: trace } }]);

    await start();
    const { records } = await called(1);

    const lists = { stringListValues: [], binaryListValues: [] };
    expect(records).toEqual([
      {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receiptHandle: expect.stringMatching(/./),
        body: "body ü",
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
          SenderId: expect.stringMatching(/./),
          ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
          AWSTraceHeader: trace.StringValue,
        },
        messageAttributes: {
          text: { stringValue: "hello", ...lists, dataType: "String" },
          bytes: { binaryValue: "AP8=", ...lists, dataType: "Binary" },
        },
        md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
        md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
        eventSource: "aws:sqs",
        eventSourceARN: `arn:aws:sqs:us-east-1:${ACCOUNT}:orders`,
        awsRegion: "us-east-1",
      },
    ]);
  });

  test("A record of a fair queue has its group", async () => {
    await send([{ MessageBody: "x", MessageGroupId: "tenant" }, "without"]);

    await start();

    const { records } = await called(1);
    expect(records.map(({ attributes }) => attributes.MessageGroupId)).toEqual(["tenant", undefined]);
  });

  test("A record of a FIFO queue also has its group, deduplication id and sequence number", async () => {
    await createQueue("orders.fifo");
    await send([{ MessageBody: "x", MessageGroupId: "g", MessageDeduplicationId: "d" }]);

    await start();

    expect((await called(1)).records[0]?.attributes).toMatchObject({
      MessageGroupId: "g",
      MessageDeduplicationId: "d",
      SequenceNumber: expect.stringMatching(/^\d+$/),
    });
  });
});

describe("10 Outages and the end", () => {
  test("A queue that goes away and comes back is polled again, with a line or two in the log", async () => {
    respond = () => OK;
    const { metrics } = await start();
    await send(["before"]);
    await called(1);

    await gateway.close();
    await vi.waitFor(() => expect(metrics().outages).toBe(1), SOON);
    gateway = await startGateway({ port: gateway.port });
    await createQueue("orders");
    await send(["after"]);

    expect(bodies(await called(2))).toEqual(["after"]);
    expect(lines.length).toBeLessThanOrEqual(3);
    expect([lines[0], lines.at(-1)]).toEqual([
      expect.stringContaining("cannot be polled"),
      expect.stringContaining("answers again"),
    ]);
  });

  test("Stopping ends the long poll at once and takes no message with it", async () => {
    const { stop } = await start();
    await vi.waitFor(() => expect(mapping?.metrics().polls).toBe(1), SOON);

    const stoppedAt = Date.now();
    await stop();
    await send(["later"]);

    expect(Date.now() - stoppedAt).toBeLessThan(1000);
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 2 }));
    expect(Messages?.map(({ Body }) => Body)).toEqual(["later"]);
  });

  test("Stopping waits for running invocations and deletes what succeeded", async () => {
    await send(["a"]);
    const { stop } = await start();
    const call = await called(1);

    let stopped = false;
    const stopping = stop().then(() => {
      stopped = true;
    });
    const before = { depth: await depth(), stopped };
    call.answer(OK);
    await stopping;

    expect(before).toEqual({ depth: [0, 1], stopped: false });
    expect(await depth()).toEqual([0, 0]);
  });

  test("Stopping hands back what was received and not begun", async () => {
    await send(["a", "b"]);
    respond = () => THROTTLED;
    const { stop, metrics } = await start();
    await vi.waitFor(() => expect(metrics().throttles).toBeGreaterThan(1), SOON);

    await stop();

    expect(await depth()).toEqual([2, 0]);
    expect(requests.at(-2)?.name).toBe(ChangeMessageVisibilityBatchCommand.name);
  });

  test("Stopping in a window hands its messages back", async () => {
    const { stop } = await start({ maximumBatchingWindowSeconds: 300 });
    await send(["a"]);
    await depthBecomes(0, 1);

    await Promise.all([stop(), stop()]);

    expect(await depth()).toEqual([1, 0]);
    expect(calls).toEqual([]);
  });
});
