import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, Ignore, Reject, task } from "../../../shared/index.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

/** A run does nothing to the next one, to its neighbours, or to its worker. */

let seen: string[] = [];

const nothing = z.object({});
const again = { maxRetries: 2, backoff: { base: 0 } };
/** A schema that answers with its input itself, as many do. */
const items = z.custom<{ items: number[] }>((value) => typeof value === "object");

const mutates = task({
  name: "mutates",
  payload: items,
  retry: again,
  hooks: {
    beforeStart: ({ items }) => void items.push(99),
    onRetry: (_, { items }) => void seen.push(`hook ${items}`),
    onFailure: (_, payload) => void seen.push(`hook ${payload?.items}`),
  },
  run: ({ items }, { headers, attempt }) => {
    seen.push(`${items} ${Object.values(headers)}`);
    items.length = 0;
    Object.assign(headers, { name: `changed ${attempt}` });
    throw new Error("again");
  },
});
const returnsSignal = task({
  name: "returns_signal",
  payload: z.object({ what: z.enum(["retry", "ignore", "reject"]) }),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: ({ what }, context): unknown => {
    seen.push(what);
    if (what === "ignore") return new Ignore("returned");
    return what === "reject" ? new Reject("returned") : context.retry({ countdown: 0 });
  },
});

let calls: Record<string, PromiseWithResolvers<string>> = {};
const called = (name: string): Promise<string> => {
  seen.push(`begins ${name}`);
  calls[name] ??= Promise.withResolvers<string>();
  return calls[name].promise;
};
const mailAndText = task({
  name: "mail_and_text",
  payload: nothing,
  retry: again,
  run: (_, { once }) => Promise.all([once("mail", () => called("mail")), once("sms", () => called("sms"))]),
});
const sameKey = task({
  name: "same_key",
  payload: nothing,
  run: async (_, { once }) => {
    const work = () => ({ at: seen.push("work") });
    const [one, other] = await Promise.all([once("key", work), once("key", work)]);
    return { one, other, later: await once("key", work) };
  },
});
const triesAgain = task({
  name: "tries_again",
  payload: nothing,
  run: async (_, { once }) => {
    const work = () => {
      if (seen.push("work") === 1) throw new Error("the first time");
      return "done";
    };
    return once("key", work).catch(() => once("key", work));
  },
});
const unawaited = task({
  name: "unawaited",
  payload: z.object({ what: z.enum(["progress", "once", "delay", "failing once"]) }),
  retry: again,
  run: ({ what }, context) => {
    if (what === "progress") void context.progress({ half: true });
    if (what === "once") void context.once("later", () => called("later"));
    if (what === "delay") void sameKey.delay({});
    if (what === "failing once") void context.once("later", () => Promise.reject(new Error("nobody waits")));
    return "done";
  },
});
const reports = task({
  name: "reports",
  payload: nothing,
  retry: again,
  run: async (_, { progress, attempt }) => {
    if (attempt > 1) return "done";
    await progress({ percent: 50 });
    throw new Error("half way");
  },
});
const light = task({
  name: "light",
  payload: nothing,
  trackStarted: false,
  retry: again,
  run: (_, { once, attempt }) => {
    seen.push(`run ${attempt}`);
    return once("mail", () => {
      seen.push("work");
      if (seen.filter((one) => one === "work").length < 2) throw new Error("the mail fails");
      return "sent";
    });
  },
});
const neighbour = task({
  name: "neighbour",
  payload: z.object({ blocks: z.number().default(0), after: z.number().default(0) }),
  timeLimit: 0.4,
  run: async ({ blocks, after }) => {
    seen.push("begins");
    if (blocks > 0) {
      await Promise.resolve();
      block(blocks);
    }
    await new Promise((resolve) => setTimeout(resolve, after));
    return "done";
  },
});
const blocker = task({
  name: "blocker",
  payload: nothing,
  timeLimit: 0.4,
  run: () => {
    block(1000);
    return "done";
  },
});

function block(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

const tasks = {
  mutates,
  returnsSignal,
  mailAndText,
  sameKey,
  triesAgain,
  unawaited,
  reports,
  light,
  neighbour,
  blocker,
};
const modules = [{ file: "tests.ts", exports: tasks }];

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));
beforeEach(() => {
  engine.clock.now = new Date();
  seen = [];
  calls = {};
});

describe("a payload", () => {
  it("is as it was sent for every attempt and every hook, whatever an earlier one did to it", async () => {
    const result = await mutates.applyAsync({ items: [1, 2] }, { headers: { name: "ada" } });
    await bench.workUntilFinal(result.id);

    expect(seen).toEqual(["1,2,99 ada", "hook 1,2", "1,2,99 ada", "hook 1,2", "1,2,99 ada", "hook 1,2"]);
    expect(await result.fetch()).toMatchObject({ payload: { items: [1, 2] }, headers: { name: "ada" } });
  });
});

describe("what steers a task's life", () => {
  it("asks for another run, thrown or returned", async () => {
    const result = await returnsSignal.delay({ what: "retry" });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "MAX_RETRIES_EXCEEDED" } });
    expect(seen).toEqual(["retry", "retry"]);
  });

  it.each([
    ["ignore", "REVOKED"],
    ["reject", "FAILURE"],
  ] as const)("is the same returned as thrown: %s", async (what, state) => {
    const result = await returnsSignal.delay({ what });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({ state, attempt: 1 });
  });
});

describe("ctx.once", () => {
  it("does one work for two parts of a run that ask at once", async () => {
    const result = await sameKey.delay({});
    await bench.workUntilFinal(result.id);

    expect(await result.get()).toEqual({ one: { at: 1 }, other: { at: 1 }, later: { at: 1 } });
    expect(seen).toEqual(["work"]);
  });

  it("may be tried again within a run when its work has failed", async () => {
    const result = await triesAgain.delay({});
    await bench.workUntilFinal(result.id);

    expect(await result.get()).toBe("done");
  });

  it("that is under way when its run fails is waited for, and not done again by the next attempt", async () => {
    const result = await mailAndText.delay({});
    const working = bench.work();
    await expect.poll(() => seen).toEqual(["begins mail", "begins sms"]);
    calls.sms?.reject(new Error("sms fails"));
    // The run has failed; the mail goes out only now, and until then no other attempt may begin.
    for (let look = 0; look < 10; look++) expect((await result.fetch()).state).toBe("STARTED");
    calls.mail?.resolve("mailed");
    await working;
    calls = {};
    const retrying = bench.workUntilFinal(result.id);
    await expect.poll(() => seen).toEqual(["begins mail", "begins sms", "begins sms"]);
    calls.sms?.resolve("texted");
    await retrying;

    expect(await result.get()).toEqual(["mailed", "texted"]);
  });

  it("of a task with trackStarted false is done again after a redelivery that failed", async () => {
    const result = await light.delay({});
    const { event } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      for (const one of Records) one.attributes.ApproximateReceiveCount = "2";
      return createWorker(modules, engine.app)({ Records }, { getRemainingTimeInMillis: () => 30_000 });
    });
    await engine.acknowledge("DefaultQueue", event.Records);
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: "sent", attempt: 2 });
    expect(seen).toEqual(["run 1", "work", "run 2", "work"]);
  });
});

describe("what a run leaves unawaited", () => {
  it.each(["progress", "delay"] as const)("is waited for by its end, and harms nobody: %s", async (what) => {
    const result = await unawaited.delay({ what });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: "done" });
    if (what === "progress") expect((await result.fetch()).progress).toEqual({ half: true });
    if (what === "delay") {
      await bench.work();
      expect(seen).toEqual(["work"]);
    }
  });

  it("is waited for by its end: once", async () => {
    const result = await unawaited.delay({ what: "once" });
    const working = bench.work();
    await expect.poll(() => seen).toEqual(["begins later"]);
    expect((await result.fetch()).state).toBe("STARTED");
    calls.later?.resolve("late");
    await working;

    expect((await result.fetch()).state).toBe("SUCCESS");
  });

  it("is an error of the run if it fails", async () => {
    const result = await unawaited.delay({ what: "failing once" });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "MAX_RETRIES_EXCEEDED", message: expect.stringContaining("nobody waits") },
    });
  });
});

describe("progress", () => {
  it("of an attempt that failed does not stay on the record of one that succeeded", async () => {
    const result = await reports.delay({});
    await bench.workUntilFinal(result.id);

    const record = await result.fetch();
    expect(record).toMatchObject({ state: "SUCCESS", attempt: 2 });
    expect(record.progress).toBeUndefined();
  });
});

describe("a task with trackStarted false", () => {
  it("that has begun in time is not recorded as expired by a copy of its message", async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<string>();
    const slow = task({
      name: "slow",
      payload: nothing,
      trackStarted: false,
      expires: 60,
      run: () => {
        begun.resolve();
        return goOn.promise;
      },
    });
    const worker = createWorker([{ file: "slow.ts", exports: { slow } }], engine.app);
    const result = await slow.delay({});
    const { event } = await engine.deliver("DefaultQueue", async (event) => {
      const running = worker(event, { getRemainingTimeInMillis: () => 30_000 });
      await begun.promise;
      engine.clock.now = new Date(Date.now() + 61_000);
      const [record] = event.Records;
      if (record === undefined) throw new Error("Nothing was received.");
      const copy = { ...record, messageId: "a-copy" };
      await worker({ Records: [copy] }, { getRemainingTimeInMillis: () => 30_000 });
      goOn.resolve("in time");
      return running;
    });
    await engine.acknowledge("DefaultQueue", event.Records);

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: "in time" });
    engine.clock.now = new Date();
    await bench.work();
  });
});

describe("a time limit", () => {
  it("spares the neighbours of a task that keeps the event loop, and blames that one", async () => {
    const neighbours = await Promise.all([1, 2, 3, 4].map(() => neighbour.delay({ after: 20 })));
    const deadly = await blocker.delay({});
    await bench.work();

    for (const one of neighbours) expect(await one.fetch()).toMatchObject({ state: "SUCCESS" });
    expect(await deadly.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
  });

  it("still ends a task that waits for too long beside one that keeps the event loop", async () => {
    const [late, busy] = [await neighbour.delay({ after: 5000 }), await blocker.delay({})];
    await bench.work();

    expect(await late.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
    expect((await busy.fetch()).state).toBe("FAILURE");
  });

  it("is not what ends a task whose claim took the function's time: it runs again, alone", async () => {
    const patient = task({
      name: "patient",
      payload: nothing,
      timeLimit: 3,
      run: (_, { signal }) =>
        new Promise<string>((resolve, reject) => {
          const timer = setTimeout(() => resolve("done"), 700);
          signal.addEventListener("abort", () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    });
    const { results } = engine.app;
    const worker = createWorker([{ file: "patient.ts", exports: { patient } }], engine.app);
    const slowClaim = createWorker([{ file: "patient.ts", exports: { patient } }], {
      ...engine.app,
      results: {
        ...results,
        async claim(...given) {
          await new Promise((resolve) => setTimeout(resolve, 1200));
          return results.claim(...given);
        },
      },
    });
    const deliver = async (handle: typeof worker) => {
      const { event } = await engine.deliver("DefaultQueue", (received) => {
        const end = performance.now() + 3200;
        return handle(received, { getRemainingTimeInMillis: () => end - performance.now() });
      });
      await engine.acknowledge("DefaultQueue", event.Records);
    };
    const result = await patient.delay({});
    await deliver(slowClaim);
    expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 1 });
    await deliver(worker);

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
  });
});
