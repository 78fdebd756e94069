import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { replayOrHeal } from "../../../shared/canvas/heal.ts";
import { sendWorkflow } from "../../../shared/canvas/send.ts";
import { createWorker, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { idAt, type Node } from "../../../shared/workflows/definition.ts";
import { startGround } from "./ground.ts";

const runs: string[] = [];
const numbered = z.object({ n: z.number() });
const step = (name: string, run: (n: number) => number) =>
  task({
    name,
    payload: numbered,
    run: ({ n }) => {
      runs.push(`${name} ${n}`);
      return { n: run(n) };
    },
  });
const first = step("first", (n) => n + 1);
const second = step("second", (n) => n * 10);
const third = step("third", (n) => n + 5);
const numbers = task({ name: "numbers", run: () => [{ n: 1 }, { n: 2 }] });
const gather = task({ name: "gather", payload: z.object({ list: z.array(z.json()) }), run: ({ list }) => list });
/** It needs a field more than the step before it gives. */
const stricter = task({
  name: "second",
  payload: z.object({ n: z.number(), factor: z.number() }),
  run: ({ n, factor }) => ({ n: n * factor }),
});

/** The deployment with which each workflow is sent. */
const before = { first, second, third, numbers, gather };
const { engine, queues } = await startGround(before);
const { app } = engine;
beforeEach(() => {
  runs.length = 0;
});

/** Other code that comes while workflows are under way. */
function deployment(tasks: Record<string, unknown>) {
  const modules = [{ file: "tests.ts", exports: tasks }];
  const registry = createRegistry(modules);
  const worker = createWorker(modules, app);
  const settle = async (): Promise<void> => {
    await queues.until(new Date(engine.clock.now.getTime() + 3_600_000), worker);
    expect(queues.waiting).toEqual([]);
  };
  return {
    settle,
    /** Runs one task; whatever else comes meanwhile is kept. */
    async runOne(): Promise<void> {
      let isDone = false;
      await queues.deliver(async (event, context) => {
        const { Records } = event;
        if (isDone) return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
        isDone = true;
        return worker(event, context);
      });
    },
    /** Replays a task that has failed, and lets everything run. */
    async replay(id: string, payload?: { n: number; factor: number }): Promise<void> {
      const record = await app.results.kept(id);
      if (record === undefined) throw new Error(`Task ${id} has no record.`);
      await replayOrHeal(app, registry, record, payload === undefined ? {} : { payload });
      await settle();
    },
  };
}

const old = deployment(before);

/** A workflow that was sent under the old deployment. */
async function sent(root: Node): Promise<{ id: string; at: (place: string) => string }> {
  const { id } = await sendWorkflow(app, createRegistry([{ file: "tests.ts", exports: before }]), root);
  return { id, at: (place) => idAt({ id, root }, place) };
}

/** One whose first task has run under it, too. */
async function begun(root: Node): ReturnType<typeof sent> {
  const workflow = await sent(root);
  await old.runOne();
  return workflow;
}

/** A record with its result. */
async function ended(id: string): Promise<Record<string, unknown>> {
  const record = await app.results.kept(id);
  return record === undefined ? {} : { ...(await app.results.complete(record)) };
}

const FIRST: Node = { task: "first", payload: { n: 1 } };
const CHAIN: Node = { chain: [FIRST, { task: "second" }, { task: "third" }] };
const member = (name: string, n: number): Node => ({ task: name, payload: { n }, immutable: true });
const chord = (policy: "failFast" | "collect"): Node => ({
  chain: [FIRST, { group: [member("second", 1), member("third", 2)], policy }, { task: "gather", into: "list" }],
});

describe("a workflow under which another deployment comes", () => {
  it("goes on by the definition with which it was sent, each task by its newest code", async () => {
    const { id } = await begun(CHAIN);
    const newer = deployment({ ...before, second: step("second", (n) => n * 100) });
    await newer.settle();

    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 205 } });
  });

  it("finds a renamed task as long as its old name is exported, too", async () => {
    const { id } = await begun(CHAIN);
    await deployment({ first, multiply: step("multiply", (n) => n * 10), oldName: second, third }).settle();

    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 25 } });
  });

  it("ends where the next task is gone, and is healed by a replay when it is back", async () => {
    const { id, at } = await begun(CHAIN);
    await deployment({ first, renamed: step("renamed", (n) => n), third }).settle();

    expect(await ended(at("1"))).toMatchObject({ state: "FAILURE", error: { code: "TASK_NOT_REGISTERED" } });
    expect(await ended(id)).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_STEP_FAILED" } });

    await old.replay(at("1"));
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 25 } });
    expect(runs).toEqual(["first 1", "second 2", "third 20"]);
  });

  it("ends where the last task is gone, and is healed by a replay of it", async () => {
    const { id } = await begun(CHAIN);
    await deployment({ first, second }).settle();
    expect(await ended(id)).toMatchObject({ state: "FAILURE", error: { code: "TASK_NOT_REGISTERED" } });

    await old.replay(id);
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 25 } });
  });

  it("ends where the schema of a later step refuses what it gets, and goes on with another payload", async () => {
    const { id, at } = await begun(CHAIN);
    const newer = deployment({ ...before, second: stricter });
    await newer.settle();

    expect(await ended(at("1"))).toMatchObject({ state: "FAILURE", error: { code: "PAYLOAD_INVALID" } });
    expect(await ended(id)).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_STEP_FAILED" } });

    await newer.replay(at("1"), { n: 2, factor: 3 });
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 11 } });
  });

  it("ends where the schema of a body refuses the list, and is healed when it takes it again", async () => {
    const { id } = await begun(chord("failFast"));
    const pickier = task({ name: "gather", payload: z.object({ list: z.array(z.number()) }), run: ({ list }) => list });
    await deployment({ ...before, gather: pickier }).settle();
    expect(await ended(id)).toMatchObject({ state: "FAILURE", error: { code: "PAYLOAD_INVALID" } });

    await old.replay(id);
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: [{ n: 10 }, { n: 7 }] });
    expect(runs).toEqual(["first 1", "second 1", "third 2"]);
  });

  it("has the policy say what a member whose task is gone means", async () => {
    const fast = await begun(chord("failFast"));
    const collecting = await begun(chord("collect"));
    await deployment({ first, third, gather }).settle();

    expect(await ended(fast.id)).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_STEP_FAILED" } });
    expect(await ended(collecting.id)).toMatchObject({
      state: "SUCCESS",
      result: [
        { ok: false, error: { code: "TASK_NOT_REGISTERED" } },
        { ok: true, value: { n: 7 } },
      ],
    });
    await old.replay(fast.at("1.0"));
    expect(await ended(fast.id)).toMatchObject({ state: "SUCCESS", result: [{ n: 10 }, { n: 7 }] });
  });

  it("has no member of 'each' whose task is gone hold up the rest", async () => {
    const { id } = await sent({
      chain: [{ task: "numbers" }, { each: { task: "second" } }, { task: "gather", into: "list" }],
    });
    await deployment({ numbers, gather }).settle();
    expect(await ended(id)).toMatchObject({ state: "FAILURE", error: { code: "WORKFLOW_STEP_FAILED" } });

    await old.replay(id);
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: [{ n: 10 }, { n: 20 }] });
  });

  it("refuses the members of 'each' together that a new schema does not take, and sends them when it does", async () => {
    const { id } = await sent({
      chain: [{ task: "numbers" }, { each: { task: "second" } }, { task: "gather", into: "list" }],
    });
    await deployment({ ...before, second: stricter }).settle();
    expect(await ended(id)).toMatchObject({
      state: "FAILURE",
      error: { message: expect.stringMatching(/each, item 0/) },
    });
    expect(runs).toEqual([]);

    await old.replay(id);
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: [{ n: 10 }, { n: 20 }] });
  });

  it("calls no callback whose task is gone, and ends as it would have ended", async () => {
    const { id } = await begun({ chain: [FIRST, { task: "third", link: [{ task: "second" }] }] });
    await deployment({ first, third }).settle();

    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: { n: 7 } });
  });
});
