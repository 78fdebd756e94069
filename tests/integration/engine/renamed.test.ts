import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import { createCaller, startVirtualBench } from "../../helpers/virtual-bench.ts";
import { untilAborted } from "../../helpers/workbench.ts";

/** A task as it was, and as it is now: its old name is an alias. */
const payload = z.object({ waits: z.boolean().default(false) });
let began: () => void = () => {};
const run = async ({ waits }: { waits: boolean }, { signal }: { signal: AbortSignal }): Promise<string> => {
  began();
  return waits ? untilAborted(signal) : "done";
};
const invoice = task({ name: "invoice", payload, run });
const bill = task({ name: "bill", aliases: ["invoice"], payload, run });

const { engine, queues } = startVirtualBench({ invoice });
const call = createCaller(engine.app, { bill });
const worker = createWorker([{ file: "tests.ts", exports: { bill } }], engine.app);
const stateOf = async (id: string) => (await engine.app.results.read(id))?.state;
const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
const settle = () => queues.until(inSeconds(120), worker);

// No revoke, and no start that a limit has counted, reaches the next test.
beforeEach(() => queues.jump(7200));

describe.each([
  ["the new name", "bill"],
  ["the old name", "invoice"],
])("an act that says %s of a task that was renamed", (_, name) => {
  it("revokes what was sent under each", async () => {
    const sent = [await invoice.delay({}), await bill.delay({})];
    expect(await call("DELETE", `/tasks?task=${name}`)).toMatchObject({ status: 202 });
    expect(await call("GET", `/tasks/${sent[0]?.id}`)).toMatchObject({
      body: { revokeRequestedAt: expect.any(String) },
    });
    await settle();
    expect(await Promise.all(sent.map(({ id }) => stateOf(id)))).toEqual(["REVOKED", "REVOKED"]);

    // Dropped by one who says the other name, for it was made before the task had its new one.
    await engine.app.control.revoke("task", "invoice");
    await call("DELETE", `/control?task=${name}`);
    expect((await engine.app.control.decisions(0)).entries).toEqual([]);
  });

  it("pauses and resumes both, also where the pause is older than the new name", async () => {
    for (const pause of [
      () => call("POST", `/tasks/${name}/pause`),
      () => engine.app.control.pause("task", "invoice"),
    ]) {
      await pause();
      const sent = [await invoice.delay({}), await bill.delay({})];
      await settle();
      expect(await Promise.all(sent.map(({ id }) => stateOf(id)))).toEqual(["PENDING", "PENDING"]);
      expect(await call("POST", `/tasks/${name}/resume`)).toMatchObject({ status: 202 });
      await settle();
      expect(await Promise.all(sent.map(({ id }) => stateOf(id)))).toEqual(["SUCCESS", "SUCCESS"]);
    }
  });

  it("limits both, also where the limit is older than the new name, and gives the limits back", async () => {
    await engine.app.control.setLimits("invoice", { rateLimit: "1/h" });
    const sent = [await invoice.delay({}), await bill.delay({})];
    await settle();
    expect((await Promise.all(sent.map(({ id }) => stateOf(id)))).toSorted()).toEqual(["PENDING", "SUCCESS"]);

    expect(await call("PUT", `/tasks/${name}/limits`, {})).toMatchObject({ status: 202 });
    await queues.until(inSeconds(300), worker);
    expect(await Promise.all(sent.map(({ id }) => stateOf(id)))).toEqual(["SUCCESS", "SUCCESS"]);
    await engine.app.control.setLimits("invoice", { rateLimit: "1/h" });
    await call("DELETE", `/tasks/${name}/limits`);
    expect((await engine.app.control.decisions(0)).entries.filter(({ kind }) => kind === "limits")).toEqual([]);
  });

  it("finds both in lists, redrives and bulk acts, counts and schedules", async () => {
    const from = engine.clock.now.toISOString();
    // None has ended before the act is told which it is about.
    const later = { countdown: 60 };
    const ids = [(await invoice.applyAsync({}, later)).id, (await bill.applyAsync({}, later)).id].toSorted();
    const { body } = await call("GET", `/tasks?task=${name}&from=${from}`);
    expect(
      z
        .object({ tasks: z.array(z.object({ id: z.string() })) })
        .parse(body)
        .tasks.map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids);
    const act = await call("POST", "/bulk", { act: "revoke", filter: { task: name, from }, start: false });
    await settle();
    expect(await call("GET", `/bulk/${act.body.id}`)).toMatchObject({ body: { total: 2 } });
    await engine.app.counts.flush();
    const counted = await call("GET", `/counts?task=${name}&by=task`);
    expect(
      z
        .object({ points: z.array(z.object({ task: z.string() })) })
        .parse(counted.body)
        .points.map((point) => point.task)
        .toSorted(),
    ).toEqual(["bill", "invoice"]);
  });
});

it("runs of a renamed task are stopped by a revoke of its new name, whatever they were sent under", {
  timeout: 20_000,
}, async () => {
  const sent = [await invoice.delay({ waits: true }), await bill.delay({ waits: true })];
  let count = 0;
  const running = new Promise<void>((resolve) => {
    began = () => {
      count += 1;
      if (count === sent.length) resolve();
    };
  });
  const ended = queues.deliver(worker);
  await running;
  await call("DELETE", "/tasks?task=bill");
  await queues.jump(3);
  await ended;

  expect(await Promise.all(sent.map(({ id }) => stateOf(id)))).toEqual(["REVOKED", "REVOKED"]);
});
