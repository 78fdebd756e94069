import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { Ignore, Reject, SoftTimeLimitError, task } from "../../../shared/index.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let seen: string[] = [];

class Expected extends Error {}

const abort = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

const child = task({ name: "child", payload: z.object({}), run: () => "child" });
const cleansUp = task({
  name: "cleans_up",
  payload: z.object({}),
  softTimeLimit: 0.05,
  timeLimit: 10,
  run: async (_, { signal }) => {
    const reason = await abort(signal).catch((error: unknown) => error);
    if (!(reason instanceof SoftTimeLimitError)) throw new Error("the signal has another reason");
    // After the soft limit a run may still send and end well.
    const { id } = await child.delay({});
    return { code: reason.code, child: id };
  },
});
const runsOver = task({
  name: "runs_over",
  payload: z.object({}),
  softTimeLimit: 0.05,
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: (_, { signal }) => abort(signal),
});
const patient = task({ name: "patient", payload: z.object({}), run: (_, { signal }) => abort(signal) });
const rejects = task({
  name: "rejects",
  payload: z.object({ requeue: z.boolean() }),
  retry: { maxRetries: 5 },
  run: ({ requeue }, { attempt }) => {
    seen.push(`run ${attempt}`);
    if (requeue && seen.length > 1) return "done";
    throw new Reject("not mine", { requeue, countdown: 0 });
  },
});
const ignores = task({
  name: "ignores",
  payload: z.object({}),
  retry: { maxRetries: 5 },
  hooks: { onFailure: () => void seen.push("onFailure") },
  run: () => {
    throw new Ignore("nothing to do");
  },
});
const hooked = task({
  name: "hooked",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  hooks: {
    beforeStart: ({ failures }, { attempt }) => void seen.push(`beforeStart ${failures} ${attempt}`),
    onSuccess: (result, _, { id }) => void seen.push(`onSuccess ${result} ${id.length}`),
    onRetry: (error) => void seen.push(`onRetry ${String(error)}`),
    onFailure: async (error) => {
      seen.push(`onFailure ${String(error)}`);
      seen.push((await child.delay({})).id);
    },
  },
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new Error(`number ${attempt}`);
    return attempt;
  },
});
const badHook = task({
  name: "bad_hook",
  payload: z.object({ where: z.enum(["before", "after"]) }),
  hooks: {
    beforeStart: ({ where }) => {
      if (where === "before") throw new Error("cannot begin");
    },
    onSuccess: () => {
      throw new Error("cannot tell");
    },
  },
  run: () => "ran",
});
const expectsError = task({
  name: "expects_error",
  payload: z.object({}),
  throws: [Expected],
  run: () => {
    throw new Expected("as usual");
  },
});
const unreadable = task({
  name: "unreadable",
  payload: z.object({}),
  run: () => {
    throw Object.defineProperty(new Error(), "message", {
      get() {
        throw new Error("a getter that throws");
      },
    });
  },
});
const forgets = task({ name: "forgets", payload: z.object({}), ignoreResult: true, run: () => "nobody asks" });
const light = task({
  name: "light",
  payload: z.object({ failures: z.number() }),
  trackStarted: false,
  retry: { maxRetries: 2, backoff: { base: 0 } },
  run: async ({ failures }, context) => {
    seen.push(`run ${context.attempt}`);
    await context.progress({ at: context.attempt });
    if (context.attempt <= failures) throw new Error("once more");
    return context.once("sum", () => 42);
  },
});

const tasks = {
  child,
  cleansUp,
  runsOver,
  patient,
  rejects,
  ignores,
  hooked,
  badHook,
  expectsError,
  unreadable,
  forgets,
  light,
};

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));
beforeEach(() => {
  seen = [];
});

describe("time limits", () => {
  it("are soft: the signal aborts, and the run may still send a task and store its result", async () => {
    const result = await cleansUp.delay({});
    await bench.work();

    const { code, child: childId } = await result.get();
    expect(code).toBe("TASK_SOFT_TIME_LIMIT");
    await bench.workUntilFinal(childId);
  });

  it("are soft: thrown on, it is an error like any other, which a policy may retry", async () => {
    const result = await runsOver.delay({});
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 2,
      error: { code: "MAX_RETRIES_EXCEEDED" },
    });
  });

  it("of a call take the place of the task's own", async () => {
    const result = await patient.applyAsync({}, { timeLimit: 0.05 });
    await bench.work();

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: {
        code: "TASK_TIME_LIMIT",
        message: "Task 'patient' ran longer than its time limit of 0.1 s and was stopped.",
      },
    });
  });
});

describe("what a task throws to steer its life", () => {
  it("Reject ends it at once, whatever its retry policy says, and it can be replayed", async () => {
    const result = await rejects.delay({ requeue: false });
    await bench.work();

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", attempt: 1, error: { code: "TASK_REJECTED" } });
    expect(seen).toEqual(["run 1"]);
  });

  it("Reject with requeue runs it again, as the same attempt", async () => {
    const result = await rejects.delay({ requeue: true });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1, result: "done" });
    expect(seen).toEqual(["run 1", "run 1"]);
  });

  it("Ignore ends it as REVOKED, and calls no hook", async () => {
    const result = await ignores.delay({});
    await bench.work();

    const record = await result.fetch();
    expect(record).toMatchObject({ state: "REVOKED", attempt: 1 });
    expect(record.error?.message).toContain("it ignored itself: nothing to do");
    expect(seen).toEqual([]);
  });

  it("an error that cannot be read ends it as any other does", async () => {
    const result = await unreadable.delay({});
    expect(await bench.work()).toEqual([]);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 1,
      error: { name: "UnreadableError", message: "[object Error]" },
    });
  });

  it("an expected error is logged without a stack, and as no warning", async () => {
    engine.logged.length = 0;
    const result = await expectsError.delay({});
    await bench.work();

    expect(await result.failed()).toBe(true);
    expect(engine.logged).toMatchObject([{ level: "info", message: "Task failed as expected" }]);
    expect(JSON.stringify(engine.logged)).not.toContain("stack");
  });
});

describe("hooks", () => {
  it("are called before the start, for a retry, and for success", async () => {
    const result = await hooked.delay({ failures: 1 });
    await bench.workUntilFinal(result.id);

    expect(seen).toEqual(["beforeStart 1 1", "onRetry Error: number 1", "beforeStart 1 2", "onSuccess 2 36"]);
  });

  it("are called for the last failure, with the task's own error, and may send tasks", async () => {
    const result = await hooked.delay({ failures: 2 });
    await bench.workUntilFinal(result.id);

    expect(seen.slice(0, -1)).toEqual([
      ...["beforeStart 2 1", "onRetry Error: number 1", "beforeStart 2 2", "onFailure Error: number 2"],
    ]);
    expect(await engine.app.results.read(String(seen.at(-1)))).toMatchObject({ parentId: result.id });
    await bench.work();
  });

  it("that throw before the start fail the run; after its end they change nothing", async () => {
    const before = await badHook.delay({ where: "before" });
    const after = await badHook.delay({ where: "after" });
    engine.logged.length = 0;
    await bench.work();

    expect(await before.fetch()).toMatchObject({ state: "FAILURE", error: { message: "cannot begin" } });
    expect(await after.fetch()).toMatchObject({ state: "SUCCESS", result: "ran" });
    expect(engine.logged).toContainEqual(expect.objectContaining({ level: "error", message: "A hook failed" }));
  });
});

describe("what is stored", () => {
  it("with ignoreResult is no record before the start, and no result after it", async () => {
    const result = await forgets.delay({});
    await expect(result.fetch()).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
    await bench.work();

    const record = await result.fetch();
    expect(record.state).toBe("SUCCESS");
    expect(record.result).toBeUndefined();
  });

  it("with ignoreResult false in the call is everything after all", async () => {
    const result = await forgets.applyAsync({}, { ignoreResult: false });
    await bench.work();

    expect(await result.get()).toBe("nobody asks");
  });

  it("with trackStarted false is the same but for STARTED: retries, progress, once", async () => {
    const result = await light.delay({ failures: 2 });
    await bench.workUntilFinal(result.id);

    const record = await result.fetch();
    expect(record).toMatchObject({ state: "SUCCESS", attempt: 3, result: 42, progress: { at: 3 } });
    expect(record.startedAt).toBeUndefined();
    expect(seen).toEqual(["run 1", "run 2", "run 3"]);
  });

  it("with trackStarted false is not run after a revoke, nor recorded twice", async () => {
    const result = await light.delay({ failures: 0 });
    await result.revoke();
    await bench.work();

    expect((await result.fetch()).state).toBe("REVOKED");
    expect(seen).toEqual([]);
  });

  it("with trackStarted false and ignoreResult is one record, written at the end", async () => {
    const result = await light.applyAsync({ failures: 0 }, { ignoreResult: true });
    await bench.work();

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1, payload: { failures: 0 } });
  });
});
