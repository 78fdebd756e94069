import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  createDeadLetterWorker,
  createWorker,
  InvalidPayloadError,
  type TaskContext,
  task,
} from "../../../shared/index.ts";
import { decodeMessage } from "../../../shared/message/encoding.ts";
import { type Engine, startEngine, visibility } from "../../helpers/engine.ts";

let engine: Engine;
let runs: { payload: unknown; context: TaskContext }[] = [];

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const record = task({
  name: "record",
  payload: z.object({ note: z.string().default("none") }),
  run: (payload, context) => {
    runs.push({ payload, context });
    return payload.note;
  },
});
const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 3, backoff: { base: 0.2, jitter: false } },
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new TypeError(`attempt ${attempt} fails`);
    return attempt;
  },
});
const asksAgain = task({
  name: "asks_again",
  payload: z.object({}),
  run: (_, context) => {
    throw context.retry({ countdown: 1, cause: new Error("not yet") });
  },
});
const parent = task({
  name: "parent",
  payload: z.object({}),
  run: async () => (await record.delay({ note: "child" })).id,
});
const returns = task({
  name: "returns",
  payload: z.object({ what: z.enum(["nothing", "bigint", "date"]) }),
  run: ({ what }) => {
    if (what === "bigint") return { n: 1n as unknown as number };
    return what === "date" ? new Date(0).toISOString() : undefined;
  },
});
const slow = task({
  name: "slow",
  payload: z.object({}),
  timeLimit: 0.05,
  run: (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
});
const expiring = task({ name: "expiring", payload: z.object({}), expires: 60, run: () => "ran" });

let sent: string[] = [];
const sendsOnce = task({
  name: "sends_once",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 3, backoff: { base: 0 } },
  run: async ({ failures }, context) => {
    const sentMail = await context.once("mail", () => {
      sent.push(context.id);
      return { at: new Date(0), number: sent.length };
    });
    if (context.attempt <= failures) throw new Error("after the mail");
    return sentMail;
  },
});

const tasks = { sendsOnce, add, record, flaky, asksAgain, parent, returns, slow, expiring };
const modules = [{ file: "tests.ts", exports: tasks }];

beforeAll(async () => {
  engine = await startEngine(visibility(1, "DefaultQueue"));
});
afterAll(() => engine.stop());

/** Runs what lies in the queue once, acknowledging as Lambda would. */
async function work(): Promise<string[]> {
  const { event, kept } = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
  await engine.acknowledge(
    "DefaultQueue",
    event.Records.filter(({ messageId }) => !kept.includes(messageId)),
  );
  return kept;
}

async function workUntilFinal(id: string): Promise<void> {
  for (let round = 0; round < 20; round++) {
    const found = await engine.app.results.read(id);
    if (found && ["SUCCESS", "FAILURE", "REVOKED"].includes(found.state)) return;
    engine.clock.now = new Date();
    await work();
  }
  throw new Error(`Task ${id} did not end.`);
}

describe("the life of a task", () => {
  it("goes from PENDING to its result", async () => {
    const result = await add.delay({ x: 4, y: 6 });

    expect(await result.fetch()).toMatchObject({ task: "add", state: "PENDING", attempt: 1, payload: { x: 4, y: 6 } });
    await work();
    expect(await result.get()).toBe(10);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: 10, queue: "default" });
  });

  it("refuses a wrong payload where it is sent, and sends nothing", async () => {
    // @ts-expect-error y is missing: this must not compile, and must not pass either
    const refused = add.delay({ x: "4" });

    await expect(refused).rejects.toThrow(InvalidPayloadError);
    await expect(refused).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      issues: [{ path: ["x"] }, { path: ["y"] }],
    });
  });

  it("retries with backoff until it succeeds, a new message each time", async () => {
    const result = await flaky.delay({ failures: 2 });
    await workUntilFinal(result.id);

    expect(await result.get()).toBe(3);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 3 });
    expect((await result.fetch()).error).toBeUndefined();
  });

  it("ends as a FAILURE that says why after its last retry", async () => {
    const result = await flaky.delay({ failures: 9 });
    await workUntilFinal(result.id);

    await expect(result.get()).rejects.toThrow("MaxRetriesExceededError: Task 'flaky' failed 4 times: attempt 4 fails");
    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 4,
      error: { code: "MAX_RETRIES_EXCEEDED" },
    });
  });

  it("runs again when it asks to, and no more often than it may", async () => {
    const result = await asksAgain.delay({});
    await workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 4,
      error: { message: expect.stringContaining("not yet") },
    });
  });

  it("applies the schema's defaults where it runs, and tells the run who it is", async () => {
    runs = [];
    const result = await record.delay({});
    await work();

    expect(runs).toHaveLength(1);
    expect(runs[0]?.payload).toEqual({ note: "none" });
    expect(runs[0]?.context).toMatchObject({ id: result.id, attempt: 1, rootId: result.id, parentId: undefined });
  });

  it("links what a task sends to the task that sent it", async () => {
    const result = await parent.delay({});
    await work();
    const childId = await result.get();
    await work();

    expect(await engine.app.results.read(String(childId))).toMatchObject({
      parentId: result.id,
      rootId: result.id,
      state: "SUCCESS",
    });
  });

  it.each([
    ["nothing", "SUCCESS", null, undefined],
    ["date", "SUCCESS", "1970-01-01T00:00:00.000Z", undefined],
    ["bigint", "FAILURE", undefined, "at 'n' it is a BigInt"],
  ] as const)("stores a result of %s as %s", async (what, state, value, reason) => {
    const result = await returns.delay({ what });
    await work();

    const found = await result.fetch();
    expect(found.state).toBe(state);
    expect(found.result).toEqual(value);
    if (reason) expect(found.error?.message).toContain(reason);
  });

  it("ends at its time limit, with its signal aborted", async () => {
    const result = await slow.delay({});
    await work();

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_TIME_LIMIT" } });
  });

  it("is REVOKED when it comes too late", async () => {
    const result = await expiring.delay({});
    engine.clock.now = new Date(Date.now() + 61_000);
    await work();
    engine.clock.now = new Date();

    expect(await result.fetch()).toMatchObject({ state: "REVOKED", error: { code: "TASK_REVOKED" } });
    await expect(result.get()).rejects.toThrow("before it was started");
  });

  it("that has begun is not REVOKED for coming late", async () => {
    const late = task({
      name: "flaky",
      payload: z.object({ failures: z.number() }),
      retry: { backoff: { base: 0 } },
      expires: 60,
      run: ({ failures }, { attempt }) => {
        if (attempt <= failures) throw new Error("again");
        return attempt;
      },
    });
    const result = await late.delay({ failures: 1 });
    await work();
    engine.clock.now = new Date(Date.now() + 61_000);
    await work();
    engine.clock.now = new Date();

    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 2 });
  });

  it("is told by its signal when it is revoked while it runs, and ends REVOKED", async () => {
    const started = Promise.withResolvers<void>();
    const waits = task({
      name: "waits",
      payload: z.object({}),
      run: (_, { signal }) => {
        started.resolve();
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    });
    const result = await waits.delay({});
    const working = engine.deliver(
      "DefaultQueue",
      createWorker([{ file: "waits.ts", exports: { waits } }], engine.app),
    );
    await started.promise;
    const asked = performance.now();

    expect(await result.revoke()).toMatchObject({ state: "STARTED" });
    const { event, kept } = await working;
    await engine.acknowledge("DefaultQueue", event.Records);
    // The README's bound: a running task looks every 5 seconds.
    expect(performance.now() - asked).toBeLessThan(10_000);
    expect(kept).toEqual([]);
    expect(await result.fetch()).toMatchObject({
      state: "REVOKED",
      error: { message: expect.stringContaining("while it ran") },
    });
    await expect(result.get()).rejects.toMatchObject({ code: "TASK_REVOKED" });
  });

  it("never runs after a revoke", async () => {
    runs = [];
    const result = await record.delay({ note: "never" });
    expect(await result.revoke()).toMatchObject({ state: "REVOKED" });

    expect(await work()).toEqual([]);
    expect(runs).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "REVOKED" });
  });

  it("waits out the rest of its delay in the queue when the worker's clock is behind", async () => {
    const result = await add.applyAsync({ x: 1, y: 1 }, { countdown: 1 });
    engine.clock.now = new Date(Date.now() - 120_000);
    const kept = await work();
    engine.clock.now = new Date();

    expect(kept).toHaveLength(1);
    expect(await result.fetch()).toMatchObject({ state: "PENDING" });
  });
});

describe("ctx.once", () => {
  it("does its work in one attempt and remembers the result for the others", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 2 });
    await workUntilFinal(result.id);

    expect(await result.get()).toEqual({ at: "1970-01-01T00:00:00.000Z", number: 1 });
    expect(await result.fetch()).toMatchObject({ attempt: 3 });
    expect(sent).toEqual([result.id]);
  });

  it("stops a run whose task another worker has taken over", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    await engine.app.ledger.open({ id: result.id, key: "mail", fence: 99 });

    // Its own settling would be refused too, by the fence of the record; here only the ledger knows.
    await work();
    expect(sent).toEqual([]);
    expect(await result.fetch()).not.toMatchObject({ state: "SUCCESS" });
    await result.revoke();
    await work();
  });

  it("whose ledger does not answer is no failure of the task: it runs again as the same attempt", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    const table = {
      ...engine.table,
      update: (update: Parameters<typeof engine.table.update>[0]) =>
        update.key.pk.startsWith("once#")
          ? Promise.reject(new Error("connect ETIMEDOUT"))
          : engine.table.update(update),
    };
    const outage = await engine.deliver("DefaultQueue", createWorker(modules, engine.appOn(table)));
    await engine.acknowledge("DefaultQueue", outage.event.Records);

    expect(outage.kept).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 1, error: { message: "connect ETIMEDOUT" } });
    await workUntilFinal(result.id);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
    expect(sent).toEqual([result.id]);
  });

  it.each([
    ["answers before the function ends", 3, 30_000, { state: "SUCCESS", attempt: 1 }, 1],
    ["does not answer before the function ends", 1000, 2500, { state: "RETRY", attempt: 1 }, 2],
  ])("is closed in spite of a ledger that %s", async (_, failures, milliseconds, expected, times) => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    let left = failures;
    const table = {
      ...engine.table,
      update: (update: Parameters<typeof engine.table.update>[0]) =>
        update.key.pk.startsWith("once#") && update.set?.result !== undefined && left-- > 0
          ? Promise.reject(new Error("connect ETIMEDOUT"))
          : engine.table.update(update),
    };
    const worker = createWorker(modules, engine.appOn(table));
    const begunAt = performance.now();
    const lived = await engine.deliver("DefaultQueue", (event) =>
      worker(event, { getRemainingTimeInMillis: () => milliseconds - (performance.now() - begunAt) }),
    );
    await engine.acknowledge("DefaultQueue", lived.event.Records);

    expect(lived.kept).toEqual([]);
    expect(await result.fetch()).toMatchObject(expected);
    await workUntilFinal(result.id);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", attempt: 1 });
    expect(sent).toHaveLength(times);
  });

  it("does again what an earlier attempt began and did not finish", async () => {
    sent = [];
    const result = await sendsOnce.delay({ failures: 0 });
    expect(await engine.app.ledger.open({ id: result.id, key: "mail", fence: 0 })).toEqual({ state: "open" });
    await work();

    expect(sent).toHaveLength(1);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS" });
  });
});

describe("an idempotency key", () => {
  it("makes many submits one task", async () => {
    runs = [];
    const submit = () => record.applyAsync({ note: "once" }, { idempotencyKey: "order-7" });
    const results = await Promise.all([submit(), submit(), submit()]);
    await workUntilFinal(results[0]?.id ?? "");
    const late = await submit();

    expect(new Set([...results, late].map(({ id }) => id)).size).toBe(1);
    expect(runs).toHaveLength(1);
    expect(await late.get()).toBe("once");
  });

  it("refuses another payload, and knows other tasks apart", async () => {
    await record.applyAsync({ note: "a" }, { idempotencyKey: "order-8" });

    await expect(record.applyAsync({ note: "b" }, { idempotencyKey: "order-8" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
    await expect(add.applyAsync({ x: 1, y: 2 }, { idempotencyKey: "order-8" })).resolves.toBeDefined();
    await work();
  });
});

describe("messages that nobody can run", () => {
  const send = async (body: string) => {
    const { MessageId } = await engine.clients.sqs.send(
      new SendMessageCommand({ QueueUrl: await engine.queueUrl("DefaultQueue"), MessageBody: body }),
    );
    return MessageId ?? "";
  };

  it("become a FAILURE under their message id when they are no messages, at their first delivery", async () => {
    const id = await send("this is not JSON");
    const neighbour = await add.delay({ x: 1, y: 1 });

    expect(await work()).toEqual([]);
    expect(await engine.app.results.read(id)).toMatchObject({
      state: "FAILURE",
      task: "(unreadable)",
      payload: "this is not JSON",
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining("its body of 16 bytes is not JSON") },
    });
    expect(await neighbour.get()).toBe(2);
    // SQS says when the message was sent, by the machine's own clock.
    engine.clock.now = new Date();
    const { tasks: failures } = await engine.app.results.list({ state: "FAILURE", task: "(unreadable)" });
    expect(failures).toMatchObject([{ payload: "this is not JSON", rootId: id }]);
  });

  it("wait for a deployment that may bring their task, then become a FAILURE", async () => {
    const result = await add.delay({ x: 1, y: 1 });
    const older = createWorker([{ file: "other.ts", exports: { record } }], engine.app);
    const first = await engine.deliver("DefaultQueue", older);
    engine.clock.now = new Date(Date.now() + 16 * 60_000);
    const later = await older(first.event, { getRemainingTimeInMillis: () => 30_000 });
    await engine.acknowledge("DefaultQueue", first.event.Records);
    engine.clock.now = new Date();

    expect(first.kept).toHaveLength(1);
    expect(later.batchItemFailures).toEqual([]);
    expect(await result.fetch()).toMatchObject({ state: "FAILURE", error: { code: "TASK_NOT_REGISTERED" } });
  });

  it("become a FAILURE without a retry when the schema has changed since they were sent", async () => {
    const result = await flaky.delay({ failures: 1 });
    const strict = task({ name: "flaky", payload: z.object({ tries: z.number() }), retry: {}, run: () => 1 });
    const answer = await engine.deliver(
      "DefaultQueue",
      createWorker([{ file: "new.ts", exports: { strict } }], engine.app),
    );
    await engine.acknowledge("DefaultQueue", answer.event.Records);

    expect(await result.fetch()).toMatchObject({ state: "FAILURE", attempt: 1, error: { code: "PAYLOAD_INVALID" } });
  });
});

describe("redelivery", () => {
  it("of a finished task is acknowledged and changes nothing", async () => {
    runs = [];
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

describe("an outage of DynamoDB", () => {
  /** The engine's store, with one call that does not get through. */
  const broken = (step: "claim" | "succeed") => {
    const results = { ...engine.app.results, [step]: () => Promise.reject(new Error("connect ETIMEDOUT")) };
    return { ...engine.app, results };
  };

  it.each([
    ["claim", "PENDING", 1],
    ["succeed", "RETRY", 0],
  ] as const)("at the %s is no failure of the task, and its record says why it waits", async (step, state, kept) => {
    const result = await add.delay({ x: 2, y: 2 });
    const outage = await engine.deliver("DefaultQueue", createWorker(modules, broken(step)));
    if (kept === 0) await engine.acknowledge("DefaultQueue", outage.event.Records);

    expect(outage.kept).toHaveLength(kept);
    expect(await result.fetch()).toMatchObject({ state, error: { message: "connect ETIMEDOUT" } });
    engine.clock.now = new Date(Date.now() + 60_000);
    for (let round = 0; round < 5 && (await result.fetch()).state !== "SUCCESS"; round++) await work();
    engine.clock.now = new Date();
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", result: 4, attempt: 1 });
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
        if (short)
          await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
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
    run: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
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
      ...{ count: 1, kept: [] },
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
