import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, InvalidPayloadError, task } from "../../../shared/index.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench, untilAborted } from "../../helpers/workbench.ts";
import { add, flaky, record, runs } from "./life-ground.ts";

const asksAgain = task({
  name: "asks_again",
  payload: z.object({}),
  run: (_, context) => {
    throw context.retry({ countdown: 1, cause: new Error("not yet") });
  },
});

const parent = task({
  name: "parent",
  payload: z.object({}),
  run: async () => (await record.delay({ note: "child" })).id,
});

const returns = task({
  name: "returns",
  payload: z.object({ what: z.enum(["nothing", "bigint", "date"]) }),
  run: ({ what }) => {
    if (what === "bigint") return { n: 1n as unknown as number };
    return what === "date" ? new Date(0).toISOString() : undefined;
  },
});

const slow = task({
  name: "slow",
  payload: z.object({}),
  timeLimit: 0.05,
  run: (_, { signal }) => untilAborted(signal),
});

const expiring = task({ name: "expiring", payload: z.object({}), expires: 60, run: () => "ran" });

const tasks = { add, record, flaky, asksAgain, parent, returns, slow, expiring };

const modules = [{ file: "tests.ts", exports: tasks }];

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

const { work, workUntilFinal } = bench;

describe("the life of a task", () => {
  it("goes from PENDING to its result", async () => {
    const result = await add.delay({ x: 4, y: 6 });

    expect(await result.fetch()).toMatchObject({ task: "add", state: "PENDING", attempt: 1, payload: { x: 4, y: 6 } });
    await work();
    expect(await result.get()).toBe(10);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: 10, queue: "default" });
  });

  it("refuses a wrong payload where it is sent, and sends nothing", async () => {
    // @ts-expect-error y is missing: this must not compile, and must not pass either
    const refused = add.delay({ x: "4" });

    await expect(refused).rejects.toThrow(InvalidPayloadError);
    await expect(refused).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      issues: [{ path: ["x"] }, { path: ["y"] }],
    });
  });

  it("retries with backoff until it succeeds, a new message each time", async () => {
    const result = await flaky.delay({ failures: 2 });
    await workUntilFinal(result.id);

    expect(await result.get()).toBe(3);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 3 });
    expect((await result.fetch()).error).toBeUndefined();
  });

  it("ends as a FAILURE that says why after its last retry", async () => {
    const result = await flaky.delay({ failures: 9 });
    await workUntilFinal(result.id);

    await expect(result.get()).rejects.toThrow("MaxRetriesExceededError: Task 'flaky' failed 4 times: attempt 4 fails");
    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 4,
      error: { code: "MAX_RETRIES_EXCEEDED" },
    });
  });

  it("runs again when it asks to, and no more often than it may", async () => {
    const result = await asksAgain.delay({});
    await workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 4,
      error: { message: expect.stringContaining("not yet") },
    });
  });

  it("applies the schema's defaults where it runs, and tells the run who it is", async () => {
    runs.length = 0;
    const result = await record.delay({});
    await work();

    expect(runs).toHaveLength(1);
    expect(runs[0]?.payload).toEqual({ note: "none" });
    expect(runs[0]?.context).toMatchObject({ id: result.id, attempt: 1, rootId: result.id, parentId: undefined });
  });

  it("links what a task sends to the task that sent it", async () => {
    const result = await parent.delay({});
    await work();
    const childId = await result.get();
    await work();

    expect(await engine.app.results.read(String(childId))).toMatchObject({
      parentId: result.id,
      rootId: result.id,
      state: "SUCCESS",
    });
  });

  it.each([
    ["nothing", "SUCCESS", null, undefined],
    ["date", "SUCCESS", "1970-01-01T00:00:00.000Z", undefined],
    ["bigint", "FAILURE", undefined, "at 'n' it is a BigInt"],
  ] as const)("stores a result of %s as %s", async (what, state, value, reason) => {
    const result = await returns.delay({ what });
    await work();

    const found = await result.fetch();
    expect(found.state).toBe(state);
    expect(found.result).toEqual(value);
    if (reason) expect(found.error?.message).toContain(reason);
  });

  it("ends at its time limit, with its signal aborted", async () => {
    const result = await slow.delay({});
    await work();

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
  });

  it("is REVOKED when it comes too late", async () => {
    const result = await expiring.delay({});
    engine.clock.now = new Date(Date.now() + 61_000);
    await work();
    engine.clock.now = new Date();

    expect(await result.fetch()).toMatchObject({ state: "REVOKED", error: { code: "TASK_REVOKED" } });
    await expect(result.get()).rejects.toThrow("before it was started");
  });

  it("that has begun is not REVOKED for coming late", async () => {
    const late = task({
      name: "flaky",
      payload: z.object({ failures: z.number() }),
      retry: { backoff: { base: 0 } },
      expires: 60,
      run: ({ failures }, { attempt }) => {
        if (attempt <= failures) throw new Error("again");
        return attempt;
      },
    });
    const result = await late.delay({ failures: 1 });
    await work();
    engine.clock.now = new Date(Date.now() + 61_000);
    await work();
    engine.clock.now = new Date();

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("is told by its signal when it is revoked while it runs, and ends REVOKED", async () => {
    const started = Promise.withResolvers<void>();
    const waits = task({
      name: "waits",
      payload: z.object({}),
      run: (_, { signal }) => {
        started.resolve();
        return untilAborted(signal);
      },
    });
    const result = await waits.delay({});
    const working = engine.deliver(
      "DefaultQueue",
      createWorker([{ file: "waits.ts", exports: { waits } }], engine.app),
    );
    await started.promise;

    expect(await result.revoke()).toMatchObject({ state: "STARTED" });
    const { event, kept } = await working;
    await engine.acknowledge("DefaultQueue", event.Records);
    expect(kept).toEqual([]);
    expect(await result.fetch()).toMatchObject({
      state: "REVOKED",
      error: { message: expect.stringContaining("while it ran") },
    });
    await expect(result.get()).rejects.toMatchObject({ code: "TASK_REVOKED" });
  });

  it("never runs after a revoke", async () => {
    runs.length = 0;
    const result = await record.delay({ note: "never" });
    expect(await result.revoke()).toMatchObject({ state: "REVOKED" });

    expect(await work()).toEqual([]);
    expect(runs).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "REVOKED" });
  });

  it("waits out the rest of its delay in the queue when the worker's clock is behind", async () => {
    const result = await add.applyAsync({ x: 1, y: 1 }, { countdown: 1 });
    engine.clock.now = new Date(Date.now() - 120_000);
    const kept = await work();
    engine.clock.now = new Date();

    expect(kept).toHaveLength(1);
    expect(await result.fetch()).toMatchObject({ state: "PENDING" });
  });
});

describe("an idempotency key", () => {
  it("makes many submits one task", async () => {
    runs.length = 0;
    const submit = () => record.applyAsync({ note: "once" }, { idempotencyKey: "order-7" });
    const results = await Promise.all([submit(), submit(), submit()]);
    await workUntilFinal(results[0]?.id ?? "");
    const late = await submit();

    expect(new Set([...results, late].map(({ id }) => id)).size).toBe(1);
    expect(runs).toHaveLength(1);
    expect(await late.get()).toBe("once");
  });

  it("refuses another payload, and knows other tasks apart", async () => {
    await record.applyAsync({ note: "a" }, { idempotencyKey: "order-8" });

    await expect(record.applyAsync({ note: "b" }, { idempotencyKey: "order-8" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    await expect(add.applyAsync({ x: 1, y: 2 }, { idempotencyKey: "order-8" })).resolves.toBeDefined();
    await work();
  });
});

describe("messages that nobody can run", () => {
  const send = async (body: string) => {
    const { MessageId } = await engine.clients.sqs.send(
      new SendMessageCommand({ QueueUrl: await engine.queueUrl("DefaultQueue"), MessageBody: body }),
    );
    return MessageId ?? "";
  };

  it("become a FAILURE under their message id when they are no messages, at their first delivery", async () => {
    const id = await send("this is not JSON");
    const neighbour = await add.delay({ x: 1, y: 1 });

    expect(await work()).toEqual([]);
    expect(await engine.app.results.read(id)).toMatchObject({
      state: "FAILURE",
      task: "(unreadable)",
      payload: "this is not JSON",
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining("its body of 16 bytes is not JSON") },
    });
    expect(await neighbour.get()).toBe(2);
    // SQS says when the message was sent, by the machine's own clock.
    engine.clock.now = new Date();
    const { tasks: failures } = await engine.app.results.list({ state: "FAILURE", task: "(unreadable)" });
    expect(failures).toMatchObject([{ payload: "this is not JSON", rootId: id }]);
  });

  it("become a FAILURE without a retry when the schema has changed since they were sent", async () => {
    const result = await flaky.delay({ failures: 1 });
    const strict = task({ name: "flaky", payload: z.object({ tries: z.number() }), retry: {}, run: () => 1 });
    const answer = await engine.deliver(
      "DefaultQueue",
      createWorker([{ file: "new.ts", exports: { strict } }], engine.app),
    );
    await engine.acknowledge("DefaultQueue", answer.event.Records);

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", attempt: 1, error: { code: "PAYLOAD_INVALID" } });
  });
});

describe("an outage of DynamoDB", () => {
  /** The engine's store, with one call that does not get through. */
  const broken = (step: "claim" | "succeed") => {
    const results = { ...engine.app.results, [step]: () => Promise.reject(new Error("connect ETIMEDOUT")) };
    return { ...engine.app, results };
  };

  it.each([
    ["claim", "PENDING", 1],
    ["succeed", "RETRY", 0],
  ] as const)("at the %s is no failure of the task, and its record says why it waits", async (step, state, kept) => {
    const result = await add.delay({ x: 2, y: 2 });
    const outage = await engine.deliver("DefaultQueue", createWorker(modules, broken(step)));
    if (kept === 0) await engine.acknowledge("DefaultQueue", outage.event.Records);

    expect(outage.kept).toHaveLength(kept);
    expect(await result.fetch()).toMatchObject({ state, error: { message: "connect ETIMEDOUT" } });
    engine.clock.now = new Date(Date.now() + 60_000);
    for (let round = 0; round < 5 && (await result.fetch()).state !== "SUCCESS"; round++) await work();
    engine.clock.now = new Date();
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: 4, attempt: 1 });
  });
});
