import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Key } from "../../../shared/aws/change.ts";
import type { Table } from "../../../shared/aws/dynamodb.ts";
import { createTimerSweep, createWorker, task } from "../../../shared/index.ts";
import { newId } from "../../../shared/message/id.ts";
import type { Message } from "../../../shared/message/message.ts";
import { createTimers } from "../../../shared/timers/timers.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";

let engine: Engine;
const ping = task({ name: "ping", payload: z.object({}), run: () => "pong" });
const echo = task({ name: "echo", payload: z.object({ text: z.string() }), run: ({ text }) => text });
const retries = task({
  name: "retries",
  payload: z.object({}),
  retry: { maxRetries: 1, backoff: { base: 7200, max: 7200, jitter: false } },
  run: (_, { attempt }) => {
    if (attempt === 1) throw new Error("later");
    return attempt;
  },
});
const modules = [{ file: "ping.ts", exports: { ping, echo, retries } }];

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());
beforeEach(() => {
  // Each test in a future of its own, so that the timers of one are not those of another.
  engine.clock.now = new Date(Math.max(Date.now(), engine.clock.now.getTime()) + 2 * 86_400_000);
});

const pass = (seconds: number) => {
  engine.clock.now = new Date(engine.clock.now.getTime() + seconds * 1000);
};
const mayGoOn = () => true;
const tooLate = () => Promise.reject(new Error("It is not too late."));
const plenty = { getRemainingTimeInMillis: () => 60_000 };
const sweep = (context = plenty) => createTimerSweep(engine.app)(undefined, context);

async function work(): Promise<number> {
  const { event, kept } = await engine.deliver("DefaultQueue", createWorker(modules, engine.app));
  await engine.acknowledge(
    "DefaultQueue",
    event.Records.filter(({ messageId }) => !kept.includes(messageId)),
  );
  return event.Records.length - kept.length;
}

describe("a delay past 15 minutes", () => {
  it.each([901, 3600, 43_201, 15 * 86_400, 400 * 86_400])("of %d s runs once, on the second", async (countdown) => {
    const result = await ping.applyAsync({}, { countdown });
    expect(await result.fetch()).toMatchObject({ state: "PENDING" });

    pass(countdown - 181);
    expect(await sweep()).toEqual({ sent: 0, failed: 0 });
    pass(180);
    expect(await sweep()).toEqual({ sent: 1, failed: 0 });
    expect(await sweep()).toEqual({ sent: 0, failed: 0 });

    pass(1);
    expect(await work()).toBe(1);
    expect(await result.get()).toBe("pong");
    expect(await result.fetch()).toMatchObject({ attempt: 1 });
  });

  it("is sent with the exact rest of the delay", async () => {
    const sent: [string, number][] = [];
    await ping.applyAsync({}, { countdown: 1000 });
    pass(1000 - 95);
    await engine.app.timers.sweep({
      send: async ({ task: name }, delaySeconds) => void sent.push([name, delaySeconds]),
      mayGoOn,
      tooLate,
    });

    expect(sent).toEqual([["ping", 95]]);
  });

  it("never runs after a revoke", async () => {
    const result = await ping.applyAsync({}, { countdown: 3 * 86_400 });
    expect(await result.revoke()).toMatchObject({ state: "REVOKED" });
    // Long after the result of a finished task would have gone.
    pass(3 * 86_400);
    expect(await result.fetch()).toMatchObject({ state: "REVOKED" });
    await sweep();
    await work();

    expect(await result.fetch()).toMatchObject({ state: "REVOKED" });
  });

  it("serves retries too", async () => {
    const result = await retries.delay({});
    await work();
    expect(await result.fetch()).toMatchObject({ state: "RETRY", attempt: 2 });
    pass(7200);
    await sweep();
    await work();

    expect(await result.get()).toBe(2);
  });
});

describe("a timer whose queue was taken out of the service", () => {
  it("is sent to the default queue", async () => {
    const { config } = engine.app;
    const result = await ping.applyAsync({}, { countdown: 1000, queue: "low" });
    pass(1001);
    const without = { ...engine.app, config: { ...config, queues: config.queues.filter((name) => name !== "low") } };

    expect(await createTimerSweep(without)(undefined, plenty)).toEqual({ sent: 1, failed: 0 });
    await work();
    expect(await result.get()).toBe("pong");
  });
});

describe("a timers function that was stopped for weeks", () => {
  const stopped = async (days: number) => {
    const revoked = await ping.applyAsync({}, { countdown: 3600 });
    const waiting = await ping.applyAsync({}, { countdown: 3600 });
    await revoked.revoke();
    pass(days * 86_400);
    await sweep();
    await work();
    return { revoked: await revoked.fetch().catch(() => undefined), waiting: await waiting.fetch() };
  };

  it("runs what waited, and nothing that was revoked meanwhile", async () => {
    const { revoked, waiting } = await stopped(29);
    expect(waiting.state).toBe("SUCCESS");
    expect(revoked).toMatchObject({ state: "REVOKED" });
  });

  it("runs nothing of which it cannot know any more whether it was revoked, and says so", async () => {
    const { waiting } = await stopped(100);
    expect(waiting).toMatchObject({
      state: "FAILURE",
      error: { code: "TASK_UNDELIVERED", message: expect.stringContaining("its timer was due at") },
    });
  });
});

describe("the first timer of a service", () => {
  it("hides no timer of a sender whose clock says yesterday", async () => {
    const midnight = new Date(Math.ceil(engine.clock.now.getTime() / 86_400_000) * 86_400_000);
    const empty = createTimers({ table: inFolder(engine.table), clock: () => engine.clock.now });
    const sent: string[] = [];
    const message = (id: string): Message => ({
      v: 1,
      id,
      task: "ping",
      attempt: 1,
      payload: {},
      queue: "default",
      rootId: id,
      sentAt: engine.clock.now.toISOString(),
    });
    const [fast, right] = [newId(), newId()];
    // Its clock is 20 minutes fast, shortly before midnight.
    engine.clock.now = new Date(midnight.getTime() + 600_000);
    await empty.put(message(fast), new Date(midnight.getTime() + 7_200_000));
    engine.clock.now = new Date(midnight.getTime() - 600_000);
    await empty.put(message(right), new Date(midnight.getTime() - 1000));
    engine.clock.now = new Date(midnight.getTime() + 60_000);
    await empty.sweep({ send: async ({ id }) => void sent.push(id), mayGoOn, tooLate });

    expect(sent).toEqual([right]);
  });
});

/** The same table with other keys, as if the service were new. */
function inFolder(table: Table): Table {
  const name = newId();
  const inside = ({ pk, sk }: Key): Key => ({ pk: `${name}/${pk}`, sk });
  return {
    get: (key) => table.get(inside(key)),
    update: (update) => table.update({ ...update, key: inside(update.key) }),
    query: (query) => table.query({ ...query, pk: `${name}/${query.pk}` }),
    queryPage: (query) => table.queryPage({ ...query, pk: `${name}/${query.pk}` }),
    remove: (key) => table.remove(inside(key)),
  };
}

describe("the timers function", () => {
  it("catches up without loss when it was stopped for days", async () => {
    const etas = Array.from({ length: 25 }, (_, index) => 1000 + index * 7000);
    const results = await Promise.all(etas.map((countdown) => ping.applyAsync({}, { countdown })));
    pass(3 * 86_400);
    const order: string[] = [];
    await engine.app.timers.sweep({ send: async (message: Message) => void order.push(message.id), mayGoOn, tooLate });

    expect(order.toSorted()).toEqual(results.map(({ id }) => id).toSorted());
  });

  it("leaves the rest to its next run when its time is nearly over, and loses none of it", async () => {
    await Promise.all(Array.from({ length: 30 }, () => ping.applyAsync({}, { countdown: 1000 })));
    pass(2000);

    expect(await sweep({ getRemainingTimeInMillis: () => 1000 })).toEqual({ sent: 0, failed: 0 });
    expect(await sweep()).toEqual({ sent: 30, failed: 0 });
    for (let round = 0; round < 5; round++) await work();
  });

  it("tries again what it could not send, and holds up no other for it", async () => {
    const stuck = await ping.applyAsync({}, { countdown: 1000 });
    const free = await ping.applyAsync({}, { countdown: 1000 });
    pass(1000);
    const told: string[] = [];
    const send = async (message: Message, delaySeconds: number) => {
      if (message.id === stuck.id) throw new Error("no such queue");
      await engine.app.broker.send(message, delaySeconds);
    };
    const failed = (timer: string) => void told.push(timer);

    expect(await engine.app.timers.sweep({ send, mayGoOn, tooLate, failed })).toEqual({ sent: 1, failed: 1 });
    expect(told[0]).toContain(stuck.id);
    // Days later it is still there, and goes as soon as it can.
    pass(3 * 86_400);
    expect(await engine.app.timers.sweep({ send, mayGoOn, tooLate })).toEqual({ sent: 0, failed: 1 });
    expect(await sweep()).toEqual({ sent: 1, failed: 0 });
    await work();
    expect(await free.get()).toBe("pong");
    expect(await stuck.get()).toBe("pong");
  });

  it("sends any text, also characters that SQS itself refuses", async () => {
    const result = await echo.applyAsync({ text: "\uffff \ufffe \u0001 \ud800 😀" }, { countdown: 1000 });
    pass(1000);
    expect(await sweep()).toEqual({ sent: 1, failed: 0 });
    await work();

    expect(await result.get()).toBe("\uffff \ufffe \u0001 \ud800 😀");
  });

  it("has nothing to do where no timer was ever set", async () => {
    const { createTimers } = await import("../../../shared/timers/timers.ts");
    const timers = createTimers({
      table: { ...engine.table, get: async () => undefined },
      clock: () => engine.clock.now,
    });

    expect(await timers.sweep({ send: engine.app.broker.send, mayGoOn, tooLate })).toEqual({ sent: 0, failed: 0 });
  });

  it("keeps a timer once, however often it is put", async () => {
    const id = newId();
    const message: Message = {
      v: 1,
      id,
      task: "ping",
      attempt: 1,
      payload: {},
      queue: "default",
      sentAt: engine.clock.now.toISOString(),
      rootId: id,
    };
    const eta = new Date(engine.clock.now.getTime() + 1_000_000);
    await engine.app.timers.put(message, eta);
    await engine.app.timers.put(message, eta);
    pass(1000);

    expect(await sweep()).toEqual({ sent: 1, failed: 0 });
    await work();
  });
});
