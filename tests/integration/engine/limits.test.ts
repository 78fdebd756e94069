import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import type { Message } from "../../../shared/message/message.ts";
import { type Engine, startEngine, uniqueName } from "../../helpers/engine.ts";
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

beforeAll(async () => {
  engine = await startEngine((template) => {
    const queue = template.Resources.DefaultQueue?.Properties;
    if (queue) queue.VisibilityTimeout = 1;
  });
  bench = createWorkbench(engine, { limited, slow, perTenant, index });
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
      const counts = starts.map((from) => starts.filter((at) => at >= from && at < from + seconds * 1_000).length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(5 * (seconds + 2));
    }
    const elapsed = (performance.now() - startedAt) / 1_000;
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

  it("is refused where it makes no sense", async () => {
    for (const rateLimit of ["100", "0/s", "5/d", "2000/s", "fast"]) {
      const answer = await bench.call("PUT", "/tasks/slow/limits", { rateLimit });
      expect(answer.status, rateLimit).toBe(rateLimit === "100" ? 202 : 422);
    }
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

  it("gives the place of a dead worker away once its lease has ended, and not before", async () => {
    const tenant = uniqueName("tenant");
    const { enter } = await import("../../../shared/limits/concurrency.ts");
    const run = (id: string) => ({ task: "per_tenant", key: tenant, limit: 2, id, leaseUntil: inSeconds(30) });
    const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1_000);
    const { table } = engine.app;
    await enter(table, engine.clock.now, run("dead"));
    const alive = await enter(table, engine.clock.now, run("alive"));
    expect(await enter(table, inSeconds(29), run("new"))).toBeUndefined();
    // Leaving twice is leaving once.
    await alive?.leave();
    await alive?.leave();
    const copy = await enter(table, inSeconds(29), run("new"));
    expect(copy).toBeDefined();
    expect(await enter(table, inSeconds(59), run("late"))).toBeUndefined();
    expect(await enter(table, inSeconds(61), run("late"))).toBeDefined();
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
      (Date.parse((await engine.app.results.read(id))?.eta ?? "") - begin) / 1_000;
    const begin = engine.clock.now.getTime();

    expect(await at(await call("1"))).toBeCloseTo(600, 0);
    engine.clock.now = new Date(begin + 500_000);
    expect(await at(await call("2"))).toBeCloseTo(800, 0);
    engine.clock.now = new Date(begin + 801_000);
    expect(await at(await call("new burst"))).toBeCloseTo(1_401, 0);
  });

  it("loses nothing when the newest call died before it was sent", async () => {
    const key = uniqueName("key");
    const sent = await index.applyAsync({ text: "sent" }, { debounce: { key, wait: 1 } });
    const { joinBurst } = await import("../../../shared/limits/debounce.ts");
    await joinBurst(engine.app.table, engine.clock.now, {
      ...{ task: "index", key, id: engine.app.newId(), wait: 1, maxWait: undefined },
    });
    const putOff: Message[] = [];
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: async (message) => void putOff.push(message) };
    engine.clock.now = new Date(engine.clock.now.getTime() + 2_000);
    const workOnce = async (): Promise<number> => {
      await bench.work();
      return putOff.length;
    };
    await expect.poll(workOnce, { timeout: 5_000 }).toBe(1);
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
