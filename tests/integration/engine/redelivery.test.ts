import type { SQSEvent } from "aws-lambda";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createDeadLetterWorker, createWorker, task } from "../../../shared/index.ts";
import { decodeMessage } from "../../../shared/message/encoding.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench, untilAborted } from "../../helpers/workbench.ts";
import { add, flaky, record, runs } from "./life-ground.ts";

const tasks = { add, record, flaky };

const modules = [{ file: "tests.ts", exports: tasks }];

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

const { work, workUntilFinal } = bench;

describe("redelivery", () => {
  it("of a finished task is acknowledged and changes nothing", async () => {
    runs.length = 0;
    const result = await record.delay({ note: "twice" });
    const handle = createWorker(modules, engine.app);
    const first = await engine.deliver("DefaultQueue", handle);
    const again = await handle(first.event, { getRemainingTimeInMillis: () => 30_000 });
    await engine.acknowledge("DefaultQueue", first.event.Records);

    expect(again.batchItemFailures).toEqual([]);
    expect(runs).toHaveLength(1);
    expect(await result.get()).toBe("twice");
  });

  it("while another worker runs the task comes back when that one must be over", async () => {
    const result = await add.delay({ x: 2, y: 3 });
    const { event } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      const message = decodeMessage(Records[0]?.body ?? "");
      await engine.app.results.claim(message, { messageId: "another", receiveCount: 1 }, 1);
      return createWorker(modules, engine.app)({ Records }, { getRemainingTimeInMillis: () => 30_000 });
    });

    expect(event.Records).toHaveLength(1);
    expect(await result.fetch()).toMatchObject({ state: "STARTED" });
    await workUntilFinal(result.id);
    expect(await result.get()).toBe(5);
  });

  it("after a crash between settling as RETRY and sending sends the retry", async () => {
    const result = await flaky.delay({ failures: 1 });
    const { event } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      const message = decodeMessage(Records[0]?.body ?? "");
      const outcome = await engine.app.results.claim(message, { messageId: "another", receiveCount: 1 }, 30);
      if (outcome.claimed) await engine.app.results.retry(outcome.claim, { name: "Error", message: "x" }, new Date());
      return { batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });

    expect(event.Records).toHaveLength(1);
    await workUntilFinal(result.id);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });
});

describe("a record that came back", () => {
  it("is not begun on what time others have left, but sent again", async () => {
    const slowTask = task({ name: "slow_task", payload: z.object({}), timeLimit: 20, run: () => "done" });
    const result = await slowTask.delay({});
    const worker = createWorker([{ file: "slow.ts", exports: { slowTask } }], engine.app);
    const { event } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      for (const one of Records) one.attributes.ApproximateReceiveCount = "2";
      const left = [30_000, ...Array<number>(20).fill(10_000)];
      return worker({ Records }, { getRemainingTimeInMillis: () => left.shift() ?? 10_000 });
    });
    await engine.acknowledge("DefaultQueue", event.Records);

    expect(await result.fetch()).toMatchObject({ state: "PENDING" });
    const again = await engine.deliver("DefaultQueue", worker);
    await engine.acknowledge("DefaultQueue", again.event.Records);
    expect(await result.get()).toBe("done");
  });
});

describe("a run that the function's end cuts short", () => {
  it("has not failed if it shared the function's time: it runs again, alone, as the same attempt", async () => {
    const patient = task({
      name: "patient",
      payload: z.object({}),
      run: async (_, { signal, attempt }) => {
        if (short) await untilAborted(signal);
        return attempt;
      },
    });
    let short = true;
    const result = await patient.delay({});
    const worker = createWorker([{ file: "patient.ts", exports: { patient } }], engine.app);
    const { event, kept } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      for (const one of Records) one.attributes.ApproximateReceiveCount = "2";
      const left = [5000, 3200, 3200, 3200, 3200];
      return worker({ Records }, { getRemainingTimeInMillis: () => left.shift() ?? 1600 });
    });
    await engine.acknowledge("DefaultQueue", event.Records);

    expect(kept).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 1 });
    short = false;
    const again = await engine.deliver("DefaultQueue", worker);
    await engine.acknowledge("DefaultQueue", again.event.Records);
    expect(await result.get()).toBe(1);
  });

  const endless = task({
    name: "endless",
    payload: z.object({ text: z.string() }),
    run: (_, { signal }) => untilAborted(signal),
  });
  const deliver = async (worker: ReturnType<typeof createWorker>) => {
    const { event, kept } = await engine.deliver("DefaultQueue", (event) => {
      const end = performance.now() + 3200;
      return worker(event, { getRemainingTimeInMillis: () => end - performance.now() });
    });
    await engine.acknowledge("DefaultQueue", event.Records);
    return { count: event.Records.length, kept };
  };

  it("has failed if it had all the time that a function gives", async () => {
    const result = await endless.delay({ text: "small" });
    expect(await deliver(createWorker([{ file: "endless.ts", exports: { endless } }], engine.app))).toEqual({
      count: 1,
      kept: [],
    });

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
  });

  it("has failed when that has happened several times, however slowly its payload came", async () => {
    const result = await endless.delay({ text: "z".repeat(60_000) });
    const { largeValues } = engine.app;
    const worker = createWorker([{ file: "endless.ts", exports: { endless } }], {
      ...engine.app,
      largeValues: {
        ...largeValues,
        async load(ref) {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return largeValues.load(ref);
        },
      },
    });
    for (let run = 1; run <= 3; run++) {
      await deliver(worker);
      expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 1, error: { code: "TASK_TIME_LIMIT" } });
    }
    await deliver(worker);

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
  });
});

describe("the dead-letter queue", () => {
  const crash = async ({ Records }: SQSEvent, claims: boolean) => {
    for (const { body, messageId, attributes } of Records) {
      const delivery = { messageId, receiveCount: Number(attributes.ApproximateReceiveCount) };
      if (claims) await engine.app.results.claim(decodeMessage(body), delivery, 1);
    }
    return { batchItemFailures: Records.map((_, index) => ({ itemIdentifier: String(index) })) };
  };
  const exhaust = async (claims: boolean) => {
    for (let delivery = 0; delivery < 3; delivery++)
      await engine.deliver("DefaultQueue", (event) => crash(event, claims));
    // The fourth receive moves the message instead of delivering it.
    await engine.deliver("DefaultQueue", (event) => crash(event, claims));
  };
  const bury = async () => {
    engine.clock.now = new Date();
    const { event, kept } = await engine.deliver("DeadLetterQueue", createDeadLetterWorker(engine.app));
    await engine.acknowledge(
      "DeadLetterQueue",
      event.Records.filter(({ messageId }) => !kept.includes(messageId)),
    );
    return event.Records.length;
  };

  it("ends a task whose worker died every time", async () => {
    const result = await add.delay({ x: 1, y: 1 });
    await exhaust(true);

    // Another copy might be running it: it is looked at again when that run must be over.
    expect(await bury()).toBe(1);
    expect(await result.fetch()).toMatchObject({ state: "STARTED" });
    await expect.poll(bury, { timeout: 10_000 }).toBe(1);
    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "TASK_CRASHED", message: expect.stringContaining("died each of the 3 times") },
    });
    // Its hook, if it had one, is called by a worker.
    expect(await work()).toEqual([]);
  });

  it("returns a task that was never begun, marked to run alone", async () => {
    const result = await add.delay({ x: 1, y: 2 });
    await exhaust(false);

    expect(await bury()).toBe(1);
    expect(await result.fetch()).toMatchObject({ state: "PENDING" });
    expect(engine.logged.at(-1)).toMatchObject({
      message: "A message is returned from the dead-letter queue",
      id: result.id,
      starts: 0,
    });
  });
});
