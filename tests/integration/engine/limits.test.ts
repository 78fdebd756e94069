import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import { createConcurrency, type Entering } from "../../../shared/limits/concurrency.ts";
import { concurrencyKey } from "../../../shared/table/keys.ts";
import { uniqueName, visibility } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { startBench } from "../../helpers/workbench.ts";

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

const grouped = task({
  name: "grouped",
  payload: text,
  messageGroupId: ({ text }) => text,
  run: ({ text }) => void ran.push(text),
});

const both = task({
  name: "both",
  payload: text,
  concurrency: 1,
  rateLimit: "100/s",
  run: ({ text }) => void ran.push(text),
});

const tasks = { limited, slow, perTenant, grouped, both };

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

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
    await workUntil(() => starts.length === 25);

    // Any window of n seconds holds at most 5 (n + 1) starts; SQS's whole-second delays move one second's worth by one second.
    for (const seconds of [1, 2, 3]) {
      const counts = starts.map((from) => starts.filter((at) => at >= from && at < from + seconds * 1000).length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(5 * (seconds + 2));
    }
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(3000);
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
    // A message that is put off would come into a later test.
    engine.app.broker = { ...broker, send: async () => {} };
    const bodyOf = (id: string) =>
      JSON.stringify({
        v: 1,
        id,
        task: "per_tenant",
        attempt: 1,
        payload: { tenant },
        queue: "default",
        rootId: id,
        sentAt: engine.clock.now.toISOString(),
        concurrencyKey: tenant,
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
