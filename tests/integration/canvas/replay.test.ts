import { beforeEach, describe, expect, it } from "vitest";
import { chain, chord, each, group } from "../../../shared/index.ts";
import { startGround } from "./ground.ts";
import { broken, inc, list, mends, runs, sum, tasks, unchecked } from "./tasks.ts";

const { bench, queues, settle, together } = await startGround(tasks);

beforeEach(() => {
  runs.length = 0;
  broken.clear();
});

/** The id of the first task in the graph that has failed for itself. */
async function failedId(id: string, name = "mends"): Promise<string> {
  const { body } = await bench.call("GET", `/workflows/${id}`);
  const nodes = Object(body).nodes as { task?: string; state: string; id?: string; error?: { code?: string } }[];
  return nodes.find((one) => one.task === name && one.state === "FAILURE" && !one.error?.code)?.id ?? "";
}

async function replayed(id: string, body?: unknown): Promise<void> {
  expect(await bench.call("POST", `/tasks/${id}/replay`, body)).toMatchObject({ status: 202, body: { id } });
  await settle();
  expect(queues.waiting).toEqual([]);
}

/** A chord of which both members fail. */
async function twoFailures() {
  broken.add("a").add("b");
  const handle = await chord([mends.s({ name: "a", n: 1 }), mends.s({ name: "b", n: 2 })], sum.s().into("numbers"), {
    policy: "waitForAll",
  }).delay();
  await settle();
  return handle;
}

const count = (name: string): number => runs.filter((one) => one === name).length;

describe("a replayed task of a workflow", () => {
  it("lets the rest go on, under the ids that it had, and runs nothing else again", async () => {
    broken.add("b");
    const body = sum.s().into("numbers");
    const header = [inc.si({ n: 1 }), mends.si({ name: "b", n: 10 }), mends.si({ name: "c", n: 20 })];
    const handle = await chain(
      inc.s({ n: 0 }),
      chord(
        header.map((one) => chain(inc.si({ n: 5 }), one)),
        body,
      ),
      inc.s().into("n"),
    ).delay();
    await settle();
    expect((await handle.fetch()).state).toBe("FAILURE");

    broken.clear();
    await replayed(await failedId(handle.id));
    expect(await handle.get({ timeout: 0 })).toBe(2 + 10 + 20 + 1);
    expect([count("mends b"), count("inc 0")]).toEqual([2, 1]);
  });

  it("brings back members that were revoked with it", async () => {
    broken.add("a");
    const members = [
      mends.s({ name: "a", n: 1 }),
      ...Array.from({ length: 8 }, (_, n) => inc.s({ n }).set({ countdown: 60 })),
    ];
    const handle = await chord(members, sum.s().into("numbers")).delay();
    await settle();
    expect(runs).toEqual(["mends a"]);

    broken.clear();
    await replayed(await failedId(handle.id));
    expect(await handle.get({ timeout: 0 })).toBe(1 + 36);
  });

  it("leaves another member that has failed by itself as it is, though its group fails fast", async () => {
    broken.add("a").add("b");
    const late = inc.s({ n: 1 }).set({ countdown: 60 });
    const header = [mends.s({ name: "a", n: 10 }), mends.s({ name: "b", n: 20 }), late];
    const handle = await chord(header, sum.s().into("numbers")).delay();
    await together();
    await together();
    await settle();
    expect(runs).toEqual(["mends a", "mends b"]);

    broken.clear();
    await replayed(await failedId(handle.id));
    expect(runs.slice(2).toSorted()).toEqual(["inc 1", "mends a"]);
    expect((await handle.fetch()).state).toBe("FAILURE");

    await replayed(await failedId(handle.id));
    expect(runs.slice(4)).toEqual(["mends b", "sum 10+20+2"]);
    expect(await handle.get({ timeout: 0 })).toBe(32);
  });

  it.each([
    ["", 12, unchecked(group(Array.from({ length: 12 }, (_, n) => inc.si({ n }))))],
    [" of what an item gives", 24, unchecked(each(group(Array.from({ length: 12 }, () => inc.s().into("n")))))],
  ])("lets a group within go on that was stopped before its members were sent%s", async (_, length, inner) => {
    broken.add("a");
    const handle = await chain(
      list.s({ values: [1, 2] }),
      unchecked(group([mends.si({ name: "a", n: 1 }), inner])),
    ).delay();
    await settle();
    expect(runs).toEqual(["mends a"]);

    broken.clear();
    await replayed(await failedId(handle.id));
    const { nodes } = (await bench.call("GET", `/workflows/${handle.id}`)).body as {
      nodes: { task?: string; state: string }[];
    };
    expect(nodes.filter(({ task, state }) => task === "inc" && state === "SUCCESS")).toHaveLength(length);
    expect(nodes[0]?.state).toBe("SUCCESS");
  });

  it("that fails again fails the workflow again, and can be replayed again", async () => {
    broken.add("a");
    const handle = await chord([mends.s({ name: "a", n: 1 }), inc.s({ n: 1 })], sum.s().into("numbers"), {
      policy: "waitForAll",
    }).delay();
    await settle();
    const id = await failedId(handle.id);
    await replayed(id);
    expect((await handle.fetch()).state).toBe("FAILURE");
    expect((await bench.call("GET", `/tasks/${id}`)).body).toMatchObject({
      attempt: 2,
      error: { message: "a is broken" },
    });

    broken.clear();
    await replayed(id);
    expect(await handle.get({ timeout: 0 })).toBe(3);
  });

  it("heals one of two failures at a time", async () => {
    const handle = await twoFailures();
    broken.clear();
    await replayed(await failedId(handle.id));
    expect((await handle.fetch()).state).toBe("FAILURE");
    await replayed(await failedId(handle.id));
    expect(await handle.get({ timeout: 0 })).toBe(3);
    expect([count("mends a"), count("mends b"), count("sum 1+2")]).toEqual([2, 2, 1]);
  });

  it("takes another payload", async () => {
    broken.add("a");
    const handle = await chain(inc.s({ n: 1 }), mends.s({ name: "a" }).into("n"), inc.s().into("n")).delay();
    await settle();
    await replayed(await failedId(handle.id), { payload: { name: "mended", n: 40 } });
    expect(await handle.get({ timeout: 0 })).toBe(41);
  });

  it("that could not run has what failed before it run again", async () => {
    const handle = await twoFailures();
    broken.clear();
    await replayed(handle.id);
    expect(await handle.get({ timeout: 0 })).toBe(3);
  });

  it("alone has failed: a body runs again by itself", async () => {
    broken.add("body");
    const body = chain(sum.s().into("numbers"), mends.s({ name: "body" }).into("n"));
    const handle = await chord([inc.s({ n: 1 }), inc.s({ n: 2 })], body).delay();
    await settle();
    broken.clear();
    await replayed(handle.id);
    expect(await handle.get({ timeout: 0 })).toBe(5);
    expect([count("inc 1"), count("inc 2"), count("sum 2+3"), count("mends body")]).toEqual([1, 1, 1, 2]);
  });

  it("is refused where it has ended well", async () => {
    const handle = await chain(inc.s({ n: 1 }), inc.s().into("n")).delay();
    await settle();
    expect(await bench.call("POST", `/tasks/${handle.id}/replay`)).toMatchObject({ status: 409 });
  });

  it("of a whole that was revoked brings all of it back", async () => {
    const handle = await group(Array.from({ length: 12 }, (_, n) => inc.s({ n }).set({ countdown: 60 }))).delay();
    await queues.deliver();
    await handle.revoke();
    await settle();
    expect(runs).toEqual([]);

    const { body } = await bench.call("GET", `/workflows/${handle.id}?place=3`);
    await replayed(String(Object(body).nodes[0].id));
    expect(await handle.get({ timeout: 0 })).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
  });
});
