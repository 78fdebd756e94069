/** Workflows of tasks with limits, orders and sizes of their own. */
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { chain, chord, each, group, task } from "../../../shared/index.ts";
import { startGround } from "./ground.ts";
import { adds, echo, inc, list, runs, sum, tasks, unchecked } from "./tasks.ts";

const number = z.object({ n: z.number() });
let now: () => Date = () => new Date();
const starts: number[] = [];
let running = 0;
let most = 0;

const paced = task({
  name: "paced",
  payload: number,
  rateLimit: "60/m",
  run: ({ n }) => {
    starts.push(now().getTime());
    return n;
  },
});
const narrow = task({
  name: "narrow",
  payload: number,
  concurrency: 2,
  run: async ({ n }) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
    return n;
  },
});
const forgetful = task({ name: "forgetful", payload: number, ignoreResult: true, run: ({ n }) => n });
const unclaimed = task({ name: "unclaimed", payload: number, trackStarted: false, run: ({ n }) => n });
const big = task({
  name: "big",
  payload: number,
  run: ({ n }) => ({ n, text: "x".repeat(40 * 1024) }),
});
const count = task({
  name: "count",
  payload: z.object({ values: z.array(z.object({ n: z.number(), text: z.string() })) }),
  run: ({ values }) => values.reduce((all, { n, text }) => all + n + text.length, 0),
});
const gather = task({
  name: "gather",
  run: async (_, { results }) => {
    let all = 0;
    for await (const one of results()) all += JSON.stringify(one).length;
    return all;
  },
});

const { engine, queues, settle, resultOf } = await startGround({
  ...tasks,
  paced,
  narrow,
  forgetful,
  unclaimed,
  big,
  count,
  gather,
});
now = () => engine.clock.now;

beforeEach(() => {
  runs.length = 0;
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
const total = (count: number): number => (count * (count - 1)) / 2;

describe("a group whose members", () => {
  it("are limited in their rate ends at that rate", async () => {
    const handle = await chord(
      numbers(30).map((n) => paced.s({ n })),
      sum.s().into("numbers"),
    ).delay();

    expect(await resultOf(handle)).toBe(total(30));
    expect(starts).toHaveLength(30);
    for (const [index, at] of starts.entries()) {
      const within = starts.filter((other) => other >= at && other < at + 10_000).length;
      expect([index, within <= 11]).toEqual([index, true]);
    }
  });

  it("are limited in their concurrency ends, two at a time", async () => {
    const handle = await chord(
      numbers(25).map((n) => narrow.s({ n })),
      sum.s().into("numbers"),
    ).delay();

    expect(await resultOf(handle)).toBe(total(25));
    expect(most).toBeLessThanOrEqual(2);
  });

  it("keep an order runs in it, one after another, and ends", async () => {
    const members = numbers(12).map((n) => inc.s({ n }).set({ queue: "fifo", messageGroupId: "one" }));
    const handle = await chord(members, sum.s().into("numbers")).delay();

    expect(await resultOf(handle)).toBe(total(12) + 12);
    expect(runs.filter((run) => run.startsWith("inc"))).toEqual(numbers(12).map((n) => `inc ${n}`));
  });

  it("expire before they run is revoked, and so is what comes after it", async () => {
    const members = numbers(30).map((n) => paced.s({ n }));
    const handle = await chord(members, sum.s().into("numbers"), { policy: "waitForAll" }).applyAsync({ expires: 5 });
    await settle();

    expect(queues.waiting).toEqual([]);
    const record = await handle.fetch();
    expect([record.state, record.error?.code]).toEqual(["REVOKED", "WORKFLOW_STEP_FAILED"]);
  });

  it("give large results is read by its body as a list, or one at a time", async () => {
    const members = () => numbers(20).map((n) => big.s({ n }));
    const asList = await chord(members(), unchecked(count.s().into("values"))).delay();
    const asStream = await chain(group(members()), gather.si()).delay();

    expect(await resultOf(asList)).toBe(total(20) + 20 * 40 * 1024);
    expect(await asStream.get({ timeout: 0 })).toBeGreaterThan(20 * 40 * 1024);
  });
});

describe("a step whose task", () => {
  it("stores no result hands it on all the same", async () => {
    expect(await resultOf(await chain(forgetful.s({ n: 4 }), inc.s().into("n")).delay())).toBe(5);
  });

  it("stores no result is a member like any other", async () => {
    const members = numbers(3).map((n) => forgetful.s({ n }));
    expect(await resultOf(await chord(members, sum.s().into("numbers")).delay())).toBe(3);
  });

  it("is not claimed ends a group and goes on", async () => {
    const members = numbers(12).map((n) => unclaimed.s({ n }));
    expect(await resultOf(await chord(members, sum.s().into("numbers")).delay())).toBe(total(12));
  });
});

describe("a size", () => {
  it("of 500 steps is no burden to any of them", async () => {
    const [first, ...others] = [inc.s({ n: 0 }), ...numbers(499).map(() => inc.s().into("n"))];
    if (first === undefined) throw new Error("There is no step.");

    expect(await resultOf(await chain(first, ...others).delay())).toBe(500);
  });

  it("of a list above a message's is fanned out", async () => {
    const values = numbers(300).map((n) => ({ n, pad: "y".repeat(2000) }));
    const handle = await chain(
      list.s({ values }),
      each(unchecked(echo.s().into("value"))),
      unchecked(gather.si()),
    ).delay();

    expect(await resultOf(handle)).toBeGreaterThan(300 * 2000);
  });

  it("of nested groups keeps nested lists", async () => {
    const inner = (from: number) => group(numbers(11).map((n) => inc.s({ n: from + n })));
    const handle = await chain(group([inner(0), inner(100)]), unchecked(echo.s().into("value"))).delay();

    expect(await resultOf(handle)).toEqual([numbers(11).map((n) => n + 1), numbers(11).map((n) => n + 101)]);
  });
});

it("a revoke reaches members that wait for their turn, and frees what they would have waited for", async () => {
  starts.length = 0;
  const handle = await group(numbers(40).map((n) => paced.s({ n }))).delay();
  await queues.until(new Date(engine.clock.now.getTime() + 3000));
  const before = starts.length;
  await handle.revoke();
  await settle();

  expect(queues.waiting).toEqual([]);
  // Within seven seconds, at one a second.
  expect(starts.length - before).toBeLessThanOrEqual(7);
  expect(await resultOf(await chain(paced.s({ n: 1 }), adds.si()).delay())).toBe(1);
});
