import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { newId } from "../../../shared/message/id.ts";
import { recordKey } from "../../../shared/table/keys.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: unknown[] = [];
const payload = z.object({ text: z.string(), n: z.number().optional() });

const note = task({ name: "note", payload, run: (given) => void ran.push(given) });
const other = task({ name: "other", payload, run: () => void ran.push("other") });
const quiet = task({ name: "quiet", payload, ignoreResult: true, run: (given) => void ran.push(given) });
const loose = task({ name: "loose", payload, trackStarted: false, run: (given) => void ran.push(given) });

const { engine, bench } = await startBench({ note, other, quiet, loose }, visibility(1, "DefaultQueue"));

beforeEach(() => {
  engine.clock.now = new Date();
  ran = [];
});

const send = (name: string, body: unknown) => bench.call("POST", `/tasks/${name}`, body);

/** Runs all messages that were sent, and sees that none is kept. */
async function workAll(): Promise<void> {
  expect(await bench.work()).toEqual([]);
}

describe("an id that the caller has made", () => {
  it.each([
    ["note", true],
    ["quiet", true],
    // Without a claim, two messages at the same time are two runs.
    ["loose", false],
  ])("makes repeated sends one task, with its state as the answer: %s", async (name, atOnce) => {
    const id = newId();
    const first = await send(name, { id, payload: { text: "a", n: 1 } });
    const again = atOnce ? await send(name, { id, payload: { n: 1, text: "a" } }) : first;
    await workAll();
    const later = await send(name, { id, payload: { text: "a", n: 1 } });
    await workAll();

    expect([first, again, later]).toMatchObject([
      { status: 202, body: { id, state: "PENDING" } },
      { status: 202, body: { id, state: "PENDING" } },
      { status: 202, body: { id, state: "SUCCESS" } },
    ]);
    expect(ran).toEqual([{ text: "a", n: 1 }]);
  });

  it.each([
    ["note", "before it has run", false],
    ["note", "after it has run", true],
    ["quiet", "before it has run", false],
    ["loose", "before it has run", false],
    ["loose", "after it has run", true],
  ])("refuses another content, of which nothing is run: %s, %s", async (name, _when, isDone) => {
    const id = newId();
    await send(name, { id, payload: { text: "first" } });
    if (isDone) await workAll();
    const another = await send(name, { id, payload: { text: "second" } });
    const elsewhere = await send("other", { id, payload: { text: "first" } });
    await workAll();

    expect([another, elsewhere]).toMatchObject([
      { status: 409, body: { code: "ID_REUSED" } },
      { status: 409, body: { code: "ID_REUSED" } },
    ]);
    expect(ran).toEqual([{ text: "first" }]);
    expect(await engine.app.results.read(id)).toMatchObject({ state: "SUCCESS", task: name });
    expect(engine.logged.filter((line) => line.code === "ID_REUSED").map((line) => line.id)).toContain(id);
  });

  it("keeps the payload of the first, also a large one", async () => {
    const id = newId();
    await send("note", { id, payload: { text: "1".repeat(20_000) } });
    const second = await send("note", { id, payload: { text: "2".repeat(20_000) } });
    const again = await send("note", { id, payload: { text: "1".repeat(20_000) } });
    await workAll();

    expect([second.status, again.status]).toEqual([409, 202]);
    expect(ran).toEqual([{ text: "1".repeat(20_000) }]);
  });

  it("does not end the task of another by an expiry", async () => {
    const id = newId();
    await send("note", { id, payload: { text: "first" }, options: { countdown: 2 } });
    const hasty = await send("note", { id, payload: { text: "hasty" }, options: { expires: 0.01 } });
    engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
    await bench.work();

    expect(hasty.status).toBe(409);
    expect(await engine.app.results.read(id)).toMatchObject({ state: "PENDING" });
    await bench.workUntilFinal(id);
    expect(ran).toEqual([{ text: "first" }]);
  });

  it("finds a task that has its id from elsewhere by its content", async () => {
    const result = await note.delay({ text: "own" });
    expect(await send("note", { id: result.id, payload: { text: "else" } })).toMatchObject({ status: 409 });
    expect(await send("note", { id: result.id, payload: { text: "own" } })).toMatchObject({ status: 202 });
    await workAll();

    expect(ran).toEqual([{ text: "own" }]);
  });

  it("is run once more by whom a worker of an older version has left it", async () => {
    const id = newId();
    await send("note", { id, payload: { text: "old" } });
    await engine.table.update({ key: recordKey(id), remove: ["contentHash"] });
    await workAll();

    expect(ran).toEqual([{ text: "old" }]);
  });

  it.each([
    ["no UUID", "7"],
    ["a UUID of version 4", "3f0b3c3e-7d1e-4b7a-8a53-0c1f0a3b2c1d"],
    ["in capitals", newId().toUpperCase()],
    ["older than a day", "01900000-3078-75ef-b431-9dde9371f6cf"],
    ["a day ahead", "02b00000-3078-75ef-b431-9dde9371f6cf"],
    ["a number", 7],
  ])("is refused when it is %s", async (_kind, id) => {
    expect(await send("note", { id, payload: { text: "x" } })).toMatchObject({
      status: 422,
      body: { code: "OPTION_INVALID", detail: expect.stringContaining("version 7") },
    });
  });

  it.each([{ idempotencyKey: "k" }, { throttle: { key: "k", period: 1 } }, { debounce: { key: "k", wait: 1 } }])(
    "is refused beside %o",
    async (options) => {
      expect(await send("note", { id: newId(), payload: { text: "x" }, options })).toMatchObject({
        status: 422,
        body: { code: "OPTION_INVALID" },
      });
    },
  );
});
