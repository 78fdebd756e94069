import { beforeEach, describe, expect, it } from "vitest";
import { chain, chord, group } from "../../../shared/index.ts";
import { startGround } from "./ground.ts";
import { echo, fail, hooked, ignores, inc, list, note, runs, sum, tasks } from "./tasks.ts";

const { engine, settle, resultOf } = await startGround(tasks);

beforeEach(() => {
  runs.length = 0;
});

describe("a policy", () => {
  const members = () => [inc.s({ n: 1 }), fail.s({ why: "one" }), inc.s({ n: 3 })];

  it("failFast revokes what has not begun", async () => {
    const handle = await chord(
      [fail.s(), ...Array.from({ length: 8 }, () => inc.s({ n: 1 }).set({ countdown: 60 }))],
      sum.s().into("numbers"),
    ).delay();

    await expect(resultOf(handle)).rejects.toThrow("broken");
    expect(runs).toEqual(["fail"]);
  });

  it("waitForAll lets all of them end, and names those that failed", async () => {
    const handle = await chord([...members(), fail.s({ why: "two" })], list.s().into("values"), {
      policy: "waitForAll",
    }).delay();

    await expect(resultOf(handle)).rejects.toThrow(/'fail' \([0-9a-f-]{36}\): one; 'fail' \([0-9a-f-]{36}\): two/);
    expect(runs.filter((one) => one.startsWith("inc"))).toHaveLength(2);
  });

  it("collect makes values of failures", async () => {
    const handle = await chord(members(), list.s().into("values"), { policy: "collect" }).delay();

    expect(await resultOf(handle)).toEqual([
      { ok: true, value: 2 },
      { ok: false, error: expect.objectContaining({ name: "Error", message: "one" }) },
      { ok: true, value: 4 },
    ]);
  });

  it("tolerate bears so many failures, or such a share", async () => {
    const ended = async (tolerate: number | string) => {
      const handle = await chord(members(), list.s().into("values"), { policy: { tolerate } }).delay();
      return resultOf(handle).then(
        () => "SUCCESS",
        () => "FAILURE",
      );
    };
    expect([await ended(0), await ended(1), await ended("30%"), await ended("34%")]).toEqual([
      "FAILURE",
      "SUCCESS",
      "FAILURE",
      "SUCCESS",
    ]);
  });

  it("first takes the first that succeeds", async () => {
    const handle = await group([fail.s(), inc.s({ n: 1 }), inc.s({ n: 2 }).set({ countdown: 60 })], {
      policy: "first",
    }).delay();

    expect(await resultOf(handle)).toBe(2);
    expect(runs).toEqual(["fail", "inc 1"]);
  });

  it("counts what was revoked or ignored itself as failed, and says that it was", async () => {
    const handle = await chord([ignores.s(), inc.s({ n: 1 })], sum.s().into("numbers"), {
      policy: "waitForAll",
    }).delay();
    await settle();

    expect(await handle.fetch()).toMatchObject({
      state: "REVOKED",
      error: { message: expect.stringContaining("ignored itself") },
    });
  });

  it("of an inner group is one outcome outside", async () => {
    const inner = group([fail.s(), inc.s({ n: 1 })], { policy: "collect" });
    expect(await resultOf(await group([inner, inc.s({ n: 2 })]).delay())).toHaveLength(2);
  });
});

describe("a callback", () => {
  it("is called once per attachment, with the result, or with the error", async () => {
    const handle = await chord([fail.s(), fail.s({ why: "other" })], sum.s().into("numbers"), {
      policy: "waitForAll",
    })
      .linkError(note.s({ at: "chord" }))
      .link(echo.s().into("value"))
      .delay();
    await settle();

    const notes = runs.filter((one) => one.startsWith("note"));
    expect(notes).toHaveLength(1);
    expect(JSON.parse(notes[0]?.slice(5) ?? "")).toMatchObject({
      at: "chord",
      workflow: handle.id,
      error: { name: "Error" },
    });
  });

  it("of a body that could not run is called, and so is its hook", async () => {
    const handle = await chord(
      [fail.s(), inc.s({ n: 1 })],
      hooked
        .s()
        .into("values")
        .linkError(note.s({ at: "body" })),
    ).delay();
    await settle();

    expect(runs.filter((one) => one.startsWith("told"))).toEqual(["told WORKFLOW_STEP_FAILED"]);
    expect(runs.filter((one) => one.startsWith("note"))).toHaveLength(1);
    const { tasks: failures } = await engine.app.results.list({ state: "FAILURE", task: "hooked", limit: 10 });
    expect(failures.map(({ id }) => id)).toContain(handle.id);
  });

  it("on a group means the group", async () => {
    await group([inc.s({ n: 1 }), inc.s({ n: 2 })])
      .link(list.s().into("values"))
      .delay();
    await settle();

    const { tasks: found } = await engine.app.results.list({ task: "list", limit: 1 });
    expect(found[0]?.result ?? (await engine.app.results.read(found[0]?.id ?? ""))?.result).toEqual([2, 3]);
  });

  it("of a part is not called for a failure outside of it", async () => {
    await chain(chain(inc.s({ n: 1 }), inc.s().into("n")).onError(note.s({ at: "inner" })), fail.si({}))
      .onError(note.s({ at: "outer" }))
      .delay();
    await settle();

    expect(runs.filter((one) => one.startsWith("note")).map((one) => JSON.parse(one.slice(5)).at)).toEqual(["outer"]);
  });
});
