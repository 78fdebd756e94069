import { beforeEach, describe, expect, it } from "vitest";
import { chain, chord } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/workbench.ts";
import { becomes, inc, list, runs, tasks } from "./tasks.ts";

const { engine, bench, queues } = await startVirtualBench(tasks);

beforeEach(() => {
  runs.length = 0;
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
});
