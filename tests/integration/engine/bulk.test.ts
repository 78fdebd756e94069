import { describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

const add = task({ name: "add", payload: z.object({ x: z.number().default(1) }), run: ({ x }) => x + 1 });
const fragile = task({
  name: "fragile",
  payload: z.object({}),
  retry: { maxRetries: 0 },
  run: () => {
    if (isBroken) throw new RangeError("broken");
    return "whole";
  },
});
let isBroken = true;

const { engine, bench, queues } = startVirtualBench({ add, fragile });

const shape = z.looseObject({
  id: z.string(),
  state: z.string(),
  total: z.number(),
  done: z.number(),
  skipped: z.number(),
  failed: z.number(),
});
const outcomes = z.object({
  tasks: z.array(z.looseObject({ id: z.string(), outcome: z.string(), replayedBy: z.string().optional() })),
  cursor: z.string().optional(),
});
const make = async (body: object) => {
  const answer = await bench.call("POST", "/bulk", body);
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 });
  return shape.parse(answer.body);
};
const read = async (id: string) => shape.parse((await bench.call("GET", `/bulk/${id}`)).body);
const tasksOf = async (id: string) => {
  const all: z.infer<typeof outcomes>["tasks"] = [];
  for (let cursor: string | undefined = "1"; cursor !== undefined; ) {
    const page = outcomes.parse((await bench.call("GET", `/bulk/${id}?cursor=${cursor}`)).body);
    all.push(...page.tasks);
    cursor = page.cursor;
  }
  return all;
};
const waitingTasks = async (count: number, tag: string): Promise<string[]> => {
  const sent = await Promise.all(
    Array.from({ length: count }, () => add.applyAsync({}, { countdown: 3600, tags: [tag] })),
  );
  return sent.map(({ id }) => id);
};
const failures = async (count: number, tag: string): Promise<string[]> => {
  isBroken = true;
  const sent = await Promise.all(Array.from({ length: count }, () => fragile.applyAsync({}, { tags: [tag] })));
  await queues.deliver();
  isBroken = false;
  return sent.map(({ id }) => id);
};
const statesOf = async (ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await engine.app.results.read(id))?.state));
/** Seconds from now, with deliveries as they fall due. */
const elapse = (seconds: number): Promise<void> => queues.until(new Date(engine.clock.now.getTime() + seconds * 1000));
const steps = (): number => queues.waiting.filter(({ body }) => body.includes("lovage.bulk")).length;

describe("a bulk act", () => {
  it("revokes what its filter has found, and nothing that came later", async () => {
    const tag = uniqueName("tag");
    const ids = await waitingTasks(130, tag);
    const { id, state } = await make({ act: "revoke", filter: { tag }, rate: 1000 });
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    const [late = ""] = await waitingTasks(1, tag);
    await elapse(5);

    expect(state).toBe("collecting");
    expect(await read(id)).toMatchObject({ state: "done", total: 130, done: 130, skipped: 0, failed: 0 });
    expect(new Set(await statesOf(ids))).toEqual(new Set(["REVOKED"]));
    expect(await statesOf([late])).toEqual(["PENDING"]);
    const tasks = await tasksOf(id);
    expect(tasks.map((one) => one.id).toSorted()).toEqual(ids.toSorted());
    expect(new Set(tasks.map(({ outcome }) => outcome))).toEqual(new Set(["done"]));
    expect(steps()).toBe(0);
  });

  it("lists the tasks of one outcome, however far apart they lie", async () => {
    const tag = uniqueName("tag");
    const [ended = ""] = await failures(1, tag);
    const waiting = await waitingTasks(250, tag);
    const ids = [...waiting.slice(0, 120), ended, ...waiting.slice(120)];
    const { id } = await make({ act: "revoke", ids, rate: 1000, start: false });
    await elapse(1);
    const list = async (outcome: string) => (await bench.call("GET", `/bulk/${id}?outcome=${outcome}`)).body;
    expect(outcomes.parse(await list("waiting"))).toMatchObject({ tasks: { length: 251 } });
    await bench.call("POST", `/bulk/${id}/start`);
    await elapse(10);

    expect(outcomes.parse(await list("skipped"))).toMatchObject({ tasks: [{ id: ended, outcome: "skipped" }] });
    expect(outcomes.parse(await list("done")).tasks).toHaveLength(250);
    expect(outcomes.parse(await list("failed"))).toEqual({ tasks: [] });
    expect((await bench.call("GET", `/bulk/${id}?outcome=typo`)).status).toBe(422);
  });

  it("replays failures, each once, however often it is asked for and by whom", async () => {
    const tag = uniqueName("tag");
    const ids = await failures(5, tag);
    const [first = ""] = ids;
    const earlier = await bench.call("POST", `/tasks/${first}/replay`);
    await elapse(1);
    const body = { id: engine.app.newId(), act: "replay", filter: { tag, state: "FAILURE,REVOKED" }, rate: 1000 };
    await make(body);
    await make(body);
    await elapse(5);
    await make(body);
    await elapse(5);

    expect(await read(body.id)).toMatchObject({ state: "done", total: 5, done: 4, skipped: 1, failed: 0 });
    const tasks = await tasksOf(body.id);
    expect(tasks.find((one) => one.id === first)).toMatchObject({
      outcome: "skipped",
      code: "ALREADY_REPLAYED",
      replayedBy: earlier.body.id,
    });
    const again = tasks.flatMap(({ replayedBy }) => replayedBy ?? []);
    expect(new Set(again).size).toBe(5);
    expect(new Set(await statesOf(again))).toEqual(new Set(["SUCCESS"]));
  });

  it("is about the failures of a kind, or about ids, of which some are left as they are", async () => {
    const tag = uniqueName("tag");
    const ids = await failures(3, tag);
    const { body } = await bench.call("GET", "/failures?task=fragile");
    const [{ fingerprint }] = z
      .object({ failures: z.tuple([z.object({ fingerprint: z.string() })]) })
      .parse(body).failures;
    const ofKind = await make({ act: "replay", failure: fingerprint, rate: 1000 });
    await elapse(5);
    expect((await tasksOf(ofKind.id)).map(({ id }) => id)).toEqual(expect.arrayContaining(ids));

    const [waiting = ""] = await waitingTasks(1, tag);
    const unknown = engine.app.newId();
    const ofIds = await make({ act: "revoke", ids: [waiting, ids[0], unknown, waiting], rate: 1000 });
    await elapse(5);
    expect(await read(ofIds.id)).toMatchObject({ state: "done", total: 3, done: 1, skipped: 1, failed: 1 });
    expect(await tasksOf(ofIds.id)).toMatchObject([
      { id: waiting, outcome: "done" },
      { id: ids[0], outcome: "skipped", code: "TASK_ENDED" },
      { id: unknown, outcome: "failed", code: "TASK_NOT_FOUND" },
    ]);
  });

  it("keeps to its rate, and stands still when it is stopped", async () => {
    const tag = uniqueName("tag");
    const ids = await waitingTasks(60, tag);
    const { id } = await make({ act: "revoke", filter: { tag }, rate: 2 });
    await elapse(1);
    expect(await read(id)).toMatchObject({ state: "acting", total: 60, done: 10 });
    await elapse(10);
    const { done } = await read(id);
    expect(done).toBeLessThanOrEqual(30);
    expect(done).toBeGreaterThanOrEqual(20);

    const stopped = await bench.call("DELETE", `/bulk/${id}`);
    expect(stopped).toMatchObject({ status: 202, body: { state: "stopped", done } });
    await elapse(60);
    expect(await read(id)).toMatchObject({ state: "stopped", done });
    expect((await statesOf(ids)).filter((one) => one === "PENDING")).toHaveLength(60 - done);
    expect(steps()).toBe(0);
    // To start or stop it again changes nothing.
    expect(await bench.call("POST", `/bulk/${id}/start`)).toMatchObject({ body: { state: "stopped" } });
    expect(await bench.call("DELETE", `/bulk/${id}`)).toMatchObject({ body: { state: "stopped" } });
  });

  it("waits for its start, where it is asked to, and says what it is about", async () => {
    const tag = uniqueName("tag");
    const [one = ""] = await waitingTasks(1, tag);
    const { id } = await make({ act: "revoke", filter: { tag }, rate: 1000, start: false });
    expect(await bench.call("POST", `/bulk/${id}/start`)).toMatchObject({
      status: 409,
      body: { code: "BULK_CONFLICT" },
    });
    await elapse(60);
    expect(await read(id)).toMatchObject({ state: "ready", total: 1, done: 0 });
    expect(await tasksOf(id)).toEqual([{ id: one, outcome: "waiting" }]);
    expect(await statesOf([one])).toEqual(["PENDING"]);

    for (let press = 0; press < 2; press += 1) await bench.call("POST", `/bulk/${id}/start`);
    await elapse(5);
    expect(await read(id)).toMatchObject({ state: "done", done: 1 });
    const { body } = await bench.call("GET", "/bulk?limit=1");
    expect(body).toMatchObject({ acts: [{ id, by: "local", target: { filter: { tag } } }], cursor: id });
    expect((await bench.call("GET", `/bulk?cursor=${id}&limit=1`)).body).toMatchObject({
      acts: [{ id: expect.not.stringContaining(id) }],
    });
  });

  it("is in the audit trail: who asked, started and stopped", async () => {
    const { id } = await make({ act: "revoke", filter: { tag: uniqueName("none") } });
    await bench.call("DELETE", `/bulk/${id}`);
    const { body } = await bench.call("GET", "/activity?limit=2");
    expect(body).toMatchObject({
      acts: [
        { act: "stop", by: "local", state: "done", target: { bulk: id } },
        { act: "bulk", by: "local", state: "done", target: { bulk: id, act: "revoke" } },
      ],
    });
  });

  it("goes on from where it was when its worker dies, or its message comes twice", async () => {
    const tag = uniqueName("tag");
    await waitingTasks(40, tag);
    const { id } = await make({ act: "revoke", filter: { tag }, rate: 2 });
    await elapse(1);
    // Two copies of the step that is next.
    const next = queues.waiting.find(({ body }) => body.includes("lovage.bulk"));
    queues.put("default", next?.body ?? "");
    await elapse(120);
    expect(await read(id)).toMatchObject({ state: "done", total: 40, done: 40 });
    expect(steps()).toBe(0);
  });

  it("leaves a task that the cloud refuses twice, and goes on with the others", async () => {
    const tag = uniqueName("tag");
    const ids = await waitingTasks(3, tag);
    const { requestRevoke } = engine.app.results;
    engine.app.results.requestRevoke = (id, error) =>
      id === ids[1] ? Promise.reject(new Error("no table")) : requestRevoke(id, error);
    const { id } = await make({ act: "revoke", ids, rate: 1000 });
    await elapse(400);
    engine.app.results.requestRevoke = requestRevoke;
    expect(await read(id)).toMatchObject({ state: "done", done: 2, failed: 1 });
    expect((await tasksOf(id))[1]).toMatchObject({ outcome: "failed", code: "INTERNAL" });
  });

  it.each([
    [{ act: "drop", filter: { tag: "a" } }, "revoke or replay"],
    [{ act: "revoke" }, "one of 'filter', 'failure' and 'ids'"],
    [{ act: "revoke", filter: { tag: "a" }, ids: [engine.app.newId()] }, "one of 'filter', 'failure' and 'ids'"],
    [{ act: "revoke", filter: {} }, "at least one of state, task"],
    [{ act: "revoke", filter: { limit: "5" } }, "at least one of state, task"],
    [{ act: "revoke", filter: { state: "SUCCESS" } }, "PENDING, STARTED, RETRY"],
    [{ act: "replay", filter: { state: "FAILURE,STARTED" } }, "SUCCESS, FAILURE, REVOKED"],
    [{ act: "revoke", failure: "0123456789abcdef" }, "replay"],
    [{ act: "replay", failure: "0123456789abcdef" }, "GET /failures"],
    [{ act: "revoke", ids: ["a"] }, "the id of a task"],
    [{ act: "revoke", ids: [] }, "1 to 10000"],
    [{ act: "revoke", filter: { tag: "a" }, rate: 0 }, "0.1 to 1000"],
    [{ act: "revoke", filter: { tag: "a" }, start: 1 }, "true or false"],
    [{ act: "revoke", filter: { tag: "a" }, id: "2c5ea4c0-4067-41e9-8bad-9b1deb4d3b7d" }, "version 7"],
  ])("%j is refused", async (body, expected) => {
    const answer = await bench.call("POST", "/bulk", body);
    expect(answer).toMatchObject({ status: 422, body: { detail: expect.stringContaining(expected) } });
  });

  it("has one meaning for one id", async () => {
    const id = engine.app.newId();
    await make({ id, act: "revoke", filter: { tag: "a" } });
    const other = await bench.call("POST", "/bulk", { id, act: "revoke", filter: { tag: "b" } });
    expect(other).toMatchObject({ status: 409, body: { code: "BULK_CONFLICT" } });
    // The trail says the same as the answer.
    const { acts } = (await bench.call("GET", "/activity?act=bulk&limit=1")).body;
    expect(acts).toMatchObject([{ state: "refused", outcome: { code: "BULK_CONFLICT", reason: other.body.detail } }]);
    expect(await bench.call("GET", "/bulk?cursor=zz")).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining("an earlier answer") },
    });
    expect(await bench.call("GET", `/bulk/${engine.app.newId()}`)).toMatchObject({
      status: 404,
      body: { code: "BULK_NOT_FOUND" },
    });
  });
});
