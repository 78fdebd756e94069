import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, task } from "../../../shared/index.ts";
import type { Message } from "../../../shared/message/message.ts";
import { uniqueName, visibility } from "../../helpers/engine.ts";
import { sqsRecord } from "../../helpers/sqs-record.ts";
import { startBench } from "../../helpers/workbench.ts";

const ran: string[] = [];

const text = z.object({ text: z.string().default("") });

const index = task({ name: "index", payload: text, run: ({ text }) => void ran.push(text) });

const quiet = task({
  name: "quiet",
  payload: text,
  ignoreResult: true,
  trackStarted: false,
  run: ({ text }) => void ran.push(text),
});

const tasks = { index, quiet };

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

beforeEach(() => {
  engine.clock.now = new Date();
  ran.length = 0;
});

const state = async (id: string) => (await engine.app.results.read(id))?.state;

describe("debounce", () => {
  it("runs the newest call of a burst alone, once it is quiet", async () => {
    const key = uniqueName("key");
    const calls = [];
    for (const text of ["1", "2", "3"]) {
      engine.clock.now = new Date();
      calls.push(await index.applyAsync({ text }, { debounce: { key, wait: 1 } }));
    }
    await bench.workUntilFinal(calls[2]?.id ?? "");

    expect(ran).toEqual(["3"]);
    expect(await Promise.all(calls.map(({ id }) => state(id)))).toEqual(["REVOKED", "REVOKED", "SUCCESS"]);
    expect((await calls[0]?.fetch())?.error?.message).toContain(`took its place: ${calls[1]?.id}`);
  });

  it("does not wait longer than maxWait", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { debounce: { key, wait: 600, maxWait: 800 } });
    const at = async ({ id }: { id: string }) =>
      (Date.parse((await engine.app.results.read(id))?.eta ?? "") - begin) / 1000;
    const begin = engine.clock.now.getTime();

    expect(await at(await call("1"))).toBeCloseTo(600, 0);
    engine.clock.now = new Date(begin + 500_000);
    expect(await at(await call("2"))).toBeCloseTo(800, 0);
    engine.clock.now = new Date(begin + 801_000);
    expect(await at(await call("new burst"))).toBeCloseTo(1401, 0);
  });

  it("loses nothing when the newest call died before it was sent", async () => {
    const key = uniqueName("key");
    const sent = await index.applyAsync({ text: "sent" }, { debounce: { key, wait: 1 } });
    const call = { task: "index", key, id: engine.app.newId(), wait: 1, maxWait: undefined };
    await engine.app.bursts.join(engine.clock.now, call);
    const putOff: Message[] = [];
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: async (message) => void putOff.push(message) };
    engine.clock.now = new Date(engine.clock.now.getTime() + 2000);
    const workOnce = async (): Promise<number> => {
      await bench.work();
      return putOff.length;
    };
    await expect.poll(workOnce, { timeout: 5000 }).toBe(1);
    engine.app.broker = broker;
    expect(ran).toEqual([]);

    // A minute later it is certain that nobody will send the newer one.
    expect(putOff[0]?.id).toBe(sent.id);
    for (const message of putOff) await engine.app.broker.send(message, 0);
    engine.clock.now = new Date(engine.clock.now.getTime() + 70_000);
    await bench.work();
    expect(ran).toEqual(["sent"]);
  });
});

describe("debounce on a bad network", () => {
  /** As the SDK does it: the first call gets through, its answer does not, the same call is made again. */
  const stuttering = async <T>(work: () => Promise<T>): Promise<T> => {
    const { table } = engine;
    const { update } = table;
    table.update = async (one) => {
      if (one.key.pk.startsWith("debounce#")) await update(one);
      return update(one);
    };
    try {
      return await work();
    } finally {
      table.update = update;
    }
  };

  it("does not take a burst's first call, sent twice by the SDK, for a newer one", async () => {
    const key = uniqueName("key");
    const call = await stuttering(() => index.applyAsync({ text: "only" }, { debounce: { key, wait: 1 } }));
    expect(await state(call.id)).toBe("PENDING");
    await bench.workUntilFinal(call.id);

    expect(await state(call.id)).toBe("SUCCESS");
    expect(ran).toEqual(["only"]);
  });

  it("runs the newest call alone, though the answer to its joining was lost", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { debounce: { key, wait: 1 } });
    const older = await call("older");
    const newer = await stuttering(() => call("newer"));
    await bench.workUntilFinal(newer.id);
    await bench.workUntilFinal(older.id);

    expect(await Promise.all([older, newer].map(({ id }) => state(id)))).toEqual(["REVOKED", "SUCCESS"]);
    expect(ran).toEqual(["newer"]);
  });

  it("runs the newest call alone, though its sender died before it revoked the older one, and it has to wait", async () => {
    const key = uniqueName("key");
    const call = (text: string) => quiet.applyAsync({ text }, { debounce: { key, wait: 1 } });
    const { results } = engine.app;
    engine.app.results = { ...results, replace: async () => false };
    const older = await call("older");
    const newer = await call("newer");
    engine.app.results = results;
    const bodies: string[] = [];
    const collect = async (): Promise<number> => {
      const { event } = await engine.deliver("DefaultQueue", async () => ({ batchItemFailures: [] }));
      const own = event.Records.map(({ body }) => body).filter((body) => body.includes(key));
      bodies.push(...own);
      await engine.acknowledge("DefaultQueue", event.Records);
      return bodies.length;
    };
    await expect.poll(collect, { timeout: 5000 }).toBe(2);
    const worker = createWorker([{ file: "tests.ts", exports: tasks }], engine.app);
    const deliver = (id: string) =>
      worker(
        { Records: bodies.filter((body) => body.includes(`"id":"${id}"`)).map((body) => sqsRecord({ body })) },
        { getRemainingTimeInMillis: () => 30_000 },
      );
    // A minute after its time, the newer one without a record would be taken for one that was never sent.
    engine.clock.now = new Date(engine.clock.now.getTime() + 70_000);
    await deliver(older.id);
    await deliver(newer.id);

    expect(ran).toEqual(["newer"]);
    expect(await state(older.id)).toBe("REVOKED");
  });
});

describe("throttle", () => {
  it("runs the first call of a period; the others get its handle, whatever their payload", async () => {
    const key = uniqueName("key");
    const call = (text: string) => index.applyAsync({ text }, { throttle: { key, period: 60 } });
    const [first, second] = [await call("1"), await call("2")];
    await bench.work();
    engine.clock.now = new Date(engine.clock.now.getTime() + 61_000);
    const third = await call("3");
    await bench.work();

    expect(second.id).toBe(first.id);
    expect(third.id).not.toBe(first.id);
    expect(ran).toEqual(["1", "3"]);
  });
});

describe("a throttle's key and an idempotency key", () => {
  it("are apart, whatever they look like", async () => {
    const key = uniqueName("key");
    const throttled = await index.applyAsync({ text: "throttled" }, { throttle: { key, period: 60 } });
    for (const idempotencyKey of [key, `throttle#${key}`]) {
      const other = await index.applyAsync({ text: idempotencyKey }, { idempotencyKey });
      expect(other.id).not.toBe(throttled.id);
      await bench.work();
    }
    expect(ran).toEqual(["throttled", key, `throttle#${key}`]);
  });
});

describe("an idempotency key of a task that leaves no record", () => {
  it("makes two submits one message, and one run", async () => {
    const sent: string[] = [];
    const { broker } = engine.app;
    engine.app.broker = {
      ...broker,
      send: async (message, seconds) => {
        sent.push(message.id);
        return broker.send(message, seconds);
      },
    };
    const submit = () => quiet.applyAsync({ text: "once" }, { idempotencyKey: uniqueKey });
    const uniqueKey = uniqueName("key");
    const [first, second] = [await submit(), await submit()];
    engine.app.broker = broker;
    await bench.workUntilFinal(first.id);

    expect(second.id).toBe(first.id);
    expect(sent).toEqual([first.id]);
    expect(ran).toEqual(["once"]);
  });
});

describe("an idempotency key with a lifetime of its own", () => {
  it("is remembered as long as it says, and its task's record with it", async () => {
    const key = uniqueName("key");
    const call = () => index.applyAsync({ text: key }, { idempotencyKey: key, idempotencyExpires: 30 * 86_400 });
    const first = await call();
    await bench.work();
    const begin = engine.clock.now.getTime();

    engine.clock.now = new Date(begin + 29 * 86_400_000);
    expect((await call()).id).toBe(first.id);
    expect(await state(first.id)).toBe("SUCCESS");
    engine.clock.now = new Date(begin + 31 * 86_400_000);
    expect((await call()).id).not.toBe(first.id);
    await bench.work();
    expect(ran).toEqual([key, key]);
  });
});
