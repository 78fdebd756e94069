import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { chain, chord, createApp, each, group, schedules, task, useApp } from "../../../shared/index.ts";
import type { AnyCanvas } from "../../../shared/task/signature.ts";
import { startProxy } from "../../faults/proxy.ts";
import { startEngine } from "../../helpers/engine.ts";
import { startGround } from "./ground.ts";
import { fail, inc, list, runs, sum, tasks, unchecked } from "./tasks.ts";

const wide = task({
  name: "wide",
  payload: z.object({ n: z.number(), text: z.string() }),
  run: ({ n }) => n,
});
const feeds = task({
  name: "feeds",
  payload: z.object({ to: z.number() }),
  run: async ({ to }, { addToGroup }) => {
    await addToGroup(increments(to));
    return -1;
  },
});
const turns = task({ name: "turns", run: (_, { replace }) => replace(group(increments(2))) });
const { bench, engine, queues, resultOf } = await startGround({ ...tasks, wide, feeds, turns });
const { app } = engine;

beforeEach(() => {
  runs.length = 0;
});

/** Whether a generator was told that nothing more is wanted, or has come to its end. */
let closed = 0;

async function* increments(to: number, end?: Error) {
  try {
    for (let n = 0; n < to; n++) yield inc.s({ n });
    if (end) throw end;
  } finally {
    closed += 1;
  }
}

async function* wides(to: number, chars: number, pulled: (n: number) => void = () => {}) {
  for (let n = 0; n < to; n++) {
    pulled(n + 1);
    yield wide.s({ n, text: "x".repeat(chars) });
  }
}

async function* these<const Given extends readonly AnyCanvas[]>(...members: Given): AsyncGenerator<Given[number]> {
  yield* members;
}

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

describe("members that are given one by one", () => {
  it("are stored while they are read: few are pulled ahead of what is written", { timeout: 120_000 }, async () => {
    const [members, chars] = [20_000, 100];
    let [pulled, written, most] = [0, 0, 0];
    let definition: unknown;
    // S3 itself says when it gets which part.
    const { environment, stop } = await startEngine();
    const proxy = await startProxy(process.env.AWS_ENDPOINT_URL ?? "", async (call, forward) => {
      if (call.operation === "S3.PUT") {
        most = Math.max(most, pulled - written);
        written += call.body.toString().split('{"task":').length - 1;
      }
      return forward(call);
    });
    const other = createApp({ ...environment, AWS_ENDPOINT_URL: proxy.endpoint }, { log: app.log });
    const endpoint = process.env.AWS_ENDPOINT_URL;
    process.env.AWS_ENDPOINT_URL = proxy.endpoint;
    useApp(other);
    try {
      const handle = await group(wides(members, chars, (n) => (pulled = n))).delay();

      expect([pulled, written]).toEqual([members, members]);
      // The text of one part, and no more.
      expect(most).toBeLessThan((256 * 1024) / chars);
      definition = await other.workflows.read(handle.id);
    } finally {
      process.env.AWS_ENDPOINT_URL = endpoint;
      useApp(app);
      await proxy.close();
      await stop();
    }
    expect(definition).toMatchObject({ root: { group: { length: members } } });
  });

  it("run as those of a list, in their order", { timeout: 60_000 }, async () => {
    const handle = await chord(wides(400, 2000), list.s().into("values")).delay();
    expect(await resultOf(handle)).toEqual(numbers(400));

    const few = await chain(
      inc.s({ n: 1 }),
      chord(new Set([inc.s(), inc.s({ by: 5 })].map((one) => one.into("n"))), sum.s().into("numbers")),
    ).delay();
    expect(await resultOf(few)).toBe(10);
    expect(await resultOf(await unchecked(group(these())).delay())).toEqual([]);
  });

  it("stand in any shape, and hold others that are read so", async () => {
    const inner = () =>
      unchecked(chord(these(inc.s({ n: 1 }), group(these(inc.s({ n: 2 }), inc.s({ n: 3 })))), list.s().into("values")));
    const nested = chain(
      group([inner(), chain(inc.s({ n: 7 }), group(these(inc.si({ n: 0 }), inc.si({ n: 1 }))))]),
      list.s().into("values"),
    );
    expect(await resultOf(await nested.delay())).toEqual([
      [2, [3, 4]],
      [1, 2],
    ]);

    const policy = group(these(inc.s({ n: 1 }), unchecked(fail.s())), {
      policy: "collect",
    });
    expect(await resultOf(await policy.link(list.s().into("values")).delay())).toMatchObject([
      { ok: true, value: 2 },
      { ok: false },
    ]);

    const ofItems = chain(
      list.s({ values: [1, 2] }),
      each(unchecked(group(these(inc.s().into("n"), inc.s({ by: 5 }).into("n"))))),
    );
    expect(await resultOf(await ofItems.delay())).toEqual([
      [2, 6],
      [3, 7],
    ]);
    await expect(unchecked(each(group(increments(1)))).delay()).rejects.toThrow("'each' has 'nothing before it'");
  });

  it("are one workflow for a key, whether a list gives them or a generator", async () => {
    const key = { idempotencyKey: "one-by-one" };
    const first = await chord(increments(3), sum.s().into("numbers")).applyAsync(key);
    expect((await chord(increments(3), sum.s().into("numbers")).applyAsync(key)).id).toBe(first.id);
    expect(
      (
        await chord(
          numbers(3).map((n) => inc.s({ n })),
          sum.s().into("numbers"),
        ).applyAsync(key)
      ).id,
    ).toBe(first.id);
    await expect(chord(increments(4), sum.s().into("numbers")).applyAsync(key)).rejects.toThrow("one-by-one");
    expect(await resultOf(first)).toBe(6);
    expect(runs.filter((run) => run.startsWith("inc"))).toHaveLength(3);
  });

  it("are sent once by a second call with the same key", async () => {
    const key = { idempotencyKey: "twice" };
    const first = await group(increments(3)).applyAsync(key);
    expect(await resultOf(first)).toEqual([1, 2, 3]);
    expect((await group(increments(3)).applyAsync(key)).id).toBe(first.id);
    await queues.deliver();
    expect(queues.waiting).toEqual([]);
  });

  it("are added to a group while it runs", async () => {
    const handle = await chord([feeds.s({ to: 2 })], list.s().into("values")).delay();
    expect(await resultOf(handle)).toEqual([-1, 1, 2]);
  });

  it("are read once, unless they can be read again", async () => {
    const once = group(increments(2));
    const again = group(new Set([inc.s({ n: 4 })]));
    expect(await resultOf(await once.delay())).toEqual([1, 2]);
    await expect(once.delay()).rejects.toThrow("members that an earlier send has read");
    expect(await resultOf(await again.delay())).toEqual([5]);
    expect(await resultOf(await again.delay())).toEqual([5]);
  });

  it("are refused where nothing is sent yet", async () => {
    const refusal = /has 'members that are read one by one': expected a list of them/;
    expect(() => JSON.stringify(group(increments(2)))).toThrow(refusal);
    const entry = { workflow: group(increments(2)), schedule: "rate(1 day)" };
    await expect(schedules.create("lazy", entry)).rejects.toThrow(refusal);
    const { id } = await turns.delay();
    await queues.deliver();
    expect(await app.results.read(id)).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_INVALID" } });
  });

  it("are refused, or end in an error, before anything is sent", { timeout: 120_000 }, async () => {
    closed = 0;
    const { workflows } = (await bench.call("GET", "/workflows")).body;
    const broken = new Error("the source is broken");
    await expect(chord(increments(700, broken), sum.s().into("numbers")).delay()).rejects.toBe(broken);
    await expect(group(increments(100_001)).delay()).rejects.toThrow(
      "Workflow has '100001 members or more at 'group'': expected at most 100000.",
    );
    await expect(group(wides(60, 1024 * 1024)).delay()).rejects.toThrow(/bytes': expected at most 52428800\.$/);
    const deep = (levels: number): AnyCanvas => (levels === 0 ? inc.s({ n: 1 }) : group(these(deep(levels - 1))));
    await expect(unchecked(deep(32)).delay()).rejects.toThrow("33 levels");
    expect(closed).toBe(2);
    expect(queues.waiting).toEqual([]);
    expect((await bench.call("GET", "/workflows")).body).toMatchObject({ workflows });
  });

  it("are refused at the place that is wrong", async () => {
    const wrong = unchecked(inc.s({ n: "one" as never }));
    await expect(unchecked(group(these(inc.s({ n: 1 }), wrong))).delay()).rejects.toThrow("'group[1].payload'");
    const within = group(these(chord(these(wrong), sum.s().into("numbers"))));
    await expect(unchecked(within).delay()).rejects.toThrow("'group[0].chain[0].group[0].payload'");
    await expect(unchecked(group(new Set(["a"]) as never)).delay()).rejects.toThrow(
      "Workflow at 'group[0]' has 'a': expected a signature, chain, group, chord or each.",
    );
    expect(() => group(["a"] as never)).toThrow("Workflow at 'group[0]' has 'a'");
    expect(() => chain("a" as never)).toThrow("Workflow at 'chain[0]' has 'a'");
    expect(() => group(7 as never)).toThrow("expected a list of signatures and shapes, or what gives them one by one");
    expect(queues.waiting).toEqual([]);
  });
});
