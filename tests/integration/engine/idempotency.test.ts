import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { reservationKey } from "../../../shared/table/keys.ts";
import { orderTask } from "../../fixtures/order.ts";
import { uniqueName, visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: unknown[] = [];

const order = orderTask((payload) => void ran.push(payload));

const fails = task({
  name: "fails",
  payload: z.object({ text: z.string() }),
  run: ({ text }) => {
    ran.push(text);
    throw new Error("no such customer");
  },
});

const hasty = task({ name: "hasty", payload: z.object({}), expires: 0.5, run: () => void ran.push("hasty") });

const patient = task({ name: "patient", payload: z.object({}), run: () => void ran.push("patient") });

const note = task({
  name: "note",
  payload: z.object({ text: z.string() }),
  run: ({ text }, { headers }) => void ran.push(`${text} of ${headers.from}`),
});

const tasks = { order, fails, hasty, patient, note };

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

beforeEach(() => {
  engine.clock.now = new Date();
  ran = [];
});

const record = (id: unknown) => engine.app.results.read(String(id));

describe("an idempotency key", () => {
  const payload = { id: 7, lines: [{ sku: "a", n: 1 }] };
  const turned = { lines: [{ n: 1, sku: "a" }], id: 7 };
  const submit = (body: unknown, idempotencyKey: string) =>
    bench.call("POST", "/tasks/order", { payload: body, options: { idempotencyKey } });

  it("finds the same payload in whatever order its fields stand, and another one in another order of a list", async () => {
    const key = uniqueName("key");
    const [first, second] = [await submit(payload, key), await submit(turned, key)];
    const other = await submit({ ...payload, lines: [...payload.lines, { sku: "b", n: 1 }] }, key);
    await bench.work();

    expect([first.status, second.status, other.status]).toEqual([202, 202, 409]);
    expect(second.body.id).toBe(first.body.id);
    expect(ran).toEqual([payload]);
  });

  it("is understood by the version before and after, which know the payload by its text", async () => {
    const key = uniqueName("key");
    const hash = createHash("sha256").update(JSON.stringify(turned)).digest("base64");
    const { body } = await submit(turned, key);
    const item = await engine.table.get(reservationKey("idempotency", "order", key));
    expect(item).toMatchObject({ payloadHash: hash });
    await engine.table.update({
      key: reservationKey("idempotency", "order", key),
      remove: ["sortedHash"],
    });

    expect(await submit(turned, key)).toMatchObject({ status: 202, body: { id: body.id } });
    expect((await submit({ ...turned, id: 8 }, key)).status).toBe(409);
    await bench.work();
  });

  it.each([
    ["idempotency key", (key: string) => ({ idempotencyKey: key })],
    ["throttle", (key: string) => ({ throttle: { key, period: 3600 } })],
  ])("or throttle whose task has failed keeps that answer, and says so: %s", async (_, options) => {
    const submitted = { payload: { text: "x" }, options: options(uniqueName("key")) };
    const first = await bench.call("POST", "/tasks/fails", submitted);
    await bench.work();
    const again = await bench.call("POST", "/tasks/fails", submitted);
    expect(first).toMatchObject({ status: 202, body: { state: "PENDING" } });
    expect(again).toMatchObject({ status: 202, body: { id: first.body.id, state: "FAILURE" } });
    expect(ran).toEqual(["x"]);

    const replayed = await bench.call("POST", `/tasks/${String(first.body.id)}/replay`);
    await bench.work();
    expect(replayed).toMatchObject({ status: 202, body: { replayOf: first.body.id } });
    expect(ran).toEqual(["x", "x"]);
  });

  it("whose task was revoked keeps it from coming back", async () => {
    const submitted = { payload, options: { idempotencyKey: uniqueName("key"), countdown: 600 } };
    const { body } = await bench.call("POST", "/tasks/order", submitted);
    await bench.call("DELETE", `/tasks/${String(body.id)}`);

    expect(await bench.call("POST", "/tasks/order", submitted)).toMatchObject({
      status: 202,
      body: { id: body.id, state: "REVOKED" },
    });
  });

  it("whose first sender died before it sent does not let the second one's 'expires' end the task before its start", async () => {
    const key = uniqueName("key");
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: () => Promise.reject(new Error("died")) };
    await expect(patient.applyAsync({}, { idempotencyKey: key, countdown: 2, expires: 60 })).rejects.toThrow("died");
    engine.app.broker = broker;
    const { id } = await patient.applyAsync({}, { idempotencyKey: key, expires: 1 });
    const found = await record(id);
    await bench.workUntilFinal(id);

    const [eta, expires] = [Date.parse(found?.eta ?? ""), Date.parse(found?.expires ?? "")];
    expect(expires - eta).toBe(58_000);
    expect(ran).toEqual(["patient"]);
  });
});

describe("a call that finds its key taken by one that is not recorded yet", () => {
  const large = (text: string) => text.repeat(20_000);

  it.each([
    ["small payloads under a throttle", "first", "second", { throttle: { key: uniqueName("key"), period: 60 } }],
    ["large payloads under a throttle", large("1"), large("2"), { throttle: { key: uniqueName("key"), period: 60 } }],
    ["small payloads under an idempotency key", "same", "same", { idempotencyKey: uniqueName("key") }],
    ["large payloads under an idempotency key", large("3"), large("3"), { idempotencyKey: uniqueName("key") }],
  ])("runs what the record shows, whichever message comes first: %s", async (_, one, other, key) => {
    const { results } = engine.app;
    let second: { id: string } | undefined;
    engine.app.results = {
      ...results,
      async pending(message) {
        engine.app.results = results;
        second = await note.applyAsync({ text: other }, { ...key, headers: { from: "second" }, tags: ["second"] });
        // The second one's message is run before the first one's record is written.
        await bench.work();
        return results.pending(message);
      },
    };
    const first = await note.applyAsync({ text: one }, { ...key, headers: { from: "first" }, tags: ["first"] });
    await bench.workUntilFinal(first.id);
    const shown = await first.fetch();

    expect(second?.id).toBe(first.id);
    expect(ran).toEqual([`${one} of first`]);
    expect(shown).toMatchObject({ payload: { text: one }, headers: { from: "first" }, tags: ["first"] });
  });

  it("sends its own, if an older version of Lovage has taken the key and left the message of a task before", async () => {
    const key = uniqueName("key");
    const before = await note.applyAsync({ text: "before" }, { throttle: { key, period: 60 } });
    const id = engine.app.newId();
    await engine.table.update({
      key: reservationKey("throttle", "note", key),
      set: { id },
    });
    const sent = await note.applyAsync({ text: "own" }, { throttle: { key, period: 60 }, headers: { from: "me" } });
    for (const one of [before, sent]) await bench.workUntilFinal(one.id);

    expect(sent.id).toBe(id);
    expect(ran).toContain("own of me");
  });

  it.each([
    ["a small payload", "first"],
    ["a large payload", large("1")],
  ])("sends the first call's message under a throttle, if its sender has died: %s", async (_, text) => {
    const throttle = { key: uniqueName("key"), period: 60 };
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: () => Promise.reject(new Error("died")) };
    await expect(note.applyAsync({ text }, { throttle, headers: { from: "first" } })).rejects.toThrow("died");
    engine.app.broker = broker;
    const { id } = await note.applyAsync({ text: "second" }, { throttle, headers: { from: "second" } });
    await bench.workUntilFinal(id);

    expect(ran).toEqual([`${text} of first`]);
    expect(await record(id)).toMatchObject({ state: "SUCCESS", headers: { from: "first" } });
  });
});

describe("a debounced call", () => {
  it("of a task whose own 'expires' is shorter than the wait expires that long after its start", async () => {
    const begin = engine.clock.now.getTime();
    const result = await hasty.applyAsync({}, { debounce: { key: uniqueName("key"), wait: 1 } });
    expect(await record(result.id)).toMatchObject({
      eta: new Date(begin + 1000).toISOString(),
      expires: new Date(begin + 1500).toISOString(),
    });
    engine.clock.now = new Date(begin + 1200);
    for (let round = 0; round < 10 && ran.length === 0; round++) await bench.work();

    expect(ran).toEqual(["hasty"]);
  });

  it("with an 'expires' that is over before its wait is the caller's 422", async () => {
    const options = { debounce: { key: "a", wait: 10 }, expires: 5 };

    expect(await bench.call("POST", "/tasks/patient", { payload: {}, options })).toMatchObject({
      status: 422,
      body: { code: "OPTION_INVALID", detail: expect.stringContaining("after the debounce's wait of 10 seconds") },
    });
  });
});
