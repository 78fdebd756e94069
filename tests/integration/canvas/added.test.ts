import { beforeEach, describe, expect, it } from "vitest";
import { addToGroup } from "../../../shared/canvas/added.ts";
import { chain, chord, each, group, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { helperId, idAt } from "../../../shared/workflows/definition.ts";
import { startGround } from "./ground.ts";
import { becomes, broken, grows, inc, list, mends, runs, tasks, unchecked } from "./tasks.ts";

const grown = task({
  name: "grown",
  run: async (_, { addToGroup }) => {
    await addToGroup([chain(inc.s({ n: 0 }), inc.s().into("n")), group([inc.s({ n: 1 }), inc.s({ n: 2 })])]);
    await addToGroup([grows.s({ n: 30, by: [1] })]);
    return 0;
  },
});
const { bench, engine, queues, settle, together, resultOf } = await startGround({ ...tasks, grown });

beforeEach(() => {
  runs.length = 0;
  broken.clear();
});

const times = (run: string): number => runs.filter((one) => one === run).length;
const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);

describe("members that a task adds to its group", () => {
  it("are waited for, and stand behind the group's own in its list", async () => {
    const header = [grows.s({ n: 10, by: [2, 1] }), inc.s({ n: 1 }), grows.s({ n: 20, by: [1] })];
    const handle = await chord(header, list.s().into("values")).delay();

    expect(await resultOf(handle)).toEqual([10, 2, 20, 11, 12, 11, 21]);
  });

  it("are added once, however often their task runs, and are more than one message sends", async () => {
    const handle = await chord([grows.s({ n: 0, by: [25], name: "once" })], list.s().into("values")).delay();
    await together();

    expect(await resultOf(handle)).toEqual([0, ...numbers(25, 1)]);
    expect([times("grows 0"), times("inc 3")]).toEqual([2, 1]);
  });

  it("are added from within chains, inner groups, each, and by a task that one has become", async () => {
    const adder = grows.si({ n: 5, by: [1] });
    const nested = chain(group([group([adder, inc.s({ n: 0 })]), inc.s({ n: 7 })]), list.s().into("values"));
    expect(await resultOf(await nested.delay())).toEqual([[5, 1, 6], 8]);

    const inChain = chord([chain(inc.s({ n: 0 }), adder, inc.s().into("n"))], list.s().into("values"));
    expect(await resultOf(await inChain.delay())).toEqual([6, 6]);

    const become = chord([unchecked(becomes.s({ form: "grows" }))], list.s().into("values"));
    expect(await resultOf(await become.delay())).toEqual([1, 2]);

    const ofItems = chain(list.s({ values: [1, 2] }), each(unchecked(adder)), list.s().into("values"));
    expect(await resultOf(await ofItems.delay())).toEqual([5, 5, 6, 6]);
  });

  it("may be shapes, and may add members themselves", async () => {
    const handle = await chord([grown.s()], list.s().into("values")).delay();
    expect(await resultOf(handle)).toEqual([0, 2, [2, 3], 30, 31]);
  });

  it("are items for an each that follows their group", async () => {
    const handle = await chain(group([grows.s({ n: 1, by: [2] })]), each(inc.s().into("n"))).delay();
    expect(await resultOf(handle)).toEqual([2, 3, 4]);
  });

  it("are told by the handle of their group and in the graph", async () => {
    const handle = await group([grows.s({ n: 1, by: [2] }), inc.s({ n: 8 })]).delay();
    await settle();

    expect(await handle.counts()).toEqual({ members: 4, completed: 4, failed: 0 });
    expect(await handle.get({ timeout: 0 })).toEqual([1, 9, 2, 3]);
    const outcomes: unknown[] = [];
    for await (const one of handle.outcomes({ timeout: 0 })) outcomes.push([one.index, one.ok && one.value]);
    expect(outcomes).toEqual([
      [0, 1],
      [1, 9],
      [2, 2],
      [3, 3],
    ]);
    const { nodes } = (await bench.call("GET", `/workflows/${handle.id}`)).body as { nodes: { added?: string[] }[] };
    expect(nodes[0]).toMatchObject({ members: 4, ended: 4, failed: 0, added: [expect.any(String)] });
    expect((await bench.call("GET", `/workflows/${nodes[0]?.added?.[0]}`)).body).toMatchObject({ state: "SUCCESS" });
  });

  it("come from each task of a member, in 25 calls together", async () => {
    const ten = grows.si({ n: 1, by: Array.from({ length: 10 }, () => 1) });
    const handle = await chord(
      [chain(ten, ten, grows.si({ n: 1, by: [1, 1, 1, 1, 1] }))],
      list.s().into("values"),
    ).delay();
    expect(await resultOf(handle)).toEqual([1, ...numbers(25).map(() => 2)]);

    const over = await group([chain(ten, ten, ten)], { policy: "waitForAll" }).delay();
    await settle();
    await expect(over.get({ timeout: 0 })).rejects.toThrow("26 calls by the tasks of one member");
    expect(queues.waiting).toEqual([]);
  });

  it("are refused to a task that is in no group, and to one that adds what cannot be sent", async () => {
    const alone = await grows.delay({ n: 1, by: [1] });
    await settle();
    expect(await alone.fetch()).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_INVALID" } });
  });
});

it("members that are added for a task which has ended without them never run", async () => {
  const handle = await group([inc.s({ n: 1 })]).delay();
  await settle();
  const definition = await engine.app.workflows.read(handle.id);
  if (definition === undefined) throw new Error("The definition is gone.");
  const message = {
    v: 1 as const,
    id: idAt(definition, "0"),
    task: "inc",
    attempt: 1,
    payload: null,
    queue: "default",
    sentAt: definition.sentAt,
    rootId: handle.id,
    workflow: { id: handle.id, place: "0" },
  };
  const registry = createRegistry([{ file: "tests.ts", exports: tasks }]);
  const adding = addToGroup(engine.app, registry, { message, call: 1, members: [inc.s({ n: 5 })] });
  await expect(adding).rejects.toThrow(/a task for which its group still waits/);
  await settle();

  expect(times("inc 5")).toBe(0);
  expect(queues.waiting).toEqual([]);
  expect(await handle.get({ timeout: 0 })).toEqual([2]);
  const id = helperId(handle.id, "", "added/0+1");
  expect((await bench.call("GET", `/workflows/${id}`)).body).toMatchObject({ state: "REVOKED" });
});

describe("members that were added and fail", () => {
  const failing = { n: 1, by: [2], of: "a" };

  it("fail their group by its policy", async () => {
    broken.add("a");
    for (const [policy, expected] of [
      ["failFast", { state: "FAILURE" }],
      ["waitForAll", { state: "FAILURE", error: { message: expect.stringContaining("a is broken") } }],
      ["collect", { state: "SUCCESS", result: [{ ok: true }, { ok: true }, { ok: false }, { ok: false }] }],
      [{ tolerate: 2 }, { state: "SUCCESS", result: [{ ok: true }, { ok: true }, { ok: false }, { ok: false }] }],
      [{ tolerate: 1 }, { state: "FAILURE", error: { message: expect.stringContaining("a is broken") } }],
      [{ tolerate: "50%" }, { state: "SUCCESS" }],
      [{ tolerate: "49%" }, { state: "FAILURE" }],
    ] as const) {
      const members = group([grows.s(failing), inc.s({ n: 1 })], { policy });
      const handle = await chain(members, unchecked(list.s().into("values"))).delay();
      await settle();
      expect(await handle.fetch(), JSON.stringify(policy)).toMatchObject(expected);
      expect(queues.waiting).toEqual([]);
    }
  });

  it("are revoked with their group", async () => {
    broken.add("b");
    const header = [grows.s({ n: 1, by: [300] }), mends.s({ name: "b", n: 1 })];
    const handle = await chord(header, list.s().into("values")).delay();
    await together();
    await settle();

    expect((await handle.fetch()).state).toBe("FAILURE");
    expect(times("inc 1")).toBe(0);
  });

  it.each(["failFast", "waitForAll"] as const)("heal their group by a replay, with %s", async (policy) => {
    broken.add("a");
    const handle = await chord([grows.s({ ...failing, by: [1] }), inc.s({ n: 1 })], list.s().into("values"), {
      policy,
    }).delay();
    await settle();
    const { nodes } = (await bench.call("GET", `/workflows/${handle.id}`)).body as { nodes: { added?: string[] }[] };
    const added = nodes.find((one) => one.added)?.added?.[0];
    const inner = (await bench.call("GET", `/workflows/${added}`)).body as { nodes: { id?: string }[] };
    broken.clear();
    expect(await bench.call("POST", `/tasks/${inner.nodes[1]?.id}/replay`)).toMatchObject({ status: 202 });

    expect(await resultOf(handle)).toEqual([1, 2, 0]);
    expect(times("grows 1")).toBe(1);
  });

  it("run again with all that failed, by a replay of what could not run", async () => {
    broken.add("a").add("late");
    const header = [grows.s({ ...failing, name: "late" }), inc.s({ n: 1 })];
    const handle = await chord(header, list.s().into("values"), { policy: "waitForAll" }).delay();
    await settle();
    expect((await handle.fetch()).state).toBe("FAILURE");
    broken.clear();
    expect(await bench.call("POST", `/tasks/${handle.id}/replay`)).toMatchObject({ status: 202 });

    expect(await resultOf(handle)).toEqual([1, 2, 0, 1]);
    expect(times("mends a")).toBe(4);
  });
});
