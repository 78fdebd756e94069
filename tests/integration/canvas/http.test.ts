import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";
import { runs, tasks } from "./tasks.ts";

const { engine, bench, queues } = startVirtualBench(tasks);

const nodes = z.array(z.looseObject({ place: z.string(), state: z.string() }));

beforeEach(() => {
  runs.length = 0;
});

async function sent(body: unknown): Promise<string> {
  const answer = await bench.call("POST", "/workflows", body);
  expect(answer).toMatchObject({ status: 202, body: { state: "PENDING" } });
  return String(answer.body.id);
}

async function settle(): Promise<void> {
  await queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
}

/** Places of a workflow with their states. */
async function states(id: string, query = ""): Promise<Record<string, string>> {
  const { body } = await bench.call("GET", `/workflows/${id}${query}`);
  return Object.fromEntries(nodes.parse(body.nodes).map(({ place, state }) => [place, state]));
}

const task = (name: string, payload: unknown, more: object = {}): object => ({ task: name, payload, ...more });

describe("POST /workflows", () => {
  it("takes any nesting, and answers with the id of its last task", async () => {
    const id = await sent({
      chain: [
        { chord: { header: [task("inc", { n: 1 }), task("inc", { n: 2 })], body: { task: "sum", into: "numbers" } } },
        { task: "inc", into: "n" },
      ],
    });
    await settle();

    const { body } = await bench.call("GET", `/tasks/${id}`);
    expect(body).toMatchObject({ task: "inc", state: "SUCCESS", result: 6, workflow: { id, place: "1" } });
    expect(await states(id)).toMatchObject({ "": "SUCCESS", "0.0.0": "SUCCESS", "0.1": "SUCCESS", 1: "SUCCESS" });
  });

  it.each([
    [{ chain: [] }, "chain"],
    [{ group: [{ task: "inc", payload: { n: "x" } }] }, "group[0].payload"],
    [{ chain: [task("inc", { n: 1 }), { task: "nobody" }] }, "chain[1].task"],
    [{ chain: [task("inc", { n: 1 }), { task: "inc", imutable: true }] }, "chain[1].imutable"],
    [{ group: [], policy: "sometimes" }, "policy"],
    [{ each: { task: "inc" } }, "each"],
    [{ chord: { header: [] } }, "chord.body"],
    [{ task: "inc", payload: { n: 1 }, link: { task: "note" } }, "link"],
    [{ group: [task("inc", { n: 1 }, { options: { idempotencyKey: "k" } })] }, "group[0].options.idempotencyKey"],
    [{ chain: [task("inc", { n: 1 }, { into: "n" })] }, "chain[0].into"],
    [
      { chord: { header: [task("inc", { n: 1 }), task("inc", { n: "x" })], body: { task: "sum" } } },
      "chord.header[1].payload",
    ],
    [{ chord: { header: [task("inc", { n: 1 })], body: { task: "nobody" } } }, "chord.body.task"],
    [
      {
        group: [
          {
            chord: {
              header: [{ chord: { header: [{ task: "nobody" }], body: { task: "sum" } } }],
              body: { task: "sum" },
            },
          },
        ],
      },
      "group[0].chord.header[0].chord.header[0].task",
    ],
    [{ chain: [task("inc", { n: 1 })], link: [{ task: "note" }, { task: "nobody" }] }, "link[1].task"],
    [{ group: [task("inc", { n: 1 }, { linkError: [{ task: "nobody" }] })] }, "group[0].linkError[0].task"],
  ])("points at what it refuses: %j", async (body, path) => {
    const answer = await bench.call("POST", "/workflows", body);

    expect(answer).toMatchObject({ status: 422, body: { code: "WORKFLOW_INVALID" } });
    expect(answer.body.detail).toContain(`'${path}'`);
    expect(queues.waiting).toEqual([]);
  });

  it("refuses what is nested too deep, with both numbers", async () => {
    let deep: object = task("inc", { n: 1 });
    for (let level = 0; level < 40; level++) deep = { group: [deep] };

    const { body } = await bench.call("POST", "/workflows", deep);
    expect(body.detail).toMatch(/33 levels.*at most 32/);
  });

  it("is one workflow for one key", async () => {
    const body = { chain: [task("inc", { n: 1 }), { task: "inc", into: "n" }], options: { idempotencyKey: "http-1" } };
    expect(await sent(body)).toBe(await sent(body));
  });
});

describe("GET /workflows/{id}", () => {
  it("shows what was never reached as REVOKED, and the way to what failed", async () => {
    const id = await sent({
      chain: [
        {
          group: [task("inc", { n: 1 }), task("fail", {}, { linkError: [task("note", { at: "fail" })] })],
          policy: "waitForAll",
        },
        { task: "sum", into: "numbers" },
        { task: "inc", into: "n" },
      ],
    });
    expect(await states(id)).toMatchObject({ "": "PENDING", "0.0": "PENDING" });
    await settle();

    const { body } = await bench.call("GET", `/workflows/${id}`);
    expect(body.state).toBe("FAILURE");
    expect(await states(id)).toEqual({
      "": "FAILURE",
      0: "FAILURE",
      "0.0": "SUCCESS",
      "0.1": "FAILURE",
      1: "REVOKED",
      2: "FAILURE",
    });
    const group = nodes.parse(body.nodes).find(({ place }) => place === "0");
    expect(group).toMatchObject({ members: 2, ended: 2, failed: 1, failures: ["0.1"], parent: "" });
    expect(body.edges).toEqual([
      { from: "0", to: "1" },
      { from: "1", to: "2" },
    ]);
    expect(runs).toContainEqual(expect.stringContaining('note {"id"'));
  });

  it("shows a group of more than 100 members as counts, and in pages", async () => {
    const id = await sent({ group: Array.from({ length: 130 }, (_, n) => task("inc", { n })) });
    await settle();

    const { body } = await bench.call("GET", `/workflows/${id}?place=&limit=30`);
    expect(nodes.parse(body.nodes)).toHaveLength(31);
    expect(body.cursor).toBe("30");
    const chain = await sent({
      chain: [task("inc", { n: 1 }), { group: Array.from({ length: 130 }, () => ({ task: "inc", into: "n" })) }],
    });
    await settle();
    const whole = nodes.parse((await bench.call("GET", `/workflows/${chain}`)).body.nodes);
    expect(whole.map(({ place }) => place)).toEqual(["", "0", "1"]);
    expect(whole[2]).toMatchObject({ members: 130, ended: 130, failed: 0, folded: true });
    expect(Object.keys(await states(chain, "?place=1&cursor=100"))).toHaveLength(31);
  });

  it("pages through the members of a group that have failed", async () => {
    const isBad = (n: number): boolean => n % 50 === 7 || n > 240;
    const members = Array.from({ length: 250 }, (_, n) => task(isBad(n) ? "fail" : "inc", { n }));
    const group = { group: members, policy: "waitForAll" };
    const id = await sent({ chain: [group, { task: "list", into: "values" }] });
    await settle();

    const found: string[] = [];
    let cursor: unknown = "0";
    for (let pages = 1; cursor !== undefined; pages++) {
      const { body } = await bench.call("GET", `/workflows/${id}?place=0&failed=true&limit=6&cursor=${cursor}`);
      found.push(
        ...nodes
          .parse(body.nodes)
          .slice(1)
          .map(({ place }) => place),
      );
      cursor = body.cursor;
      expect([pages, cursor !== undefined]).toEqual([pages, pages < 3]);
    }
    const bad = members.flatMap((_, n) => (isBad(n) ? [`0.${n}`] : []));
    expect(found).toEqual(bad);
    expect((await bench.call("GET", `/workflows/${id}?failed=yes`)).status).toBe(422);
    // A chain has no members.
    expect(Object.keys(await states(id, "?failed=true"))).toContain("1");
  });

  it("is refused for an unknown id, place or format", async () => {
    const id = await sent({ chain: [task("inc", { n: 1 }), { task: "inc", into: "n" }] });

    expect((await bench.call("GET", "/workflows/01a2f000-0000-7000-8000-000000000000")).status).toBe(404);
    expect((await bench.call("GET", "/workflows/typo")).status).toBe(404);
    expect((await bench.call("GET", `/workflows/${id}?place=7`)).status).toBe(422);
    expect((await bench.call("GET", `/workflows/${id}?place=a`)).status).toBe(422);
    expect((await bench.call("GET", `/workflows/${id}?format=png`)).status).toBe(422);
  });
});

describe("DELETE /workflows/{id}", () => {
  it("stops a group: what has not begun never runs, and reads REVOKED", async () => {
    const members = Array.from({ length: 12 }, (_, n) => task("inc", { n }, { options: { countdown: 60 } }));
    const id = await sent({ group: members });
    await queues.deliver();

    expect(await bench.call("DELETE", `/workflows/${id}`)).toMatchObject({ status: 202, body: { id, revoked: true } });
    expect((await bench.call("GET", `/workflows/${id}`)).body.state).toBe("REVOKED");
    await settle();
    expect(runs).toEqual([]);
    expect(new Set(Object.values(await states(id)))).toEqual(new Set(["REVOKED"]));
    expect(queues.waiting).toEqual([]);
  });
});
