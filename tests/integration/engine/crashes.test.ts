import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import type { Handle } from "../../../shared/testing/cloud.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { deadWorker, startVirtualBench } from "../../helpers/virtual-bench.ts";

let ran: string[] = [];

const LARGE = "y".repeat(60_000);
const text = z.object({ text: z.string().default(""), failures: z.number().default(0) });
const retry = { maxRetries: 2, backoff: { base: 1, jitter: false } };

const echo = task({
  name: "echo",
  payload: text,
  run: ({ text }) => {
    ran.push(text);
    return text;
  },
});
const untracked = task({
  name: "untracked",
  payload: text,
  trackStarted: false,
  run: ({ text }) => void ran.push(text),
});
const inOrder = task({
  name: "in_order",
  payload: text.extend({ group: z.string() }),
  queue: "fifo",
  messageGroupId: ({ group }) => group,
  trackStarted: false,
  retry,
  run: ({ text, failures }, { attempt }) => {
    ran.push(text);
    if (attempt <= failures) throw new Error("again");
  },
});
const tasks = { echo, untracked, inOrder };

const { engine, queues } = startVirtualBench(tasks);
beforeEach(() => {
  queues.clear();
  ran = [];
});

const inSeconds = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);

/** A worker whose process dies when a run that `isDeadly` would store its success. */
function mortal(isDeadly: (text: string) => boolean): Handle {
  return async (event, context) => {
    const died = Promise.withResolvers<void>();
    const { results } = engine.app;
    const worker = createWorker([{ file: "tests.ts", exports: tasks }], {
      ...engine.app,
      results: {
        ...results,
        succeed(claim, json) {
          if (!isDeadly(JSON.stringify(claim.message.payload))) return results.succeed(claim, json);
          died.resolve();
          return new Promise(() => {});
        },
      },
    });
    return Promise.race([worker(event, context), died.promise.then(() => deadWorker(event, context))]);
  };
}

describe("an outage of S3", () => {
  it.each(["load", "store"] as const)("is no crash of the task, if it cannot %s a value", async (step) => {
    // Stored is a result that is large, though its payload is not.
    const expands = task({ name: "echo", payload: text, run: () => LARGE });
    const result = step === "load" ? await echo.delay({ text: LARGE }) : await echo.delay({ text: "small" });
    const { largeValues } = engine.app;
    const { load, store } = largeValues;
    const worker = createWorker([{ file: "tests.ts", exports: step === "load" ? { echo } : { expands } }], engine.app);
    Object.assign(largeValues, { [step]: () => Promise.reject(new Error("503 SlowDown")) });
    try {
      // Long enough to come through the dead-letter queue several times.
      await queues.until(inSeconds(2 * 3600), worker);
      const state = (await engine.app.results.read(result.id))?.state;
      expect(["PENDING", "RETRY"]).toContain(state);
    } finally {
      Object.assign(largeValues, { load, store });
    }
    await queues.until(inSeconds(1200), worker);

    expect(await result.get()).toBe(LARGE);
    expect((await result.fetch()).attempt).toBe(1);
  });
});

describe("a task that circles through the dead-letter queue for weeks, for no worker comes up", () => {
  const DAY = 86_400;
  const circle = async (days: number): Promise<void> => {
    for (let day = 0; day < days; day += 2) {
      // Until the next look of the dead-letter queue's function, which comes late.
      await queues.jump(2 * DAY);
      for (let delivery = 0; delivery < 5; delivery++) {
        await queues.deliver(deadWorker);
        await queues.jump(200);
      }
    }
  };

  it("runs with its payload when one does", async () => {
    const result = await echo.delay({ text: LARGE });
    await circle(40);
    expect(ran).toEqual([]);
    await queues.until(inSeconds(3600));

    expect(ran).toEqual([LARGE]);
    expect((await result.fetch()).state).toBe("SUCCESS");
  });

  it("can be revoked, and does not run then", async () => {
    const result = await echo.delay({ text: "revoked" });
    await circle(24);
    await result.revoke();
    await queues.until(inSeconds(3600));

    expect((await result.fetch()).state).toBe("REVOKED");
    expect(ran).toEqual([]);
    expect(queues.waiting).toEqual([]);
  });
});

describe("a task with trackStarted false", () => {
  it("that was never begun is no crash, however often the dead-letter queue returns it", async () => {
    const result = await untracked.delay({ text: "late" });
    await queues.until(inSeconds(2 * 3600), deadWorker);
    const returned = engine.logged.filter(({ id, starts }) => id === result.id && starts === 0);
    expect(returned.length).toBeGreaterThanOrEqual(2);
    await queues.until(inSeconds(1200));

    expect(ran).toEqual(["late"]);
    expect((await result.fetch()).state).toBe("SUCCESS");
  });

  it("that kills its worker each time ends as TASK_CRASHED", async () => {
    const result = await untracked.delay({ text: "deadly" });
    await queues.until(
      inSeconds(3 * 3600),
      mortal(() => true),
    );

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_CRASHED" } });
    expect(queues.waiting).toEqual([]);
  });

  it.each([
    ["first", 0],
    ["second", 1],
  ])("that kills its worker at its %s attempt does not stop its FIFO group for ever", async (_, failures) => {
    const group = uniqueName("group");
    const deadly = await inOrder.delay({ group, text: "deadly", failures });
    const next = await inOrder.delay({ group, text: "next" });
    await queues.until(
      inSeconds(3600),
      mortal((text) => text.includes("deadly")),
    );

    expect(await deadly.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_CRASHED" } });
    expect((await next.fetch()).state).toBe("SUCCESS");
    expect(ran.filter((one) => one === "deadly")).toHaveLength(3 + failures);
  });
});
