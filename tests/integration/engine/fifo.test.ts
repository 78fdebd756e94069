import { setImmediate } from "node:timers/promises";
import type { SQSRecord } from "aws-lambda";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createSqs } from "../../../shared/aws/sqs.ts";
import { createBroker } from "../../../shared/broker/broker.ts";
import { createWorker, task } from "../../../shared/index.ts";
import { uniqueName, visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: string[] = [];
/** Called by `step` before it ends. */
let during: (text: string) => Promise<void> | void = () => {};

const step = task({
  name: "step",
  payload: z
    .object({ group: z.string(), text: z.string(), failures: z.number().default(0), filling: z.string().default("") })
    .refine(async ({ text }) => {
      // So many turns of the event loop that the calls after this one are ready long before.
      for (let turn = 0; text === "slow schema" && turn < 1000; turn++) await setImmediate();
      return text !== "wrong";
    }),
  queue: "fifo",
  messageGroupId: ({ group }) => group,
  retry: { maxRetries: 2, backoff: { base: 1, jitter: false } },
  run: async ({ group, text, failures }, { attempt }) => {
    ran.push(`${group}${text}`);
    await during(text);
    if (attempt <= failures) throw new Error(`attempt ${attempt}`);
    return text;
  },
});
const fair = task({ name: "fair", payload: z.object({}), run: () => "fair" });

const { engine, bench } = await startBench({ step, fair }, visibility(2, "DefaultQueue", "FifoQueue"));
beforeEach(() => {
  ran = [];
  during = () => {};
  engine.clock.now = new Date();
});

const work = () => {
  engine.clock.now = new Date();
  return bench.work("FifoQueue");
};
const workUntilFinal = (id: string) => bench.workUntilFinal(id, "FifoQueue");
const textIn = (body: string): string =>
  z.object({ payload: z.object({ text: z.string() }) }).parse(JSON.parse(body)).payload.text;

describe("calls of one moment on a FIFO queue", () => {
  const orderOf = async (group: string, calls: Promise<{ id: string }>[]): Promise<string> => {
    for (const { id } of await Promise.all(calls)) await workUntilFinal(id);
    return ran.map((one) => one.slice(group.length)).join(" ");
  };
  const letters = Array.from("abcdefghijklm");

  it("keep their order, though SQS refuses some of them at first", async () => {
    const { broker, config } = engine.app;
    const sqs = createSqs();
    const refused = new Set<string>();
    engine.app.broker = createBroker({
      sqs: {
        ...sqs,
        async sendBatch(url, entries) {
          const isNew = ({ body }: { body: string }) => !refused.has(body) && letters.indexOf(textIn(body)) % 3 === 0;
          const throttled = entries.filter(isNew);
          for (const { body } of throttled) refused.add(body);
          const taken = entries.filter((entry) => !throttled.includes(entry));
          const refusal = { senderFault: false, code: "ThrottlingException", message: "too many" };
          const others = taken.length === 0 ? [] : await sqs.sendBatch(url, taken);
          return [...others, ...throttled.map(({ id }) => ({ id, ...refusal }))];
        },
      },
      queueUrl: (queue) => config.queueUrl(queue),
      deadLetterQueueUrl: () => config.deadLetterQueueUrl,
    });
    const group = uniqueName("g");
    const order = await orderOf(
      group,
      letters.map((text) => step.delay({ group, text })),
    );
    engine.app.broker = broker;

    expect(refused.size).toBe(5);
    expect(order).toBe(letters.join(" "));
  });

  it("keep their order, though one takes longer to get ready than the next: its schema, its payload, its key", async () => {
    const group = uniqueName("g");
    const calls = [
      step.delay({ group, text: "slow schema" }),
      step.delay({ group, text: "large", filling: "x".repeat(3_000_000) }),
      step.applyAsync({ group, text: "key" }, { idempotencyKey: uniqueName("key") }),
      step.applyAsync({ group, text: "throttle" }, { throttle: { key: uniqueName("key"), period: 60 } }),
      step.delay({ group, text: "last" }),
    ];

    expect(await orderOf(group, calls)).toBe("slow schema large key throttle last");
  });

  it("go on behind one that is refused", async () => {
    const group = uniqueName("g");
    const wrong = step.delay({ group, text: "wrong" });
    const right = step.delay({ group, text: "right" });
    await expect(wrong).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: () => Promise.reject(new Error("down")) };
    const lost = step.delay({ group, text: "lost" });
    await expect(lost).rejects.toThrow("down");
    engine.app.broker = broker;

    expect(await orderOf(group, [right, step.delay({ group, text: "after" })])).toBe("right after");
  });
});

describe("a FIFO queue", () => {
  it("keeps the order within a group, and lets groups run side by side", async () => {
    const [a, b] = [uniqueName("a"), uniqueName("b")];
    const both = Promise.withResolvers<void>();
    during = () => {
      if (ran.includes(`${a}1`) && ran.includes(`${b}1`)) both.resolve();
      return both.promise;
    };
    const results = [];
    for (const text of ["1", "2", "3"]) {
      results.push(await step.delay({ group: a, text }), await step.delay({ group: b, text }));
    }
    for (const { id } of results) await workUntilFinal(id);

    expect(ran.filter((one) => one.startsWith(a))).toEqual([`${a}1`, `${a}2`, `${a}3`]);
    expect(ran.filter((one) => one.startsWith(b))).toEqual([`${b}1`, `${b}2`, `${b}3`]);
  });

  it("stops at the first failure of a group until its retry has succeeded; other groups go on", async () => {
    const [a, b] = [uniqueName("a"), uniqueName("b")];
    const results = [
      await step.delay({ group: a, text: "1", failures: 2 }),
      await step.delay({ group: a, text: "2" }),
      await step.delay({ group: b, text: "1" }),
    ];
    await work();
    expect(ran.toSorted()).toEqual([`${a}1`, `${b}1`].toSorted());
    expect(await results[0]?.fetch()).toMatchObject({ state: "RETRY", attempt: 2 });
    for (const { id } of results) await workUntilFinal(id);

    expect(ran.filter((one) => one.startsWith(a))).toEqual([`${a}1`, `${a}1`, `${a}1`, `${a}2`]);
    expect(await results[0]?.fetch()).toMatchObject({ state: "SUCCESS", attempt: 3 });
  });

  it("goes on behind a task that has failed for good", async () => {
    const group = uniqueName("g");
    const failed = await step.delay({ group, text: "1", failures: 9 });
    const next = await step.delay({ group, text: "2" });
    await workUntilFinal(next.id);

    expect(await failed.fetch()).toMatchObject({ state: "FAILURE", error: { code: "MAX_RETRIES_EXCEEDED" } });
    expect(ran).toEqual([`${group}1`, `${group}1`, `${group}1`, `${group}2`]);
  });

  it("delays by way of the default queue and by timers, to the second", async () => {
    const group = uniqueName("g");
    const soon = await step.applyAsync({ group, text: "soon" }, { countdown: 1 });
    const now = await step.delay({ group, text: "now" });
    await workUntilFinal(now.id);
    expect(ran).toEqual([`${group}now`]);
    const passedOn = async (): Promise<number> => {
      engine.clock.now = new Date();
      await bench.work();
      return (await engine.app.broker.depth("fifo")).waiting;
    };
    await expect.poll(passedOn, { timeout: 10_000 }).toBe(1);
    await workUntilFinal(soon.id);
    expect(ran).toEqual([`${group}now`, `${group}soon`]);

    const far = await step.applyAsync({ group, text: "far" }, { countdown: 1000 });
    engine.clock.now = new Date(engine.clock.now.getTime() + 1_000_000);
    expect(await bench.sweep()).toEqual({ sent: 1, failed: 0 });
    await bench.work("FifoQueue");
    expect(await engine.app.results.read(far.id)).toMatchObject({ state: "SUCCESS", result: "far" });
  });

  it("needs a group", async () => {
    await expect(fair.applyAsync({}, { queue: "fifo" })).rejects.toThrow(
      "Option 'messageGroupId' is missing: queue 'fifo' keeps the order within a group.",
    );
  });

  it("ends a task whose worker died each time, and goes on with its group", { timeout: 60_000 }, async () => {
    const group = uniqueName("g");
    const crashes = await step.delay({ group, text: "crashes" });
    const next = await step.delay({ group, text: "next" });
    // A worker that dies leaves a claim that ends with its function's time, and a message that comes back.
    for (let death = 0; death < 3; death++) {
      let head: SQSRecord | undefined;
      await expect
        .poll(
          async () => {
            const { event } = await engine.deliver("FifoQueue", async ({ Records }) => ({
              batchItemFailures: Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
            }));
            engine.clock.now = new Date();
            head = event.Records[0];
            return event.Records.length;
          },
          { timeout: 10_000 },
        )
        .toBeGreaterThan(0);
      const id = crashes.id;
      const message = await messageOf(id, group);
      const delivery = {
        messageId: head?.messageId ?? "",
        receiveCount: Number(head?.attributes.ApproximateReceiveCount),
      };
      const claimed = await engine.app.results.claim(message, delivery, 1, { countStarts: true });
      expect(claimed).toMatchObject({ claimed: true, claim: { starts: death + 1 } });
    }
    await workUntilFinal(next.id);

    expect(await crashes.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "TASK_CRASHED", message: expect.stringContaining("died each of the 3 times") },
    });
    expect(ran).toEqual([`${group}next`]);
  });

  async function messageOf(id: string, group: string) {
    const payload = { group, text: "crashes" };
    const sentAt = new Date().toISOString();
    return { v: 1 as const, id, task: "step", attempt: 1, payload, queue: "fifo", sentAt, rootId: id };
  }

  it("is paused where it is, in order", { timeout: 60_000 }, async () => {
    const group = uniqueName("g");
    const first = await step.delay({ group, text: "1" });
    const second = await step.delay({ group, text: "2" });
    await bench.call("POST", "/queues/fifo/pause");
    await work();
    expect(ran).toEqual([]);
    await bench.call("POST", "/queues/fifo/resume");
    await workUntilFinal(second.id);

    expect(ran).toEqual([`${group}1`, `${group}2`]);
    expect((await first.fetch()).attempt).toBe(1);
  });

  it("gets a message sent again before SQS forgets it, and takes it for another one", async () => {
    const group = uniqueName("g");
    const result = await step.delay({ group, text: "old" });
    await bench.call("POST", "/queues/fifo/pause");
    const { broker } = engine.app;
    const sent: string[] = [];
    engine.app.broker = {
      ...broker,
      send: (message) => {
        sent.push(message.id);
        return broker.send(message, 0);
      },
    };
    const { event, kept } = await engine.deliver("FifoQueue", ({ Records }, context) => {
      const thirteenDaysAgo = engine.clock.now.getTime() - 13 * 86_400_000 - 1000;
      for (const { attributes } of Records) attributes.SentTimestamp = String(thirteenDaysAgo);
      return createWorker([{ file: "tests.ts", exports: { step, fair } }], engine.app)({ Records }, context);
    });
    engine.app.broker = broker;
    await engine.acknowledge("FifoQueue", event.Records);
    await bench.call("POST", "/queues/fifo/resume");
    await workUntilFinal(result.id);

    expect([kept, sent]).toEqual([[], [result.id]]);
    expect(ran).toEqual([`${group}old`]);
  });

  it("leaves a message that waits on the default queue there, when the worker's clock is behind", async () => {
    await step.applyAsync({ group: uniqueName("g"), text: "early" }, { countdown: 1 });
    engine.clock.now = new Date(Date.now() - 600_000);
    engine.logged.length = 0;
    const kept = await bench.work();

    expect(kept).toHaveLength(1);
    expect(engine.logged).toEqual([]);
    expect(ran).toEqual([]);
  });
});

describe("a fair queue", () => {
  it("gets the tenant of each message", async () => {
    await fair.applyAsync({}, { messageGroupId: "tenant-7" });
    const groups: (string | undefined)[] = [];
    const { event } = await engine.deliver("DefaultQueue", async ({ Records }) => {
      groups.push(...Records.map(({ attributes }) => attributes.MessageGroupId));
      return { batchItemFailures: [] };
    });
    await engine.acknowledge("DefaultQueue", event.Records);

    expect(groups).toContain("tenant-7");
  });
});
