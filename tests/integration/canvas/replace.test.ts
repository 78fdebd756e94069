import { beforeEach, describe, expect, it } from "vitest";
import { chain, chord, group } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";
import { becomes, broken, inc, list, mends, runs, sum, tasks, unchecked } from "./tasks.ts";

const { engine, bench, queues } = startVirtualBench(tasks);

beforeEach(() => {
  runs.length = 0;
  broken.clear();
});

async function settle(): Promise<void> {
  await queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
  expect(queues.waiting).toEqual([]);
}

describe("a task that becomes a workflow", () => {
  it.each([
    ["task", 2],
    ["chain", 3],
    ["group", [2, 3]],
    ["chord", 5],
    ["again", 5],
  ])("of the form %s ends as that does, under its own id", async (form, result) => {
    const handle = await becomes.delay({ form });
    await settle();

    expect(await handle.get({ timeout: 0 })).toEqual(result);
    const { body } = await bench.call("GET", `/tasks/${handle.id}`);
    expect(body).toMatchObject({ task: "becomes", state: "SUCCESS", replacedBy: expect.any(String) });
    expect((await bench.call("GET", `/workflows/${body.replacedBy}`)).body.state).toBe("SUCCESS");
  });

  it("stands in its place in the workflow around it", async () => {
    const header = [
      inc.s({ n: 0 }),
      becomes.s({ form: "chord" }),
      becomes.s({ form: "group" }),
      becomes.s({ form: "again" }),
    ];
    const handle = await chain(chord(header, list.s().into("values")), list.s().into("values")).delay();
    await settle();

    expect(await handle.get({ timeout: 0 })).toEqual([1, 5, [2, 3], 5]);
    expect(runs.filter((one) => one === "becomes group")).toHaveLength(1);
  });

  it("fails as that does, and so does what follows", async () => {
    const alone = await becomes.delay({ form: "failure" });
    const handle = await chain(becomes.s({ form: "failure" }), inc.si({ n: 1 })).delay();
    await settle();

    await expect(alone.get({ timeout: 0 })).rejects.toThrow("broken");
    await expect(handle.get({ timeout: 0 })).rejects.toThrow("could not run");
  });

  it("fails by itself where that cannot be sent", async () => {
    const handle = await becomes.delay({ form: "unknown" });
    await settle();

    expect((await handle.fetch()).error).toMatchObject({ code: "WORKFLOW_INVALID" });
  });

  it("is revoked with that", async () => {
    const handle = await becomes.delay({ form: "late" });
    await queues.deliver();
    await handle.revoke();
    await settle();

    expect((await handle.fetch()).state).toBe("REVOKED");
    expect(runs).toEqual(["becomes late"]);
  });

  it("is revoked with the workflow around it, at any depth", async () => {
    const handle = await chain(becomes.s({ form: "late" }), unchecked(inc.s().into("n"))).delay();
    await queues.deliver();
    await bench.call("DELETE", `/workflows/${handle.id}`);
    await settle();

    expect(runs).toEqual(["becomes late"]);
    const { body } = await bench.call("GET", `/workflows/${handle.id}`);
    expect([body.state, ...states(body)]).toEqual(["REVOKED", "REVOKED", "REVOKED"]);
  });

  it("stops with its group, and is brought back by the replay of the member that failed", async () => {
    broken.add("a");
    const members = [
      unchecked(mends.s({ name: "a", n: 1 }).set({ countdown: 60 })),
      unchecked(becomes.s({ form: "late" })),
    ];
    const handle = await chord(members, unchecked(sum.s().into("numbers"))).delay();
    await settle();
    expect(runs).toEqual(["becomes late", "mends a"]);

    broken.clear();
    const { body } = await bench.call("GET", `/workflows/${handle.id}`);
    await replay(nodesOf(body).find(({ task }) => task === "mends")?.id);
    expect(await handle.get({ timeout: 0 })).toBe(1 + 2);
  });
});

interface Node {
  task?: string;
  id?: string;
  state: string;
}
const nodesOf = (body: unknown): Node[] => Object(body).nodes;
const states = (body: unknown): string[] =>
  nodesOf(body).flatMap(({ task, state }) => (task === undefined ? [] : [state]));

async function replay(id: string | undefined): Promise<void> {
  expect((await bench.call("POST", `/tasks/${id}/replay`)).status).toBe(202);
  await settle();
}

/** The task `mends` in the workflow that a task has become. */
async function innerId(id: string): Promise<string> {
  const { replacedBy } = (await bench.call("GET", `/tasks/${id}`)).body;
  const nodes = nodesOf((await bench.call("GET", `/workflows/${replacedBy}`)).body);
  const deeper = nodes.find(({ task }) => task === "becomes")?.id;
  return nodes.find(({ task }) => task === "mends")?.id ?? innerId(String(deeper));
}

describe("a replay of a failed task within a workflow that a task has become", () => {
  it.each(["mends", "deep"])("of the form %s lets the task end well", async (form) => {
    broken.add("inner");
    const handle = await becomes.delay({ form });
    await settle();
    expect((await handle.fetch()).state).toBe("FAILURE");

    broken.clear();
    await replay(await innerId(handle.id));
    expect(await handle.get({ timeout: 0 })).toBe(2);
    expect(runs.filter((one) => one === `becomes ${form}`)).toHaveLength(1);
  });

  it.each([
    ["failFast", "mends"],
    ["waitForAll", "mends"],
    ["failFast", "deep"],
  ] as const)("lets the workflow around go on, with policy %s and form %s", async (policy, form) => {
    broken.add("inner");
    const header = [becomes.s({ form }), inc.s({ n: 6 }).set({ countdown: 60 })];
    const handle = await chain(
      chord(header, unchecked(sum.s().into("numbers")), { policy }),
      inc.s().into("n"),
    ).delay();
    await settle();
    expect((await handle.fetch()).state).toBe("FAILURE");

    broken.clear();
    const { body } = await bench.call("GET", `/workflows/${handle.id}`);
    await replay(await innerId(String(nodesOf(body).find(({ task }) => task === "becomes")?.id)));
    expect(await handle.get({ timeout: 0 })).toBe(2 + 7 + 1);
    expect(runs.filter((one) => one === "mends inner")).toHaveLength(2);
  });

  it("changes nothing of a task that has run again since", async () => {
    broken.add("inner");
    const handle = await chain(inc.s({ n: 1 }), becomes.si({ form: "mends" })).delay();
    await settle();
    const inner = await innerId(handle.id);
    await replay(handle.id);
    broken.clear();
    await replay(inner);
    expect((await handle.fetch()).state).toBe("FAILURE");

    await replay(await innerId(handle.id));
    expect(await handle.get({ timeout: 0 })).toBe(2);
  });

  it("that is the last of a chain is replayed itself", async () => {
    broken.add("inner");
    const handle = await chain(inc.s({ n: 1 }), becomes.si({ form: "mends" })).delay();
    await settle();
    broken.clear();
    await replay(handle.id);
    expect(await handle.get({ timeout: 0 })).toBe(2);
  });
});

describe("a revoke of many", () => {
  it.each(["task=inc", "tag=slow", "queue=default"])("by %s reaches members that are sent after it", async (query) => {
    // So many are sent by a message of their own, once it is time.
    const members = Array.from({ length: 11 }, (_, n) => inc.s({ n }));
    const header = unchecked(group([...members, unchecked(becomes.s({ form: "chain" }))]));
    const whole = chord([header], unchecked(sum.s().into("numbers")));
    const handle = await whole.applyAsync({ tags: ["slow"], countdown: 60 });
    expect((await bench.call("DELETE", `/tasks?${query}`)).status).toBe(202);
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    await settle();

    expect(runs.filter((one) => one.startsWith("inc"))).toEqual([]);
    expect((await handle.fetch()).state).toBe("REVOKED");
    await bench.call("DELETE", `/control?${query}`);
  });

  it("lets a workflow that is replayed go on", async () => {
    broken.add("inner");
    const late = chain(becomes.s({ form: "mends" }), unchecked(inc.s().into("n")));
    const handle = await late.applyAsync({ tags: ["slow"] });
    await settle();
    expect((await bench.call("DELETE", "/tasks?tag=slow")).status).toBe(202);
    broken.clear();
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    const { body } = await bench.call("GET", `/workflows/${handle.id}`);
    await replay(await innerId(String(nodesOf(body).find(({ task }) => task === "becomes")?.id)));

    expect(await handle.get({ timeout: 0 })).toBe(3);
  });
});
