import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";
import { runs, tasks } from "./tasks.ts";

const { engine, bench, queues } = startVirtualBench(tasks);

const page = z.object({
  workflows: z.array(z.looseObject({ id: z.string(), title: z.string() })),
  searchedFrom: z.string(),
  cursor: z.string().optional(),
});
const DAY = 86_400_000;

beforeEach(() => {
  runs.length = 0;
});

async function send(body: unknown): Promise<string> {
  return String((await bench.call("POST", "/workflows", body)).body.id);
}

async function settle(): Promise<void> {
  await queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
}

async function list(query = ""): Promise<z.infer<typeof page>> {
  return page.parse((await bench.call("GET", `/workflows${query}`)).body);
}

const inc = { task: "inc", payload: { n: 1 } };
const next = { task: "inc", into: "n" };
const fail = { task: "fail", payload: {} };

describe("GET /workflows", () => {
  it("lists workflows, newest first, with their tasks' names and how far they have come", async () => {
    const good = await send({ chain: [{ group: [inc, inc, inc] }, { task: "sum", into: "numbers" }, next] });
    const bad = await send({ group: [inc, fail, fail], policy: "waitForAll" });
    const half = await send({ chain: [inc, fail, next, next] });
    await settle();
    const waiting = await send({ chain: [{ ...inc, options: { countdown: 600 } }, next] });

    const { workflows, cursor } = await list("?limit=4");
    expect(workflows).toMatchObject([
      { id: waiting, state: "PENDING", title: "inc → inc", parts: 2, ended: 0, failed: 0, rootId: waiting },
      { id: half, state: "FAILURE", title: "inc → fail → inc → inc", parts: 4, ended: 1, failed: 1 },
      { id: bad, state: "FAILURE", title: "3 × (inc | fail)", parts: 3, ended: 3, failed: 2 },
      { id: good, state: "SUCCESS", title: "3 × inc → sum → inc", parts: 3, ended: 3, failed: 0 },
    ]);
    expect(workflows[3]).toHaveProperty("finishedAt");
    expect(cursor).toBe(good);
  });

  it("goes on after a cursor, and filters by state and time", async () => {
    const ids: string[] = [];
    for (const node of [inc, fail, inc]) ids.push(await send({ chain: [node, next] }));
    await settle();

    const first = await list("?limit=2");
    const second = await list(`?limit=1&cursor=${first.cursor}`);
    expect([...first.workflows, ...second.workflows].map(({ id }) => id)).toEqual(ids.toReversed());
    const failed = await list(`?limit=3&state=FAILURE`);
    expect(failed.workflows.map(({ id }) => id)).toEqual([ids[1]]);
    expect((await list("?to=2020-01-01")).workflows).toEqual([]);
    expect(await bench.call("GET", "/workflows?state=STARTED")).toMatchObject({ status: 422 });
    expect(await bench.call("GET", "/workflows?from=2026-02-01&to=2026-01-01")).toMatchObject({ status: 422 });
    expect(await bench.call("GET", "/workflows?cursor=typo")).toMatchObject({ status: 422 });
  });

  it("shows those of the last week unless it is asked for others", async () => {
    const id = await send({ chain: [inc, next] });
    const from = new Date(engine.clock.now.getTime() - DAY).toISOString();
    await queues.jump((8 * DAY) / 1000);

    expect((await list()).workflows).toEqual([]);
    expect((await list(`?from=${from}`)).workflows.map((one) => one.id)).toContain(id);
  });

  it("names long and nested workflows in one line", async () => {
    await send({
      chain: [...Array.from({ length: 9 }, () => ({ task: "inc", payload: { n: 1 }, immutable: true })), next],
    });
    await send({
      chain: [{ task: "list", payload: { values: [1] } }, { each: { chain: [{ task: "echo", into: "value" }, next] } }],
    });

    // Tests before this one have sent some an hour from now.
    const to = new Date(engine.clock.now.getTime() + 60_000).toISOString();
    const titles = (await list(`?limit=2&to=${to}`)).workflows.map(({ title }) => title);
    expect(titles).toEqual(["list → each × (echo → inc)", "inc → inc → inc → … 6 more … → inc"]);
  });
});

describe("a folded group", () => {
  it("shows the first of its members that failed", async () => {
    const members = Array.from({ length: 120 }, (_, n) => (n === 17 || n === 101 ? fail : inc));
    const id = await send({ group: members, policy: "collect" });
    await settle();

    const { body } = await bench.call("GET", `/workflows/${id}?limit=0`);
    expect(body).toMatchObject({
      nodes: [
        { place: "", folded: true, members: 120, ended: 120, failed: 2 },
        { place: "17", state: "FAILURE", parent: "" },
        { place: "101", state: "FAILURE", parent: "" },
      ],
    });
    expect(body).not.toHaveProperty("cursor");
  });
});
