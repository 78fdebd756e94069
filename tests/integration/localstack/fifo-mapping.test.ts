import { ChangeMessageVisibilityCommand } from "@aws-sdk/client-sqs";
import type { SQSRecord } from "aws-lambda";
import { describe, expect, it, vi } from "vitest";
import { createFunctions, type InvocationResult } from "../../../localstack/lambda/functions.ts";
import {
  bodies,
  type Call,
  called,
  calls,
  createQueue,
  depthBecomes,
  ERROR,
  lines,
  OK,
  on,
  queueUrl,
  SOON,
  send,
  sqs,
  start,
  texts,
} from "./mapping-ground.ts";

describe("6 FIFO queues", () => {
  const inGroups = (...messages: string[]) =>
    messages.map((MessageBody) => ({ MessageBody, MessageGroupId: MessageBody.slice(0, 1) }));
  const ofGroup = (group: string) =>
    calls.flatMap(({ records }) => records.map(({ body }) => body)).filter((body) => body.startsWith(group));

  it("each group keeps its order, and groups run beside each other", async () => {
    await createQueue("orders.fifo");
    await send(inGroups("a1", "a2", "b1", "a3", "b2"));
    on.respond = () => OK;

    const { metrics } = await start({ batchSize: 2 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(5), SOON);

    expect([ofGroup("a"), ofGroup("b")]).toEqual([
      ["a1", "a2", "a3"],
      ["b1", "b2"],
    ]);
  });

  it("no two batches of one group run at once", async () => {
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

  it("a failed message holds its group back until it has been processed", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    await send(inGroups("a1", "a2", "b1"));
    on.respond = (records) =>
      records[0]?.body === "a1" && records[0].attributes.ApproximateReceiveCount === "1" ? ERROR : OK;

    const { metrics } = await start({ batchSize: 1, reportBatchItemFailures: true });
    await vi.waitFor(() => expect(metrics().deleted).toBe(3), SOON);

    expect(ofGroup("a")).toEqual(["a1", "a1", "a2"]);
  });

  it("a message that becomes visible again while its group still runs is left to the queue", async () => {
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

  it("a batch holds several groups, each in its order, and no group runs twice at once", async () => {
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

  it("there are never more invocations than groups", async () => {
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

  it("what is reported failed returns in its order, before what was sent later", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    await send(inGroups("a1", "a2", "a3", "a4", "b1"));
    on.respond = (records, call) => (call === 1 ? failed(records.filter(({ body }) => body > "a1" && body < "b")) : OK);

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

  it("a crash returns the whole batch, in its order, before what was sent later", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "1" });
    const module = new URL("../../fixtures/functions/failures.mjs", import.meta.url).pathname;
    const definition = { name: "worker", module, handler: "exits", timeoutSeconds: 1, memorySizeMb: 128 };
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

  it.each([
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

  it("a batch above 6 MB runs in parts, one after the other", async () => {
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

  it("a part that fails keeps the later parts back", async () => {
    await createQueue("orders.fifo", { VisibilityTimeout: "2" });
    for (const text of texts(1, 8)) await send([text.padEnd(1_000_000, ".")]);
    on.respond = (_records, call) => (call === 1 ? ERROR : OK);

    const { metrics } = await start();
    await vi.waitFor(() => expect(metrics().deleted).toBe(8), SOON);

    const processed = calls.slice(1).flatMap(({ records }) => records.map(({ body }) => body.slice(0, 2)));
    expect(processed).toEqual(texts(1, 8));
  });
});
