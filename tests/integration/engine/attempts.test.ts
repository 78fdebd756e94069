import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Table } from "../../../shared/aws/dynamodb.ts";
import type { UpdateOutcome } from "../../../shared/aws/writes.ts";
import { createWorker, Reject, task } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

class FlakyError extends Error {
  code = "FLAKY";
}

const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 100, backoff: { base: 1, max: 1 } },
  run: ({ failures }, { attempt }) => {
    engine.clock.now = new Date(engine.clock.now.getTime() + 250);
    if (attempt <= failures) throw new FlakyError(`failure ${attempt} ${"x".repeat(1000)}`);
    return attempt;
  },
});
const light = task({
  name: "light",
  payload: z.object({}),
  trackStarted: false,
  retry: { maxRetries: 3, backoff: { base: 1, max: 1 } },
  run: (_, { attempt }) => {
    if (attempt < 3) throw new FlakyError("not yet");
    return "done";
  },
});
let turns = 0;
const rejects = task({
  name: "rejects",
  payload: z.object({}),
  run: () => {
    turns += 1;
    if (turns === 1) throw new Reject("not now", { requeue: true, countdown: 1 });
    return "done";
  },
});

const tasks = { flaky, light, rejects };
const { engine, bench, queues } = startVirtualBench(tasks);
beforeEach(() => {
  engine.logged.length = 0;
});

/** Lets an hour go by, in which all is done that was sent. */
const drain = (): Promise<void> => queues.until(new Date(engine.clock.now.getTime() + 3_600_000));
/** A worker whose outcomes meet `outcome` in the place of the table. */
const workerThat = (outcome: () => Promise<UpdateOutcome>) => {
  const update: Table["update"] = (change) =>
    change.key.pk.startsWith("task#") && change.set?.state !== "STARTED" ? outcome() : engine.table.update(change);
  return createWorker([{ file: "tests.ts", exports: tasks }], engine.appOn({ ...engine.table, update }));
};
const read = async (id: string) => (await bench.call("GET", `/tasks/${id}`)).body;

describe("earlier runs of a task", () => {
  it("are on its record, with their times and errors cut short", async () => {
    const { id } = await flaky.delay({ failures: 2 });
    await drain();
    const { state, attempts } = await read(id);

    expect(state).toBe("SUCCESS");
    const runs = z.array(z.looseObject({ startedAt: z.string(), endedAt: z.string() })).parse(attempts);
    const error = (message: RegExp) => ({ name: "FlakyError", code: "FLAKY", message: expect.stringMatching(message) });
    expect(runs).toMatchObject([
      { attempt: 1, outcome: "retry", error: error(/^failure 1 x/) },
      { attempt: 2, outcome: "retry", error: error(/^failure 2 x/) },
    ]);
    expect(JSON.stringify(runs).length).toBeLessThan(1000);
    for (const { startedAt, endedAt } of runs) expect(Date.parse(endedAt) - Date.parse(startedAt)).toBe(250);
  });

  it("are the last 20 of many", async () => {
    const { id } = await flaky.delay({ failures: 30 });
    await drain();
    const runs = z.array(z.object({ attempt: z.number() })).parse((await read(id)).attempts);

    expect(runs.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => index + 11));
  });

  it("are kept without a claim, too", async () => {
    const { id } = await light.delay({});
    await drain();

    expect((await read(id)).attempts).toMatchObject([{ attempt: 1 }, { attempt: 2, error: { message: "not yet" } }]);
  });

  it("say that an attempt was given back", async () => {
    const { id } = await rejects.delay({});
    await drain();

    expect(await read(id)).toMatchObject({
      state: "SUCCESS",
      attempt: 1,
      attempts: [{ attempt: 1, outcome: "requeued", error: { message: "not now" } }],
    });
  });

  it("say that a worker was lost, which left nothing else", async () => {
    const { id } = await flaky.delay({ failures: 0 });
    // It can store nothing, so that its message comes back, as after its death.
    await queues.deliver(workerThat(() => Promise.reject(new Error("The table does not answer."))));
    expect(await read(id)).toMatchObject({ state: "STARTED" });
    await drain();

    expect(await read(id)).toMatchObject({ state: "SUCCESS", attempts: [{ attempt: 1, outcome: "lost" }] });
  });

  it("are not in lists", async () => {
    const { id } = await flaky.delay({ failures: 1 });
    await drain();
    const { tasks } = (await bench.call("GET", "/tasks?task=flaky&limit=1")).body;

    expect(tasks).toMatchObject([{ id }]);
    expect(JSON.stringify(tasks)).not.toContain("attempts");
  });

  it("are none of a task that ran once", async () => {
    const { id } = await flaky.delay({ failures: 0 });
    await drain();

    expect(await read(id)).not.toHaveProperty("attempts");
  });
});

describe("the log", () => {
  it("has one line for each run, with its end and its times", async () => {
    const { id } = await flaky.delay({ failures: 1 });
    await drain();

    const known = { id, task: "flaky", rootId: id, queue: "default", runMilliseconds: 250 };
    expect(engine.logged).toMatchObject([
      { ...known, level: "info", message: "Task will be retried", outcome: "RETRY", attempt: 1, error: {} },
      { ...known, level: "info", message: "Task succeeded", outcome: "SUCCESS", attempt: 2 },
    ]);
    for (const { waitMilliseconds } of engine.logged) expect(waitMilliseconds).toBeGreaterThanOrEqual(0);
  });

  it("says that an outcome was not stored, for another run holds the task", async () => {
    const { id } = await flaky.delay({ failures: 0 });
    await queues.deliver(workerThat(() => Promise.resolve({ applied: false, item: undefined })));

    expect(engine.logged).toMatchObject([{ id, level: "warn", outcome: "lost" }]);
  });
});
