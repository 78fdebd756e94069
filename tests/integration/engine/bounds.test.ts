import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, Reject, task } from "../../../shared/index.ts";
import { encodeMessage } from "../../../shared/message/encoding.ts";
import type { Message } from "../../../shared/message/message.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { deadWorker, startVirtualBench } from "../../helpers/virtual-bench.ts";

/** Work that is given back is counted, and ends with a record that says why. */

let runs = 0;
let rang: unknown[] = [];

const thrownProxy = new Proxy(new Error("hidden"), {
  getPrototypeOf: () => {
    throw new Error("no prototype for you");
  },
  get: () => {
    throw new Error("no property for you");
  },
});
const nothing = z.object({});
const retry = { maxRetries: 2, backoff: { base: 1, jitter: false } };
const onFailure = (error: unknown, payload: unknown) => void rang.push([error, payload]);
const throwsProxy = task({
  name: "throws_proxy",
  payload: nothing,
  retry: { ...retry, on: [TypeError] },
  throws: [RangeError],
  run: () => {
    runs += 1;
    throw thrownProxy;
  },
});
const wrongCountdown = task({
  name: "wrong_countdown",
  payload: nothing,
  retry,
  run: (_, context) => {
    runs += 1;
    // @ts-expect-error a caller without types
    throw context.retry({ countdown: 1n });
  },
});
const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  hooks: { onFailure },
  run: ({ x, y }) => {
    runs += 1;
    return x + y;
  },
});
const requeues = task({
  name: "requeues",
  payload: nothing,
  run: () => {
    runs += 1;
    throw new Reject("not yet", { requeue: true, countdown: 0 });
  },
});
const inOrder = task({
  name: "in_order",
  payload: z.object({ group: z.string(), fails: z.boolean().default(false) }),
  queue: "fifo",
  messageGroupId: ({ group }) => group,
  run: ({ fails }) => {
    runs += 1;
    if (fails) throw thrownProxy;
  },
});
const tasks = { throwsProxy, wrongCountdown, add, requeues, inOrder };
const modules = [{ file: "tests.ts", exports: tasks }];

const { engine, queues } = startVirtualBench(tasks);
beforeEach(() => {
  queues.clear();
  runs = 0;
  rang = [];
});

const inHours = (hours: number) => new Date(engine.clock.now.getTime() + hours * 3_600_000);

/** A worker whose store cannot do one thing, for good. */
function broken(step: "succeed" | "claim"): ReturnType<typeof createWorker> {
  const results = { ...engine.app.results, [step]: () => Promise.reject(new Error("ValidationException: never")) };
  return createWorker(modules, { ...engine.app, results });
}

describe("an outcome that is hard to judge", () => {
  it("is judged all the same: a thrown Proxy is the failure that it is", async () => {
    const result = await throwsProxy.delay({});
    await queues.until(inHours(1));

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", attempt: 1 });
    expect(runs).toBe(1);
    expect(queues.waiting).toEqual([]);
  });

  it("is an error of the run: a countdown that is no number", async () => {
    const result = await wrongCountdown.delay({});
    await queues.until(inHours(1));

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "MAX_RETRIES_EXCEEDED" } });
    expect(runs).toBe(3);
  });

  it("does not hold up a FIFO group", async () => {
    const group = uniqueName("group");
    const bad = await inOrder.delay({ group, fails: true });
    const next = await inOrder.delay({ group });
    await queues.until(inHours(1));

    expect((await bad.fetch()).state).toBe("FAILURE");
    expect((await next.fetch()).state).toBe("SUCCESS");
  });

  it.each(["on", "notOn"] as const)("is impossible for a class that is undefined in retry.%s", (list) => {
    const circular: unknown = undefined;
    const classes = JSON.parse("[]").concat(circular);
    expect(() => task({ name: "x", payload: nothing, retry: { [list]: classes }, run: () => 1 })).toThrow(
      `Option 'retry.${list}[0]' has the value undefined: expected an error class`,
    );
    expect(() => task({ name: "x", payload: nothing, throws: classes, run: () => 1 })).toThrow("Option 'throws[0]'");
  });
});

describe("a store that refuses for good", () => {
  it("ends a task whose outcome it does not take, after half a day, and its record says why meanwhile", async () => {
    const result = await add.delay({ x: 1, y: 2 });
    await queues.until(inHours(9), broken("succeed"));
    expect(await result.fetch()).toMatchObject({
      state: "RETRY",
      attempt: 1,
      error: { message: "ValidationException: never" },
    });
    await queues.until(inHours(24), broken("succeed"));

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "TASK_RETURNED", message: expect.stringContaining("handed back 50 times without an outcome") },
    });
    expect(runs).toBe(51);
    expect(rang).toHaveLength(1);
    expect(queues.waiting).toEqual([]);
  });

  it("ends a task that no worker can begin, after weeks, and its record says why meanwhile", async () => {
    const result = await add.delay({ x: 1, y: 2 });
    await queues.until(inHours(24), broken("claim"));
    const waiting = await result.fetch();
    expect(waiting.state).toBe("PENDING");
    expect(waiting.error?.message).toContain("ValidationException: never");
    const [circling] = queues.waiting;
    if (circling === undefined) throw new Error("Nothing waits.");
    queues.clear();
    queues.put("default", encodeMessage({ ...JSON.parse(circling.body), rescues: 1000 }));
    await queues.until(inHours(2), broken("claim"));

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_UNDELIVERED" } });
    expect(queues.waiting).toEqual([]);
  });

  it("that is a worker which does not come up is said by the record, too", async () => {
    const result = await add.delay({ x: 1, y: 2 });
    await queues.until(inHours(1), deadWorker);

    expect((await result.fetch()).error?.message).toMatch(/did not come up. It is tried again \(\d+ of 1000 times\)/);
    await queues.until(inHours(1));
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
    expect((await result.fetch()).error).toBeUndefined();
  });
});

describe("a task that sends itself back", () => {
  it("ends when it has done so a thousand times", async () => {
    const result = await requeues.delay({});
    await queues.until(inHours(1));

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "TASK_RETURNED", message: expect.stringContaining("most recently because: not yet") },
    });
    expect(runs).toBe(1001);
  });
});

describe("an alarm", () => {
  const older = createAppVersion();
  function createAppVersion() {
    return task({ name: "add", payload: z.object({ sum: z.number() }), hooks: { onFailure }, run: () => 0 });
  }

  it("rings when a deployment has made the payload invalid", async () => {
    const result = await add.delay({ x: 1, y: 2 });
    await queues.until(inHours(1), createWorker([{ file: "tests.ts", exports: { older } }], engine.app));

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "PAYLOAD_INVALID" } });
    expect(rang).toMatchObject([[{ code: "PAYLOAD_INVALID" }, undefined]]);
  });

  it("rings for a task that killed its workers", async () => {
    const result = await add.delay({ x: 4, y: 6 });
    const { results } = engine.app;
    let deaths = 0;
    await queues.until(inHours(3), async (event, context) => {
      const died = Promise.withResolvers<void>();
      const mortal = {
        ...results,
        succeed: () => {
          deaths += 1;
          died.resolve();
          return new Promise<boolean>(() => {});
        },
      };
      const worker = createWorker(modules, { ...engine.app, results: mortal });
      return Promise.race([worker(event, context), died.promise.then(() => deadWorker(event, context))]);
    });

    expect(deaths).toBe(3);
    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_CRASHED" } });
    expect(rang).toMatchObject([[{ code: "TASK_CRASHED" }, { x: 4, y: 6 }]]);
    expect(engine.logged).toContainEqual(
      expect.objectContaining({ level: "error", id: result.id, code: "TASK_CRASHED", crashes: 3 }),
    );
    expect(queues.waiting).toEqual([]);
  });
});

describe("a message of a foreign writer", () => {
  const aMessage = (change: Partial<Message>): Message => {
    const id = engine.app.newId();
    const sentAt = engine.clock.now.toISOString();
    return { v: 1, id, task: "add", attempt: 1, payload: null, queue: "default", sentAt, rootId: id, ...change };
  };

  it("whose stored payload is no JSON ends as a FAILURE of its task", async () => {
    const { id } = aMessage({});
    const until = new Date(engine.clock.now.getTime() + 86_400_000);
    const stored = await engine.app.largeValues.store({ id, part: "payload", version: "1" }, "{".repeat(9000), until);
    if (!("ref" in stored)) throw new Error("It was not stored.");
    queues.put("default", encodeMessage(aMessage({ id, rootId: id, payloadRef: stored.ref })));
    await queues.until(inHours(1));

    expect(await engine.app.results.read(id)).toMatchObject({
      state: "FAILURE",
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining("are not JSON") },
    });
    expect(queues.waiting).toEqual([]);
  });

  it("for a task that is not registered says at once what it waits for", async () => {
    const message = aMessage({ task: "ad", payload: { x: 1, y: 2 } });
    queues.put("default", encodeMessage(message));
    await queues.deliver();

    expect(await engine.app.results.read(message.id)).toMatchObject({
      state: "PENDING",
      error: { code: "TASK_NOT_REGISTERED", message: expect.stringContaining("Task 'ad' is not registered") },
    });
    expect(engine.logged.at(-1)).toMatchObject({ level: "warn", task: "ad", code: "TASK_NOT_REGISTERED" });
  });
});
