import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import { createConcurrency, type Entering } from "../../../shared/limits/concurrency.ts";
import type { Message } from "../../../shared/message/message.ts";
import { concurrencyKey } from "../../../shared/table/keys.ts";
import { type Engine, startEngine, uniqueName, visibility } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { createVirtualQueues } from "../../helpers/virtual-queues.ts";
import { createWorkbench, type Workbench } from "../../helpers/workbench.ts";

let engine: Engine;
let bench: Workbench;
let starts: number[] = [];
let running = new Map<string, number>();
let most = new Map<string, number>();
let open = Promise.withResolvers<void>();
const ran: string[] = [];

const text = z.object({ text: z.string().default("") });
const limited = task({
  name: "limited",
  payload: z.object({}),
  rateLimit: "5/s",
  run: () => void starts.push(performance.now()),
});
const slow = task({ name: "slow", payload: text, rateLimit: "1/h", run: ({ text }) => void ran.push(text) });
const perTenant = task({
  name: "per_tenant",
  payload: z.object({ tenant: z.string() }),
  concurrency: 2,
  concurrencyKey: ({ tenant }) => tenant,
  run: async ({ tenant }) => {
    running.set(tenant, (running.get(tenant) ?? 0) + 1);
    most.set(tenant, Math.max(most.get(tenant) ?? 0, running.get(tenant) ?? 0));
    await open.promise;
    running.set(tenant, (running.get(tenant) ?? 0) - 1);
  },
});
const index = task({ name: "index", payload: text, run: ({ text }) => void ran.push(text) });
const grouped = task({
  name: "grouped",
  payload: text,
  messageGroupId: ({ text }) => text,
  run: ({ text }) => void ran.push(text),
});
const quiet = task({
  name: "quiet",
  payload: text,
  ignoreResult: true,
  trackStarted: false,
  run: ({ text }) => void ran.push(text),
});
const both = task({
  name: "both",
  payload: text,
  concurrency: 1,
  rateLimit: "100/s",
  run: ({ text }) => void ran.push(text),
});
const evenly = task({ name: "evenly", payload: text, rateLimit: "1/s", run: ({ text }) => void ran.push(text) });
const tasks = { limited, slow, perTenant, index, grouped, quiet, both, evenly };

beforeAll(async () => {
  engine = await startEngine(visibility(1, "DefaultQueue"));
  bench = createWorkbench(engine, tasks);
});
afterAll(() => engine.stop());
beforeEach(() => {
  engine.clock.now = new Date();
  ran.length = 0;
  starts = [];
  running = new Map();
  most = new Map();
  open = Promise.withResolvers();
});

const state = async (id: string) => (await engine.app.results.read(id))?.state;
const depth = () => engine.app.broker.depth("default");
const workUntil = async (done: () => boolean): Promise<void> => {
  for (let round = 0; round < 60 && !done(); round++) {
    engine.clock.now = new Date();
    await bench.work();
  }
  expect(done()).toBe(true);
};

describe("a rate limit", () => {
  it("is kept over all workers: at most one second's worth at once, then evenly; no attempt is used up", async () => {
    const results = await Promise.all(Array.from({ length: 25 }, () => limited.delay({})));
    const startedAt = performance.now();
    await workUntil(() => starts.length === 25);

    // Any window of n seconds holds at most 5 (n + 1) starts; SQS's whole-second delays move one second's worth by one second.
    for (const seconds of [1, 2, 3]) {
      const counts = starts.map((from) => starts.filter((at) => at >= from && at < from + seconds * 1000).length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(5 * (seconds + 2));
    }
    const elapsed = (performance.now() - startedAt) / 1000;
    expect(elapsed).toBeGreaterThan(3);
    expect(elapsed).toBeLessThan(9);
    for (const { id } of results) {
      expect(await engine.app.results.read(id)).toMatchObject({ state: "SUCCESS", attempt: 1, fence: 1 });
    }
    expect(await engine.app.broker.deadLetters()).toMatchObject({ waiting: 0 });
  });

  it("of one an hour lets one start, and what waits is put off, not run and not failed", async () => {
    const first = await slow.delay({ text: "first" });
    await bench.work();
    const second = await slow.delay({ text: "second" });
    await bench.work();

    expect(ran).toEqual(["first"]);
    expect(await state(first.id)).toBe("SUCCESS");
    expect(await state(second.id)).toBe("PENDING");
    expect(await depth()).toMatchObject({ waiting: 0, inFlight: 0, delayed: 1 });
    await second.revoke();
  });

  it("can be changed and lifted at run time, and given back to the code", async () => {
    expect((await bench.call("PUT", "/tasks/slow/limits", { rateLimit: "100/s" })).status).toBe(202);
    const results = [await slow.delay({ text: "a" }), await slow.delay({ text: "b" })];
    await bench.work();
    expect(ran.toSorted()).toEqual(["a", "b"]);

    await bench.call("PUT", "/tasks/slow/limits", { rateLimit: null });
    results.push(await slow.delay({ text: "c" }));
    await bench.work();
    expect(ran).toHaveLength(3);

    await bench.call("DELETE", "/tasks/slow/limits");
    const waits = await slow.delay({ text: "d" });
    await bench.work();
    expect(await state(waits.id)).toBe("PENDING");
    await waits.revoke();
  });

  it("is reached even if every message comes later than its turn: a late turn is taken, not thrown away", async () => {
    const { broker, timers, largeValues } = engine.app;
    const { load } = largeValues;
    const queues = createVirtualQueues(engine, tasks);
    try {
      queues.latencySeconds = 90;
      for (let call = 0; call < 100; call++) await evenly.delay({ text: String(call) });
      // A latency until the turns of the next minute are given away, that minute, and a latency until the last of them comes back.
      await queues.until(new Date(engine.clock.now.getTime() + 240_000));
      expect(ran.length).toBeGreaterThanOrEqual(60);
      await queues.until(new Date(engine.clock.now.getTime() + 360_000));
    } finally {
      Object.assign(engine.app, { broker, timers });
      largeValues.load = load;
    }

    expect(ran).toHaveLength(100);
  });

  it("is refused where it makes no sense", async () => {
    // Less than once in 400 days is never: no timer, and no turn, reaches so far.
    const never = ["0.000000000000000001/h", "0.0001/h"];
    for (const rateLimit of ["100", "0/s", "5/d", "2000/s", "fast", ...never]) {
      const answer = await bench.call("PUT", "/tasks/slow/limits", { rateLimit });
      expect(answer.status, rateLimit).toBe(rateLimit === "100" ? 202 : 422);
    }
    expect((await bench.call("PUT", "/tasks/slow/limits", { rateLimit: "0.000105/h" })).status).toBe(202);
    await bench.call("DELETE", "/tasks/slow/limits");
    expect(() => task({ name: "x", payload: text, rateLimit: "5 per minute", run: () => 1 })).toThrow(
      "Option 'rateLimit' has the value '5 per minute': expected starts such as '100/m', '10/s' or '500/h'",
    );
  });
});

describe("concurrency", () => {
  it("is kept for each key; who finds no place comes back later, with the same attempt", async () => {
    const tenants = ["a", "a", "a", "b", "a", "b"];
    const results = await Promise.all(tenants.map((tenant) => perTenant.delay({ tenant })));
    const first = bench.work();
    await expect.poll(() => [running.get("a"), running.get("b")]).toEqual([2, 2]);
    open.resolve();
    await first;
    await workUntil(() => results.length === 6 && [...running.values()].every((count) => count === 0));
    for (const { id } of results) await bench.workUntilFinal(id);

    expect(Object.fromEntries(most)).toEqual({ a: 2, b: 2 });
    for (const { id } of results) {
      expect(await engine.app.results.read(id)).toMatchObject({ state: "SUCCESS", attempt: 1, fence: 1 });
    }
  });

  it("gives the place of a dead worker away once its function's time is over, and not before", async () => {
    const tenant = uniqueName("tenant");
    const run = (id: string) => ({ task: "per_tenant", key: tenant, limit: 2, id, heldUntil: inSeconds(30) });
    const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
    const enter = (now: Date, one: Entering) => createConcurrency({ table: engine.table, clock: () => now }).enter(one);
    await enter(engine.clock.now, run("dead"));
    const alive = await enter(engine.clock.now, run("alive"));
    expect(await enter(inSeconds(29), run("new"))).toBeUndefined();
    // Leaving twice is leaving once.
    await alive?.leave();
    await alive?.leave();
    const copy = await enter(inSeconds(29), run("new"));
    expect(copy).toBeDefined();
    expect(await enter(inSeconds(59), run("late"))).toBeUndefined();
    expect(await enter(inSeconds(61), run("late"))).toBeDefined();
  });
});

describe("a place under a concurrency limit", () => {
  const deliver = (bodies: string[]) =>
    createWorker([{ file: "tests.ts", exports: tasks }], engine.app)(
      { Records: bodies.map((body) => sqsRecord({ body })) },
      { getRemainingTimeInMillis: () => 30_000 },
    );

  it("is not freed by a copy of the message that found it running", async () => {
    const tenant = uniqueName("tenant");
    const { broker } = engine.app;
    // What is put off would come into a later test.
    engine.app.broker = { ...broker, send: async () => {} };
    const bodyOf = (id: string) =>
      JSON.stringify({
        ...{ v: 1, id, task: "per_tenant", attempt: 1, payload: { tenant }, queue: "default", rootId: id },
        ...{ sentAt: engine.clock.now.toISOString(), concurrencyKey: tenant },
      });
    await bench.call("PUT", "/tasks/per_tenant/limits", { concurrency: 1 });
    const [first, second] = [bodyOf(engine.app.newId()), bodyOf(engine.app.newId())];
    const batch = deliver([first]);
    await expect.poll(() => running.get(tenant)).toBe(1);
    // The limit lets the copy in, for its own message runs already; the claim turns it away.
    await bench.call("PUT", "/tasks/per_tenant/limits", { concurrency: 2 });
    await deliver([first]);
    await bench.call("PUT", "/tasks/per_tenant/limits", { concurrency: 1 });
    await deliver([second]);

    expect(running.get(tenant)).toBe(1);
    open.resolve();
    await batch;
    engine.app.broker = broker;
    await bench.call("DELETE", "/tasks/per_tenant/limits");
  });

  it("is given back if the rate limit's turn cannot be asked for", async () => {
    const { rateLimiter } = engine.app;
    engine.app.rateLimiter = { turn: () => Promise.reject(new Error("throttled")) };
    const result = await both.delay({ text: "after" });
    const kept = await bench.work();
    engine.app.rateLimiter = rateLimiter;

    expect(kept).toHaveLength(1);
    expect((await engine.table.get(concurrencyKey("both", undefined)))?.runs).toBeUndefined();
    await bench.workUntilFinal(result.id);
    expect(ran).toEqual(["after"]);
  });
});

describe("a key that a task makes of its payload", () => {
  const longest = "k".repeat(256);

  it.each([
    ["concurrencyKey", "no text", "", () => perTenant.delay({ tenant: "" })],
    ["concurrencyKey", "1,100 characters", "kkk", () => perTenant.delay({ tenant: "k".repeat(1100) })],
    ["messageGroupId", "no text", "", () => grouped.delay({ text: "" })],
    ["messageGroupId", "300 characters", "kkk", () => grouped.delay({ text: "k".repeat(300) })],
    ["messageGroupId", "no ASCII", "größe", () => grouped.applyAsync({ text: "größe" }, { countdown: 2000 })],
  ])("is refused where it is sent, and nothing is sent: %s of %s", async (option, _, value, send) => {
    const { broker, timers } = engine.app;
    const sent: unknown[] = [];
    engine.app.broker = { ...broker, send: async (message) => void sent.push(message) };
    engine.app.timers = { ...timers, put: async (message) => void sent.push(message) };
    const refused = await send().then(
      () => undefined,
      (error: unknown) => error,
    );
    Object.assign(engine.app, { broker, timers });

    expect(refused).toMatchObject({
      code: "OPTION_INVALID",
      message: expect.stringContaining(`Option '${option}' has the value '${value}`),
    });
    expect(sent).toEqual([]);
  });

  it("may be as long as it is said to be", async () => {
    open.resolve();
    const result = await perTenant.delay({ tenant: longest });
    await bench.workUntilFinal(result.id);
    expect(await state(result.id)).toBe("SUCCESS");
  });
});

describe("debounce", () => {
  it("runs the newest call of a burst alone, once it is quiet", async () => {
    const key = uniqueName("key");
    const calls = [];
    for (const text of ["1", "2", "3"]) {
      engine.clock.now = new Date();
      calls.push(await index.applyAsync({ text }, { debounce: { key, wait: 1 } }));
    }
    await bench.workUntilFinal(calls[2]?.id ?? "");

    expect(ran).toEqual(["3"]);
    expect(await Promise.all(calls.map(({ id }) => state(id)))).toEqual(["REVOKED", "REVOKED", "SUCCESS"]);
    expect((await calls[0]?.fetch())?.error?.message).toContain(`took its place: ${calls[1]?.id}`);
  });

  it("does not wait longer than maxWait", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { debounce: { key, wait: 600, maxWait: 800 } });
    const at = async ({ id }: { id: string }) =>
      (Date.parse((await engine.app.results.read(id))?.eta ?? "") - begin) / 1000;
    const begin = engine.clock.now.getTime();

    expect(await at(await call("1"))).toBeCloseTo(600, 0);
    engine.clock.now = new Date(begin + 500_000);
    expect(await at(await call("2"))).toBeCloseTo(800, 0);
    engine.clock.now = new Date(begin + 801_000);
    expect(await at(await call("new burst"))).toBeCloseTo(1401, 0);
  });

  it("loses nothing when the newest call died before it was sent", async () => {
    const key = uniqueName("key");
    const sent = await index.applyAsync({ text: "sent" }, { debounce: { key, wait: 1 } });
    const call = { task: "index", key, id: engine.app.newId(), wait: 1, maxWait: undefined };
    await engine.app.bursts.join(engine.clock.now, call);
    const putOff: Message[] = [];
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: async (message) => void putOff.push(message) };
    engine.clock.now = new Date(engine.clock.now.getTime() + 2000);
    const workOnce = async (): Promise<number> => {
      await bench.work();
      return putOff.length;
    };
    await expect.poll(workOnce, { timeout: 5000 }).toBe(1);
    engine.app.broker = broker;
    expect(ran).toEqual([]);

    // A minute later it is certain that nobody will send the newer one.
    expect(putOff[0]?.id).toBe(sent.id);
    for (const message of putOff) await engine.app.broker.send(message, 0);
    engine.clock.now = new Date(engine.clock.now.getTime() + 70_000);
    await bench.work();
    expect(ran).toEqual(["sent"]);
  });
});

describe("debounce on a bad network", () => {
  /** As the SDK does it: the first call gets through, its answer does not, the same call is made again. */
  const stuttering = async <T>(work: () => Promise<T>): Promise<T> => {
    const { table } = engine;
    const { update } = table;
    table.update = async (one) => {
      if (one.key.pk.startsWith("debounce#")) await update(one);
      return update(one);
    };
    try {
      return await work();
    } finally {
      table.update = update;
    }
  };

  it("does not take a burst's first call, sent twice by the SDK, for a newer one", async () => {
    const key = uniqueName("key");
    const call = await stuttering(() => index.applyAsync({ text: "only" }, { debounce: { key, wait: 1 } }));
    expect(await state(call.id)).toBe("PENDING");
    await bench.workUntilFinal(call.id);

    expect(await state(call.id)).toBe("SUCCESS");
    expect(ran).toEqual(["only"]);
  });

  it("runs the newest call alone, though the answer to its joining was lost", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { debounce: { key, wait: 1 } });
    const older = await call("older");
    const newer = await stuttering(() => call("newer"));
    await bench.workUntilFinal(newer.id);
    await bench.workUntilFinal(older.id);

    expect(await Promise.all([older, newer].map(({ id }) => state(id)))).toEqual(["REVOKED", "SUCCESS"]);
    expect(ran).toEqual(["newer"]);
  });

  it("runs the newest call alone, though its sender died before it revoked the older one, and it has to wait", async () => {
    const key = uniqueName("key");
    const call = (text: string) => quiet.applyAsync({ text }, { debounce: { key, wait: 1 } });
    const { results } = engine.app;
    engine.app.results = { ...results, replace: async () => false };
    const older = await call("older");
    const newer = await call("newer");
    engine.app.results = results;
    const bodies: string[] = [];
    const collect = async (): Promise<number> => {
      const { event } = await engine.deliver("DefaultQueue", async () => ({ batchItemFailures: [] }));
      const own = event.Records.map(({ body }) => body).filter((body) => body.includes(key));
      bodies.push(...own);
      await engine.acknowledge("DefaultQueue", event.Records);
      return bodies.length;
    };
    await expect.poll(collect, { timeout: 5000 }).toBe(2);
    const worker = createWorker([{ file: "tests.ts", exports: tasks }], engine.app);
    const deliver = (id: string) =>
      worker(
        { Records: bodies.filter((body) => body.includes(`"id":"${id}"`)).map((body) => sqsRecord({ body })) },
        { getRemainingTimeInMillis: () => 30_000 },
      );
    // A minute after its time, the newer one without a record would be taken for one that was never sent.
    engine.clock.now = new Date(engine.clock.now.getTime() + 70_000);
    await deliver(older.id);
    await deliver(newer.id);

    expect(ran).toEqual(["newer"]);
    expect(await state(older.id)).toBe("REVOKED");
  });
});

describe("throttle", () => {
  it("runs the first call of a period; the others get its handle, whatever their payload", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { throttle: { key, period: 60 } });
    const [first, second] = [await call("1"), await call("2")];
    await bench.work();
    engine.clock.now = new Date(engine.clock.now.getTime() + 61_000);
    const third = await call("3");
    await bench.work();

    expect(second.id).toBe(first.id);
    expect(third.id).not.toBe(first.id);
    expect(ran).toEqual(["1", "3"]);
  });
});

describe("a throttle's key and an idempotency key", () => {
  it("are apart, whatever they look like", async () => {
    const key = uniqueName("key");
    const throttled = await index.applyAsync({ text: "throttled" }, { throttle: { key, period: 60 } });
    for (const idempotencyKey of [key, `throttle#${key}`]) {
      const other = await index.applyAsync({ text: idempotencyKey }, { idempotencyKey });
      expect(other.id).not.toBe(throttled.id);
      await bench.work();
    }
    expect(ran).toEqual(["throttled", key, `throttle#${key}`]);
  });
});

describe("an idempotency key of a task that leaves no record", () => {
  it("makes two submits one message, and one run", async () => {
    const sent: string[] = [];
    const { broker } = engine.app;
    engine.app.broker = {
      ...broker,
      send: async (message, seconds) => {
        sent.push(message.id);
        return broker.send(message, seconds);
      },
    };
    const submit = () => quiet.applyAsync({ text: "once" }, { idempotencyKey: uniqueKey });
    const uniqueKey = uniqueName("key");
    const [first, second] = [await submit(), await submit()];
    engine.app.broker = broker;
    await bench.workUntilFinal(first.id);

    expect(second.id).toBe(first.id);
    expect(sent).toEqual([first.id]);
    expect(ran).toEqual(["once"]);
  });
});

describe("an idempotency key with a lifetime of its own", () => {
  it("is remembered as long as it says, and its task's record with it", async () => {
    const key = uniqueName("key");
    const call = () => index.applyAsync({ text: key }, { idempotencyKey: key, idempotencyExpires: 30 * 86_400 });
    const first = await call();
    await bench.work();
    const begin = engine.clock.now.getTime();

    engine.clock.now = new Date(begin + 29 * 86_400_000);
    expect((await call()).id).toBe(first.id);
    expect(await state(first.id)).toBe("SUCCESS");
    engine.clock.now = new Date(begin + 31 * 86_400_000);
    expect((await call()).id).not.toBe(first.id);
    await bench.work();
    expect(ran).toEqual([key, key]);
  });
});
