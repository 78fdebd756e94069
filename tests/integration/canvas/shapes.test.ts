import { beforeEach, describe, expect, it } from "vitest";
import { chain, chord, each, group } from "../../../shared/index.ts";
import type { AnyCanvas } from "../../../shared/task/signature.ts";
import { deadWorker } from "../../helpers/virtual-bench.ts";
import { startGround } from "./ground.ts";
import { adds, echo, fail, flaky, inc, list, note, pair, runs, sum, tasks, unchecked } from "./tasks.ts";

const { engine, queues, settle, resultOf } = await startGround(tasks);

beforeEach(() => {
  runs.length = 0;
});

describe("a chain", () => {
  it("gives each task the result of the one before", async () => {
    const handle = await chain(inc.s({ n: 1 }), inc.s().into("n"), inc.s({ by: 10 }).into("n")).delay();

    expect(await resultOf(handle)).toBe(13);
    expect(runs).toEqual(["inc 1", "inc 2", "inc 3"]);
  });

  it("merges the fields of a result under those that are known", async () => {
    const give = echo.s({ value: { a: 3, b: 4 } });
    const handle = await chain(give, unchecked(note.s({ b: 5 }))).delay();

    expect(await resultOf(handle)).toEqual({ a: 3, b: 5 });
  });

  it("leaves out the result with si()", async () => {
    expect(await resultOf(await chain(inc.s({ n: 1 }), pair.si({ a: 2, b: 3 })).delay())).toBe(6);
  });

  it("has the id and the result of its last task, which is PENDING from the moment of the send", async () => {
    const handle = await chain(
      inc.s({ n: 1 }),
      chord([inc.s().into("n"), inc.s().into("n")], sum.s().into("numbers")),
    ).delay();

    expect(await handle.fetch()).toMatchObject({ task: "sum", state: "PENDING", workflow: { id: handle.id } });
    expect(await resultOf(handle)).toBe(6);
  });

  it("is as good within another", async () => {
    const inner = chain(inc.s().into("n"), inc.s().into("n"));
    const handle = await chain(inc.s({ n: 0 }), chain(inner, inner), inc.s().into("n")).delay();

    expect(await resultOf(handle)).toBe(6);
  });

  it("ends with the step that fails: the last task says which", async () => {
    const handle = await chain(fail.s({ why: "no bread" }), inc.si({ n: 1 }), inc.si({ n: 2 })).delay();
    await settle();

    const { state, error } = await handle.fetch();
    expect(state).toBe("FAILURE");
    expect(error?.code).toBe("WORKFLOW_STEP_FAILED");
    expect(error?.message).toContain("no bread");
    expect(runs).toEqual(["fail"]);
  });

  it("ends where a result does not fit, in a record of the task that cannot take it", async () => {
    const handle = await chain(
      inc.s({ n: 1 }),
      echo.si({ value: "x" }),
      unchecked(note.s({ a: 1 })),
      inc.si({ n: 1 }),
    ).delay();
    await settle();

    await expect(handle.get({ timeout: 0 })).rejects.toThrow("which has no fields");
  });
});

describe("a group", () => {
  it("gives a list, in the order of its definition, for none, one and many", async () => {
    const members = [flaky.s({ n: 1, failures: 2 }), flaky.s({ n: 2, failures: 0 }), flaky.s({ n: 3, failures: 1 })];

    expect(await resultOf(await group(members).delay())).toEqual([1, 2, 3]);
    expect(await resultOf(await group([inc.s({ n: 1 })]).delay())).toEqual([2]);
    expect(await resultOf(await group([]).delay())).toEqual([]);
  });

  it("gives the result before it to each member, also within members", async () => {
    const step = inc.s().into("n");
    const handle = await chain(
      inc.s({ n: 6 }),
      group([step, chain(step, step), chord([step, step], sum.s().into("numbers"))]),
    ).delay();

    expect(await resultOf(handle)).toEqual([8, 9, 16]);
  });

  it("keeps nested lists nested", async () => {
    const handle = await chain(
      group([group([inc.s({ n: 1 }), inc.s({ n: 2 })]), inc.s({ n: 3 }), group([])]),
      list.s().into("values"),
    ).delay();

    expect(await resultOf(handle)).toEqual([[2, 3], 4, []]);
  });

  it("takes one signature in several places", async () => {
    const one = inc.s({ n: 1 });
    const text = JSON.stringify(one);

    expect(await resultOf(await group([one, one]).delay())).toEqual([2, 2]);
    expect(await resultOf(await one.delay())).toBe(2);
    expect(JSON.stringify(one)).toBe(text);
  });

  it("of more members than one message sends is whole", { timeout: 120_000 }, async () => {
    const handle = await chord(
      Array.from({ length: 250 }, (_, n) => inc.s({ n })),
      sum.s().into("numbers"),
    ).delay();

    expect(await resultOf(handle)).toBe(250 * 125.5);
  });

  it("tells its members as they end, each once", async () => {
    const handle = await group([inc.s({ n: 1 }), fail.s(), inc.s({ n: 3 })], { policy: "waitForAll" }).delay();
    await settle();

    const outcomes = [];
    for await (const one of handle.outcomes()) outcomes.push(one.ok ? one.value : one.error.message);
    expect(outcomes).toEqual([2, "broken", 4]);
    expect(await handle.counts()).toEqual({ members: 3, completed: 2, failed: 1 });
  });
});

describe("the handle of a group", () => {
  it("leads to its members, to what came before it, and to the root", async () => {
    const handle = await chain(inc.s({ n: 1 }), group([inc.s().into("n"), group([inc.s().into("n")])])).delay();
    await settle();

    const values: unknown[] = [];
    for await (const child of handle.children()) values.push(await child.get({ timeout: 0 }));
    expect(values).toEqual([3, [3]]);
    expect(await (await handle.parent())?.get({ timeout: 0 })).toBe(2);
    expect((await handle.root()).id).toBe(handle.id);
    const alone = await group([inc.s({ n: 1 })]).delay();
    expect(await alone.parent()).toBeUndefined();
    await settle();
  });
});

describe("a chord", () => {
  it("runs its body once, with a list of any length", async () => {
    for (const length of [0, 1, 2]) {
      const header = Array.from({ length }, (_, n) => inc.s({ n }));
      expect(await resultOf(await chord(header, sum.s().into("numbers")).delay())).toBe([0, 1, 3][length]);
    }
    expect(runs.filter((one) => one.startsWith("sum"))).toHaveLength(3);
  });

  it("waits for retries and delays", async () => {
    const handle = await chord(
      [flaky.s({ n: 1, failures: 3 }), inc.s({ n: 1 }).set({ countdown: 86_400 * 3 })],
      sum.s().into("numbers"),
    ).delay();
    await queues.until(new Date(engine.clock.now.getTime() + 86_400_000));
    expect(runs.filter((one) => one.startsWith("sum"))).toEqual([]);

    await queues.until(new Date(engine.clock.now.getTime() + 3 * 86_400_000));
    expect(await handle.get({ timeout: 0 })).toBe(3);
  });

  it("lets its body read the results one at a time", async () => {
    const header = Array.from({ length: 120 }, (_, n) => inc.s({ n }));

    expect(await resultOf(await chord(header, chain(adds.si(), adds.si())).delay())).toBe(120 * 60.5);
  });

  it("nests in any depth, and what follows belongs to the body", async () => {
    const two = chord([inc.s({ n: 1 }), inc.s({ n: 2 })], sum.s().into("numbers"));
    const handle = await chain(chord([two, two], sum.s().into("numbers")), inc.s().into("n")).delay();

    expect(await resultOf(handle)).toBe(11);
    expect(runs.filter((one) => one.startsWith("inc 10"))).toHaveLength(1);
  });
});

describe("each", () => {
  it("is as long as the list before it", async () => {
    const handle = await chain(
      list.s({ values: [[1, 2], [], [3]] }),
      each(chain(each(inc.s().into("n")), sum.s().into("numbers"))),
      sum.s().into("numbers"),
    ).delay();

    expect(await resultOf(handle)).toBe(9);
  });

  it("fails before its first member over what is no list, or an item that the task refuses", async () => {
    const over = async (value: unknown) => {
      const handle = await chain(
        echo.s({ value: value }),
        unchecked(each(inc.s().into("n"))),
        sum.s().into("numbers"),
      ).delay();
      await settle();
      return handle.get({ timeout: 0 });
    };
    await expect(over(7)).rejects.toThrow("a list as the result before 'each'");
    await expect(over([1, "two"])).rejects.toThrow("item 1");
    expect(runs.filter((one) => one.startsWith("inc"))).toEqual([]);
  });
});

describe("a workflow", () => {
  it("that is revoked runs no more of its steps", async () => {
    const handle = await chain(inc.s({ n: 1 }), inc.s().into("n").set({ countdown: 60 }), inc.s().into("n")).delay();
    await queues.deliver();
    await handle.revoke();

    await expect(resultOf(handle)).rejects.toThrow("revoked");
    expect(runs).toEqual(["inc 1"]);
  });

  it("delays its first tasks alone", async () => {
    for (const canvas of [
      chain(inc.s({ n: 1 }), inc.s().into("n")),
      chord([inc.s({ n: 1 })], sum.s().into("numbers")),
    ]) {
      runs.length = 0;
      const handle = await canvas.applyAsync({ countdown: 5 });
      await queues.until(new Date(engine.clock.now.getTime() + 4000));
      expect(runs).toEqual([]);
      await queues.until(new Date(engine.clock.now.getTime() + 2000));
      expect((await handle.fetch()).state).toBe("SUCCESS");
    }
  });

  it("is one for one key", async () => {
    const canvas = chain(inc.s({ n: 1 }), inc.s().into("n"));
    const first = await canvas.applyAsync({ idempotencyKey: "workflow-1" });
    const second = await canvas.applyAsync({ idempotencyKey: "workflow-1" });
    await settle();
    const third = await canvas.applyAsync({ idempotencyKey: "workflow-1" });
    await settle();

    expect([second.id, third.id]).toEqual([first.id, first.id]);
    expect(runs).toHaveLength(2);
    await expect(
      inc.s({ n: 1 }).link(inc.s().into("n")).applyAsync({ idempotencyKey: "workflow-1" }),
    ).rejects.toMatchObject({ code: "IDEMPOTENCY_KEY_REUSED" });
  });

  it("is refused whole, with the place of what is wrong", async () => {
    const sent = queues.waiting.length;
    await expect(
      chain(
        inc.s({ n: 1 }),
        group([unchecked({ node: { task: "inc", payload: { n: "x" }, immutable: true }, tasks: [inc] })]),
      ).delay(),
    ).rejects.toMatchObject({
      path: "chain[1].group[0].payload",
    });
    await expect(chain(inc.s({ n: 1 }), inc.s().into("n").set({ queue: "nowhere" })).delay()).rejects.toMatchObject({
      path: "chain[1].options",
    });
    expect(queues.waiting).toHaveLength(sent);
  });

  it("goes on after an outage of its workers, and leaves no record of the messages that sent its members", async () => {
    const handle = await group(Array.from({ length: 12 }, (_, n) => inc.s({ n }))).delay();
    // Every delivery fails: the message that sends the members goes through the dead-letter queue.
    await queues.until(new Date(engine.clock.now.getTime() + 1_200_000), deadWorker);

    expect(await resultOf(handle)).toHaveLength(12);
    const { tasks: waiting } = await engine.app.results.list({ state: "PENDING", task: "lovage.group", limit: 10 });
    expect(waiting).toEqual([]);
  });
});

describe("a workflow of code that is too large", () => {
  const one = inc.si({ n: 1 });
  const deep = (levels: number) => {
    let shape: AnyCanvas = one;
    for (let level = 1; level < levels; level++) shape = chain(shape);
    return unchecked(shape);
  };
  const wide = (members: number) => group(Array.from({ length: members }, () => one));

  it.each([
    ["33 levels", () => deep(33), /33 levels.*: expected at most 32/],
    ["20,000 levels", () => deep(20_000), /33 levels.*: expected at most 32/],
    ["100,001 members", () => wide(100_001), /100001 members at 'group'.*: expected at most 100000/],
    [
      "200,003 nodes",
      () => unchecked(group([wide(99_999), wide(99_999), one, one])),
      /200001 nodes.*: expected at most 200000/,
    ],
    [
      "53 MB",
      () => group(Array.from({ length: 53 }, () => echo.si({ value: "x".repeat(1_000_000) }))),
      /\d{8} bytes.*: expected at most 52428800/,
    ],
  ])("by %s is refused with both numbers before anything is sent", async (_, canvas, message) => {
    await expect(canvas().delay()).rejects.toThrow(message);
    expect(queues.waiting).toEqual([]);
  });

  it("runs at 32 levels", async () => {
    expect(await resultOf(await deep(32).delay())).toBe(2);
  });
});
