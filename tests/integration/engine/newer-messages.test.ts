import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createWorker, Reject, task } from "../../../shared/index.ts";
import { decodeMessage, encodeMessage } from "../../../shared/message/encoding.ts";
import { newId } from "../../../shared/message/id.ts";
import { parseJson } from "../../../shared/message/json.ts";
import type { Message } from "../../../shared/message/message.ts";
import {
  dayOf,
  definitionKey,
  recordKey,
  reservationKey,
  timerKey,
  WATERMARK_KEY,
} from "../../../shared/table/keys.ts";
import { deadWorker, startVirtualBench } from "../../helpers/virtual-bench.ts";

/** Messages, records and stored values of the next version of Lovage: nothing of them is lost, and what nobody here can read waits. */

const payload = z.object({ text: z.string().default("") });
let isFailing = false;
const fails = task({
  name: "fails",
  payload,
  retry: { maxRetries: 1, backoff: { base: 10, jitter: false } },
  run: () => {
    if (isFailing) throw new Error("fails");
  },
});
const requeues = task({
  name: "requeues",
  payload,
  run: () => {
    throw new Reject("not yet", { requeue: true, countdown: 60 });
  },
});
const ordered = task({ name: "ordered", payload, queue: "fifo", messageGroupId: "a", run: () => true });
const { engine, bench, queues } = startVirtualBench({ fails, requeues, ordered });

const later = (seconds: number) => new Date(engine.clock.now.getTime() + seconds * 1000);
const recordOf = (id: string) => engine.app.results.read(id);

/** Fields of the future: of each kind, nested in fields that are known, and with names that an object has. */
const future = { priority: 7, trace: { spans: [1, null, "é"] }, toJSON: "a text", constructor: { name: "x" } };
const futureText = `${JSON.stringify(future).slice(0, -1)},"__proto__":{"polluted":true}}`;

function aBody(more: Partial<Message> & Record<string, unknown> = {}): { id: string; body: string } {
  const id = newId();
  const sentAt = engine.clock.now.toISOString();
  const message = { v: 1, id, task: "fails", attempt: 1, payload: {}, queue: "default", sentAt, rootId: id, ...more };
  return { id, body: `${JSON.stringify(message).slice(0, -1)},${futureText.slice(1)}` };
}

function expectFuture(body: string | undefined): void {
  const message = parseJson(String(body));
  expect(message).toMatchObject(future);
  expect(Object.getOwnPropertyDescriptor(message, "__proto__")?.value).toEqual({ polluted: true });
  expect("polluted" in {}).toBe(false);
}

describe("fields that this version does not know", () => {
  it.each<[string, Partial<Message>, () => Promise<unknown>]>([
    [
      "a retry",
      {},
      async () => {
        isFailing = true;
        await queues.deliver();
      },
    ],
    ["a pause", {}, () => engine.app.control.pause("task", "fails").then(() => queues.deliver())],
    ["a requeue", { task: "requeues" }, () => queues.deliver()],
    ["the dead-letter queue", {}, () => queues.until(later(700), deadWorker)],
    ["a task that is not registered", { task: "unknown" }, () => queues.deliver()],
    ["a payload of a newer version", { payloadVersion: 2 }, () => queues.deliver()],
  ])("stay with the message through %s", async (_, more, way) => {
    isFailing = false;
    const { body } = aBody(more);
    queues.put("default", body);
    await way();
    await engine.app.control.resume("task", "fails");

    expect(queues.waiting).toHaveLength(1);
    expectFuture(queues.waiting[0]?.body);
  });

  it("stay with a message whose large payload goes to S3, and with its replay", async () => {
    isFailing = true;
    const { id, body } = aBody({ payload: { text: "t".repeat(20_000) } });
    queues.put("default", body);
    await queues.deliver();
    expect(queues.waiting).toHaveLength(1);
    expectFuture(queues.waiting[0]?.body);
    await queues.until(later(3600));

    const { status } = await bench.call("POST", `/tasks/${id}/replay`);
    expect(status).toBe(202);
    expectFuture(queues.waiting[0]?.body);
    expect((await bench.call("GET", `/tasks/${id}`)).body).not.toHaveProperty("others");
  });

  it("stay within the fields that are known", () => {
    const at = later(5).toISOString();
    const marks = {
      schedule: { name: "a", at, late: true },
      workflow: { id: newId(), place: "0", lane: 3 },
      slot: { at, rateLimit: "1/s", shard: 1 },
      debounce: { key: "a", burst: newId(), size: 2 },
    };

    expect(decodeMessage(aBody(marks).body)).toMatchObject(marks);
  });

  it("may have 200 KB together, also in a timer, and are refused in a sentence beyond 256", async () => {
    isFailing = false;
    const { id, body } = aBody({ note: "n".repeat(200_000) });
    const message = decodeMessage(body);
    const eta = later(3600);
    await engine.app.timers.put({ ...message, eta: eta.toISOString() }, eta);
    expectFuture(queues.waiting[0]?.body);
    await queues.until(later(3700));
    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS" });

    queues.put("default", aBody({ note: "n".repeat(300_000) }).body);
    await queues.deliver();
    expect(engine.logged.at(-1)).toMatchObject({
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining("expected at most 262144") },
    });
  });
});

describe("a message of a task that no module exports", () => {
  const nobody = createWorker([{ file: "other.ts", exports: { requeues } }], engine.app);

  it("waits for a deployment that may bring its task, and becomes a FAILURE 15 minutes after the first look", async () => {
    const { id } = await fails.delay({});
    await queues.until(later(840), nobody);
    expect(queues.waiting).toMatchObject([{ queue: "default", receiveCount: 0 }]);
    expect(await recordOf(id)).toMatchObject({ state: "PENDING", error: { code: "TASK_NOT_REGISTERED" } });

    await queues.until(later(1200), nobody);
    expect(queues.waiting).toEqual([]);
    expect(await recordOf(id)).toMatchObject({ state: "FAILURE", error: { code: "TASK_NOT_REGISTERED" } });
  });

  it("runs when the deployment has come", async () => {
    isFailing = false;
    const { id } = await fails.delay({});
    await queues.until(later(300), nobody);
    await queues.until(later(300));

    expect(await recordOf(id)).toMatchObject({ state: "SUCCESS", attempt: 1 });
  });
});

describe("a message of a newer version of Lovage", () => {
  it("goes back to its queue as it is, uses up no receive, and its record says what it waits for", async () => {
    const { id } = await fails.delay({});
    queues.clear();
    engine.logged.length = 0;
    const { body } = aBody({ v: 2 as never, id, rootId: id, queue: "default" });
    queues.put("default", body);
    await queues.until(later(1200));

    expect(queues.waiting).toMatchObject([{ queue: "default", receiveCount: 0 }]);
    expectFuture(queues.waiting[0]?.body);
    expect(parseJson(String(queues.waiting[0]?.body))).toMatchObject({ v: 2, id, newerSince: expect.any(String) });
    expect(await recordOf(id)).toMatchObject({ state: "PENDING", error: { code: "MESSAGE_NEWER" } });
    expect(engine.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("waits on a FIFO queue and in the dead-letter queue where it is", async () => {
    const { body } = aBody({ v: 2 as never, task: "ordered", queue: "fifo" });
    queues.put("fifo", body);
    await queues.until(later(3600));
    expect(queues.waiting).toMatchObject([{ queue: "fifo", body }]);

    queues.clear();
    queues.put("dead", body);
    await queues.until(later(3600));
    expect(queues.waiting).toMatchObject([{ queue: "dead", body }]);
  });

  it("is recorded as unreadable when it has waited for 13 days", async () => {
    const { body } = aBody({ v: 2 as never });
    const sqsId = queues.put("default", body);
    await queues.until(later(14 * 86_400));

    expect(queues.waiting).toEqual([]);
    const failures = await engine.app.results.list({ state: "FAILURE", limit: 5 });
    expect(failures.tasks[0]).toMatchObject({ task: "(unreadable)", error: { code: "MESSAGE_NEWER" } });
    expect(sqsId).toBeDefined();
  });

  it.each([0, -1, 1.5, "2", null, true])("is none if its version is %j: that ends as before", async (v) => {
    queues.put("default", aBody({ v: v as never }).body);
    await queues.deliver();

    expect(queues.waiting).toEqual([]);
    expect(engine.logged.at(-1)).toMatchObject({ level: "error", error: { code: "MESSAGE_INVALID" } });
  });

  it.each([0, -1, 1.5, 1e9, "2", null, [2], { n: 2 }])("says no payload version of %j", async (payloadVersion) => {
    queues.put("default", aBody({ payloadVersion: payloadVersion as never }).body);
    await queues.deliver();

    expect(queues.waiting).toEqual([]);
    expect(engine.logged.at(-1)).toMatchObject({
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining("a whole number from 1 to 10000") },
    });
  });
});

describe("what a newer version has stored", () => {
  it("is read as far as it is known: a record, a timer, a definition, a schedule entry", async () => {
    const { id } = await fails.delay({});
    await engine.table.update({ key: recordKey(id), set: { region: "eu", shards: 4 } });
    expect(await recordOf(id)).toMatchObject({ id, state: "PENDING" });

    const chain = {
      chain: [
        { task: "fails", payload: {} },
        { task: "fails", immutable: true, payload: {} },
      ],
    };
    const { body } = await bench.call("POST", "/workflows", chain);
    const workflow = String(body.id);
    const key = definitionKey(workflow);
    const item = await engine.table.get(key);
    const definition = Object(parseJson(String(item?.text)));
    definition.root.chain[1].weight = 5;
    definition.root.hedge = { after: 3 };
    definition.region = "eu";
    await engine.table.update({ key, set: { text: JSON.stringify(definition) } });
    isFailing = false;
    await queues.until(later(60));
    expect((await bench.call("GET", `/workflows/${workflow}`)).body).toMatchObject({ state: "SUCCESS" });
  });

  it("waits where it is, if nobody here can read it: a timer", async () => {
    const { body } = aBody({ v: 2 as never });
    const eta = later(-10);
    const key = timerKey(decodeMessage(aBody().body), eta);
    await engine.table.update({ key: WATERMARK_KEY, set: { day: dayOf(eta) } });
    await engine.table.update({ key, set: { body, eta: eta.toISOString(), ttl: later(86_400).getTime() / 1000 } });

    expect(await bench.sweep()).toMatchObject({ failed: 1 });
    expect(await engine.table.get(key)).toMatchObject({ body });
  });

  it("does not keep a key from being used: the call of this version is sent under the first one's id", async () => {
    const idempotencyKey = newId();
    const { id } = await fails.applyAsync({}, { idempotencyKey });
    const key = reservationKey("idempotency", "fails", idempotencyKey);
    const item = await engine.table.get(key);
    const newer = { ...Object(parseJson(String(item?.message))), v: 2 };
    await engine.table.update({ key, set: { message: JSON.stringify(newer) } });

    expect((await fails.applyAsync({}, { idempotencyKey })).id).toBe(id);
  });
});

it("is written as it was read", () => {
  const { body } = aBody();
  expectFuture(encodeMessage(decodeMessage(body)));
});
