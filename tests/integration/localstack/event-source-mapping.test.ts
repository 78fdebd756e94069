import { describe, expect, it, vi } from "vitest";
import { systemClock } from "../../../localstack/clock.ts";
import { createFunctions } from "../../../localstack/lambda/functions.ts";
import {
  bodies,
  called,
  calls,
  createQueue,
  depth,
  depthBecomes,
  ERROR,
  lines,
  mapping,
  OK,
  on,
  requests,
  SOON,
  send,
  start,
  texts,
} from "./mapping-ground.ts";

/** A wait that only an end of the whole mapping ends. */
const untilAborted = (signal: AbortSignal | undefined) =>
  new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));

describe("1 Batching", () => {
  it("a batch holds up to the batch size, and nothing is lost or doubled", async () => {
    await send(texts(1, 25));
    on.respond = () => OK;

    const { metrics } = await start({ batchSize: 10 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(25), SOON);

    expect(calls.every(({ records }) => records.length <= 10)).toBe(true);
    expect(calls.flatMap(bodies).toSorted()).toEqual(texts(1, 25).toSorted());
    await depthBecomes(0, 0);
  });

  it("a batch size of 1 gives single messages", async () => {
    await send(texts(1, 3));
    on.respond = () => OK;

    await start({ batchSize: 1 });
    await called(3);

    expect(calls.map(({ records }) => records.length)).toEqual([1, 1, 1]);
  });

  it("without a window a message runs as soon as it is there", async () => {
    // On a clock that stands still no window ever ends.
    const now = Date.now();
    await start({ clock: { ...systemClock, now: () => now, sleep: (_ms, signal) => untilAborted(signal) } });
    await vi.waitFor(
      () => expect(requests).toContainEqual(expect.objectContaining({ name: "ReceiveMessageCommand" })),
      SOON,
    );

    await send(["now"]);

    expect(bodies(await called(1))).toEqual(["now"]);
  });

  it("a window gathers what comes until it ends", async () => {
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

  it("a message that comes after the window's end is in the next batch", async () => {
    on.respond = () => OK;
    await start({ maximumBatchingWindowSeconds: 1 });

    await send(["first"]);
    await called(1);
    await send(["second"]);
    await called(2);

    expect(calls.map(bodies)).toEqual([["first"], ["second"]]);
  });

  it("a full batch does not wait for its window", async () => {
    await start({ batchSize: 12, maximumBatchingWindowSeconds: 300 });

    await send(texts(1, 12));
    const call = await called(1);

    expect(bodies(call)?.toSorted()).toEqual(texts(1, 12).toSorted());
  });

  it("a batch may be larger than one receive", async () => {
    await send(texts(1, 25));

    await start({ batchSize: 100, maximumBatchingWindowSeconds: 1 });

    expect((await called(1)).records).toHaveLength(25);
  });

  it("an event stays below 6 MB, whatever the batch size", async () => {
    await Promise.all(texts(1, 8).map((text) => send([text.padEnd(1_000_000, ".")])));
    on.respond = () => OK;

    const { metrics } = await start({ batchSize: 10 });
    await vi.waitFor(() => expect(metrics().deleted).toBe(8), SOON);

    const sizes = calls.map(({ records }) => Buffer.byteLength(JSON.stringify({ Records: records })));
    expect(calls.length).toBeLessThan(8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6_291_456);
  });

  it("an empty queue is waited for by one long poll", async () => {
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
  it("five batches run at first, and more when the queue has more", async () => {
    await send(texts(1, 12));

    const { metrics } = await start({ batchSize: 1 });
    await vi.waitFor(() => expect(metrics().running).toBe(5), SOON);
    const atFirst = { visible: (await depth())[0], concurrency: metrics().concurrency };

    expect(atFirst).toEqual({ visible: 7, concurrency: 5 });
    await vi.waitFor(() => expect(metrics().running).toBe(10), SOON);
    expect(metrics().concurrency).toBe(10);
  });

  it.each([
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

  it("the queue is polled while batches run", async () => {
    await start({ maximumConcurrency: 3 });

    await send(["first"]);
    await called(1);
    await send(["second"]);

    expect(bodies(await called(2))).toEqual(["second"]);
  });
});

describe("3 Success and failure of the whole batch", () => {
  it("success deletes every message, whatever the answer says, when failures are not reported", async () => {
    await send(["a", "b"]);

    await start({ reportBatchItemFailures: false });
    const call = await called(1);
    const failures = call.records.map(({ messageId }) => ({ itemIdentifier: messageId }));
    call.answer({ ok: true, payload: JSON.stringify({ batchItemFailures: failures }) });

    await depthBecomes(0, 0);
  });

  it.each([true, false])(
    "An error deletes nothing, and the visibility timeout is the queue's own (reported failures: %s)",
    async (reports) => {
      await createQueue("short", { VisibilityTimeout: "1" });
      await send(["a", "b"]);
      on.respond = (_records, call) => (call === 1 ? ERROR : OK);

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

  it("errors reduce concurrency, but not when failures are reported", async () => {
    await send(texts(1, 2));
    on.respond = () => ERROR;

    const plain = await start({ batchSize: 1 });
    await vi.waitFor(() => expect(plain.metrics().failedBatches).toBe(2), SOON);
    await plain.stop();
    await send(texts(3, 4));
    const reporting = await start({ batchSize: 1, reportBatchItemFailures: true });
    await vi.waitFor(() => expect(reporting.metrics().failedBatches).toBe(2), SOON);

    expect([plain.metrics().concurrency, reporting.metrics().concurrency]).toEqual([2, 5]);
  });

  it("a function that crashes returns its batch, and the next one runs", async () => {
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

describe("5 Reported failures (each shape of answer: tests/unit/localstack/mapping/response.test.ts)", () => {
  it("exactly the messages that are not listed are deleted", async () => {
    await createQueue("short", { VisibilityTimeout: "1" });
    await send(["good", "bad", "fine"]);
    on.respond = (records) => {
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

  it.each(["null", "{}", '{"batchItemFailures":[]}', '{"batchItemFailures":null}'])(
    "%s deletes the batch",
    async (payload) => {
      await send(["a", "b"]);
      on.respond = () => ({ ok: true, payload });

      await start({ reportBatchItemFailures: true });

      await depthBecomes(0, 0);
    },
  );

  it.each(['{"batchItemFailures":[{"itemIdentifier":"unknown"}]}', '{"batchItemFailures":[{"id":"x"}]}', '"ok"'])(
    "%s keeps the whole batch",
    async (payload) => {
      await send(["a", "b"]);
      on.respond = () => ({ ok: true, payload });

      const { metrics } = await start({ reportBatchItemFailures: true });
      await vi.waitFor(() => expect(metrics().failedBatches).toBe(1), SOON);

      expect(await depth()).toEqual([0, 2]);
      expect(metrics().deleted).toBe(0);
    },
  );
});
