/**
 * The engine under the simulator: each story is lived under 50 seeds (2,000 with `LOVAGE_FAULTS=long`). A failure prints the shortest
 * story that shows it, and the file that replays it; `LOVAGE_SEED=<seed>` finds it again.
 */

import { describe, expect, it } from "vitest";
import * as z from "zod";
import { beatSchedule, chain, chord, crontab, group, mailer, task } from "../../shared/index.ts";
import { outside, type SimulatedApp, simulate } from "../../shared/testing/index.ts";
import { SEED, size } from "./chance.ts";

const retry = { maxRetries: 6 };
const seen = outside("witness", () => {
  const all: number[] = [];
  return { see: (n: number) => void all.push(n), all: () => [...all] };
});
const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const double = task({ name: "double", payload: z.number(), run: (x) => x * 2 });
const sum = task({ name: "sum", payload: z.array(z.number()), run: (all) => all.reduce((a, b) => a + b, 0) });
const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.number() }),
  retry,
  run({ failures }, { attempt }) {
    if (attempt <= failures) throw new Error("not yet");
    return attempt;
  },
});
const greet = task({
  name: "greet",
  payload: z.object({ to: z.string() }),
  retry,
  async run({ to }, ctx) {
    await ctx.once("mail", () => mailer.send({ to, subject: "Hello", text: "Hello." }, ctx.id));
    return ctx.once("chance", () => Math.random());
  },
});
const inOrder = task({
  name: "in_order",
  payload: z.object({ n: z.number() }),
  queue: "fifo",
  messageGroupId: () => "one",
  retry,
  run: ({ n }) => seen.see(n),
});
const parent = task({
  name: "parent",
  payload: z.object({ children: z.number() }),
  retry,
  async run({ children }) {
    for (let x = 0; x < children; x++) await add.delay({ x, y: 1 });
    return children;
  },
});
const plain = task({ name: "plain", run: () => "done" });
const limited = task({ name: "limited", rateLimit: "60/m", concurrency: 1, run: () => "done" });
const schedule = beatSchedule({ hourly: { task: plain, schedule: crontab({ minute: 30 }) } });
const tasks = { add, double, sum, flaky, greet, inOrder, parent, plain, limited, schedule };

const stories: Readonly<Record<string, (app: SimulatedApp) => Promise<void>>> = {
  async chain(app) {
    const result = await chain(add.s({ x: 1, y: 2 }), double.s(), double.s()).delay();
    await app.drain();
    expect(await result.get()).toBe(12);
    expect(app.sent()).toHaveLength(3);
  },
  async chord(app) {
    const members = [1, 2, 3, 4].map((x) => add.s({ x, y: 1 }));
    const result = await chord(members, sum.s()).delay();
    await app.drain();
    expect(await result.get()).toBe(14);
    expect(app.sent(sum)).toHaveLength(1);
  },
  async "a group within a chain"(app) {
    const members = group([add.s({ x: 1, y: 1 }), chain(add.s({ x: 2, y: 2 }), double.s())]);
    const result = await chain(members, sum.s(), double.s()).delay();
    await app.drain();
    expect(await result.get()).toBe(20);
  },
  async retry(app) {
    const results = [await flaky.delay({ failures: 2 }), await flaky.delay({ failures: 1 })];
    await app.drain();
    const attempts = await Promise.all(results.map((result) => result.get()));
    expect(attempts.map((attempt, index) => attempt > 2 - index)).toEqual([true, true]);
  },
  async once(app) {
    const result = await greet.delay({ to: "ann@example.com" });
    await app.drain();
    expect(await result.get()).toBeGreaterThanOrEqual(0);
    expect(app.outbox).toHaveLength(1);
  },
  async FIFO(app) {
    for (const n of [1, 2, 3]) await inOrder.delay({ n });
    await app.drain();
    // One that is run again comes before the next one, never behind it.
    const all = await seen.all();
    expect(all).toEqual(all.toSorted());
    expect([...new Set(all)]).toEqual([1, 2, 3]);
  },
  async children(app) {
    const result = await parent.delay({ children: 3 });
    await app.drain();
    expect(await result.get()).toBe(3);
    expect(app.sent(add).length).toBeGreaterThanOrEqual(3);
  },
  async timers(app) {
    const results = [
      await plain.applyAsync(undefined, { countdown: 3600 }),
      await plain.applyAsync(undefined, { countdown: 20 }),
    ];
    await app.drain();
    expect(await Promise.all(results.map((result) => result.get()))).toEqual(["done", "done"]);
  },
  async limits(app) {
    const results = await Promise.all([1, 2, 3, 4].map(() => limited.delay()));
    await app.drain();
    expect(await Promise.all(results.map((result) => result.get()))).toEqual(["done", "done", "done", "done"]);
  },
  async keys(app) {
    const send = () => add.applyAsync({ x: 1, y: 1 }, { idempotencyKey: "key" });
    const [one, other] = await Promise.all([send(), send()]);
    await app.drain();
    expect([other?.id, app.sent(add).length, await one?.get()]).toEqual([one?.id, 1, 2]);
  },
  async schedule(app) {
    await app.advance("3 hours");
    await app.drain();
    expect(app.sent(plain)).toHaveLength(3);
  },
};

const folder = ".lovage/simulations";
const tell = (): void => undefined;

describe.each(Object.entries(stories))("%s", (name, story) => {
  it("holds under faults that each task can bear", async () => {
    const { runs, faults } = await simulate({ tasks, seed: SEED, runs: size(50, 2000), folder, tell }, story);
    const struck = Object.values(faults).reduce((total, count) => total + count, 0);
    console.log(`${name}: ${runs} lives with ${struck} faults (seed ${SEED}).`);
  });
});

describe.each(["chord", "a group within a chain", "FIFO", "limits", "retry"])("%s", (name) => {
  it("comes to its end under any number of faults", async () => {
    const hard = { tasks, seed: SEED, runs: size(30, 1000), faultsPerTask: 9, folder, tell };
    const { runs } = await simulate(hard, async (app) => {
      const drain = app.drain;
      const told: SimulatedApp = Object.create(app, { drain: { value: () => drain({ failures: "keep" }) } });
      // A task may rightly fail here, and what is said of its result with it.
      await stories[name]?.(told).catch(() => undefined);
    });
    expect(runs).toBe(size(30, 1000));
  });
});
