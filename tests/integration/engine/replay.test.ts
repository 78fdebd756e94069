import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { ResultStoreError, task } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

let broken = true;
let runs: number[] = [];

const order = task({
  name: "order",
  payload: z.object({ order: z.number() }),
  run: ({ order }) => {
    runs.push(order);
    if (broken) throw new Error("the shop is closed");
    return order;
  },
});
const silent = task({
  name: "silent",
  payload: z.object({}),
  ignoreResult: true,
  run: () => {
    runs.push(0);
    if (broken) throw new Error("the shop is closed");
  },
});
const tasks = { order, silent };

const { engine, bench, queues } = startVirtualBench(tasks);
let from: string;
beforeEach(() => {
  // Each test has a day of its own, so that a redrive finds nothing else.
  engine.clock.now = new Date(engine.clock.now.getTime() + 30 * 86_400_000);
  from = engine.clock.now.toISOString();
  [runs, broken] = [[], true];
});

const read = async (id: string) => (await bench.call("GET", `/tasks/${id}`)).body;
const replay = (id: string, body?: unknown) => bench.call("POST", `/tasks/${id}/replay`, body);
const redrive = (body: object = {}) => bench.call("POST", "/queues/default/redrive", { from, rate: 1000, ...body });
const sent = () => queues.waiting.length;

/** An order that has failed. */
async function failed(number: number): Promise<string> {
  broken = true;
  engine.clock.now = new Date(engine.clock.now.getTime() + 1000);
  const { id } = await order.delay({ order: number });
  await queues.deliver();
  broken = false;
  runs = [];
  return id;
}

describe("one failure", () => {
  it("that was replayed by hand is not redriven: it runs once more, and its record names that run", async () => {
    const id = await failed(1);
    const { status, body } = await replay(id);
    await queues.deliver();
    const redriven = (await redrive()).body;
    await queues.deliver();

    expect([status, body]).toEqual([202, { id: body.id, task: "order", state: "PENDING", replayOf: id }]);
    expect(redriven).toMatchObject({
      redriven: 0,
      skipped: [
        { id, code: "ALREADY_REPLAYED", replayedBy: body.id, reason: expect.stringContaining(String(body.id)) },
      ],
    });
    expect(runs).toEqual([1]);
    expect(await read(id)).toMatchObject({ state: "FAILURE", replayedBy: body.id });
    expect(await read(String(body.id))).toMatchObject({ state: "SUCCESS", replayOf: id });
  });

  it("that was redriven is not replayed by hand: the answer is that run, as it is by now", async () => {
    const id = await failed(2);
    expect((await redrive()).body).toMatchObject({ redriven: 1, skipped: [] });
    await queues.deliver();
    const { status, body } = await replay(id);

    expect([status, body]).toMatchObject([202, { state: "SUCCESS", replayOf: id }]);
    expect(sent()).toBe(0);
    expect(runs).toEqual([2]);
    expect(await read(id)).toMatchObject({ replayedBy: body.id });
  });

  it("runs once however often replay is pressed, also when all press at once", async () => {
    const id = await failed(3);
    const answers = await Promise.all([replay(id), replay(id), replay(id, {}), redrive(), replay(id)]);
    await queues.deliver();

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(answers.flatMap(({ body }) => body.id ?? [])).size).toBe(1);
    expect(runs).toEqual([3]);
  });

  it("with another payload is one task for each payload, and a redrive leaves it alone", async () => {
    const id = await failed(4);
    const five = [await replay(id, { payload: { order: 5 } }), await replay(id, { payload: { order: 5 } })];
    const six = await replay(id, { payload: { order: 6 } });
    const redriven = (await redrive()).body;
    const own = [await replay(id, { payload: { order: 4 } }), await replay(id)];
    await queues.deliver();

    expect(five[0]?.body.id).toBe(five[1]?.body.id);
    expect(six.body.id).not.toBe(five[0]?.body.id);
    expect(redriven).toMatchObject({ redriven: 0, skipped: [{ id, replayedBy: six.body.id }] });
    // The old payload, spelled out, is no edit.
    expect(own[0]?.body.id).toBe(own[1]?.body.id);
    expect(runs.toSorted()).toEqual([4, 5, 6]);
  });

  it("of a replay is a failure of its own, which can be replayed in turn", async () => {
    const id = await failed(7);
    broken = true;
    const first = String((await replay(id)).body.id);
    await queues.deliver();
    expect((await replay(id)).body).toMatchObject({ id: first, state: "FAILURE" });
    broken = false;
    // The older is left alone, the newer is run.
    expect((await redrive()).body).toMatchObject({ redriven: 1, skipped: [{ id, replayedBy: first }] });
    await queues.deliver();

    const second = String((await read(first)).replayedBy);
    expect(await read(second)).toMatchObject({ state: "SUCCESS", replayOf: first });
    expect(runs).toEqual([7, 7]);
  });

  it("whose replay died before it was sent is sent by the next one, under the same id", async () => {
    const id = await failed(8);
    const { broker } = engine.app;
    engine.app.broker = { ...broker, send: () => Promise.reject(new Error("killed")) };
    expect((await replay(id)).status).toBe(500);
    engine.app.broker = broker;
    const named = (await read(id)).replayedBy;
    expect((await bench.call("GET", `/tasks/${named}`)).status).toBe(404);
    expect((await redrive()).body).toMatchObject({ redriven: 1, skipped: [] });
    await queues.deliver();

    expect((await replay(id)).body).toMatchObject({ id: named, state: "SUCCESS" });
    expect(runs).toEqual([8]);
  });

  it("keeps no trace of a replay that was refused", async () => {
    const id = await failed(9);
    expect((await replay(id, { payload: { order: "nine" } })).status).toBe(422);
    expect((await replay(id, { payload: null })).status).toBe(422);

    expect(await read(id)).not.toHaveProperty("replayedBy");
  });

  it("of a task that keeps no record before it starts runs once, too", async () => {
    const { id } = await silent.delay({});
    await queues.deliver();
    [runs, broken] = [[], false];
    const answers = [await replay(id), await replay(id)];
    await queues.deliver();

    expect(answers[0]?.body.id).toBe(answers[1]?.body.id);
    expect(runs).toEqual([0]);
  });
});

describe("what has not failed", () => {
  it("can be replayed when it was a success, once", async () => {
    broken = false;
    const { id } = await order.delay({ order: 1 });
    await queues.deliver();
    const again = [await replay(id), await replay(id)];
    await queues.deliver();

    expect(again[0]?.body.id).toBe(again[1]?.body.id);
    expect(runs).toEqual([1, 1]);
  });

  it("cannot while it waits or runs: it would run twice", async () => {
    const { id } = await order.delay({ order: 1 });

    expect(await replay(id)).toMatchObject({
      status: 409,
      body: { code: "TASK_UNFINISHED", detail: expect.stringContaining("is PENDING: expected one that has ended") },
    });
    expect(sent()).toBe(1);
  });
});

describe("a redrive", () => {
  it("counts what it sends, and `limit` counts the same: what was replayed before takes no place", async () => {
    const ids = [];
    for (let number = 1; number <= 6; number++) ids.push(await failed(number));
    // The newest three, which a redrive looks at first.
    for (const id of ids.slice(3)) await replay(id);
    queues.clear();
    const first = (await redrive({ limit: 2 })).body;
    const rest = (await redrive({ limit: 2, cursor: first.cursor })).body;

    expect(first).toMatchObject({ redriven: 2, cursor: expect.any(String) });
    expect(first.skipped).toHaveLength(3);
    expect(rest).toMatchObject({ redriven: 1, skipped: [] });
    expect(sent()).toBe(3);
  });

  it("gives no turn to what it does not send", async () => {
    const ids = [await failed(1), await failed(2), await failed(3)];
    await replay(ids[1] ?? "");
    queues.clear();
    await redrive({ rate: 0.1 });
    const dues = queues.waiting.map(({ visibleAt }) => Math.round((visibleAt - engine.clock.now.getTime()) / 1000));

    expect(dues.toSorted()).toEqual([0, 10]);
  });

  it.each([1e-300, Number.MIN_VALUE, 1e-7, 0, -1, 1001, "fast", null])(
    "refuses a rate of %s before it sends anything",
    async (rate) => {
      await failed(1);
      const answer = await redrive({ rate });

      expect(answer).toMatchObject({
        status: 422,
        body: { code: "OPTION_INVALID", detail: expect.stringContaining("1000") },
      });
      expect(sent()).toBe(0);
    },
  );

  it("takes the lowest rate that it names", async () => {
    const id = await failed(1);
    const { detail } = (await redrive({ rate: 1e-300 })).body;
    const least = Number(/from ([\d.e-]+) to 1000 a second/.exec(String(detail))?.[1]);

    expect(least).toBeGreaterThan(0);
    expect((await redrive({ rate: least })).body).toMatchObject({ redriven: 1, skipped: [] });
    expect(await read(id)).toHaveProperty("replayedBy");
  });

  it.each([
    "x",
    "",
    "01a20545-3078-75ef-b431-9dde9371f6cf",
    "01a20545-3078-75ef-b431-9dde9371f6cf~",
    "01a20545-3078-75ef-b431-9dde9371f6cf~soon",
    "01a20545-3078-75ef-b431-9dde9371f6cf~+275760-09-13T00:00:00.000Z",
    "01a20545-3078-75ef-b431-9dde9371f6cf~9999-12-31T23:59:59.999Z",
    "01a20545-3078-75ef-b431-9dde9371f6cf~2026-13-45T00:00:00.000Z",
    "01a20545-3078-75ef-b431-9dde9371f6cf~2026-01-01T00:00:00.000Z~",
    "01a20545-3078-45ef-b431-9dde9371f6cf~2026-01-01T00:00:00.000Z",
    "9".repeat(100_000),
  ])("refuses a forged cursor, %s, briefly", async (cursor) => {
    const { status, body } = await redrive({ cursor });

    expect([status, body.code]).toEqual([422, "OPTION_INVALID"]);
    expect(String(body.detail).length).toBeLessThan(400);
  });

  it.each(["ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-7000-8000-000000000000"])(
    "takes an id of any time in a cursor, as in %s",
    async (id) => {
      expect((await redrive({ cursor: `${id}~2026-01-01T00:00:00.000Z` })).status).toBe(202);
    },
  );

  it("goes on when one cannot be sent, and says which", async () => {
    for (let number = 1; number <= 4; number++) await failed(number);
    const { broker } = engine.app;
    let sends = 0;
    engine.app.broker = {
      ...broker,
      send: (...message) => (sends++ === 0 ? Promise.reject(new Error("arn:aws:sqs: no")) : broker.send(...message)),
    };
    const { body } = await redrive({ limit: 3 });
    engine.app.broker = broker;

    expect(body).toMatchObject({
      redriven: 3,
      skipped: [{ id: expect.any(String), code: "INTERNAL", reason: expect.stringContaining("in the service's log") }],
    });
    expect(sent()).toBe(3);
    // Asked again, it sends what is left, under the id that was named.
    expect((await redrive()).body).toMatchObject({ redriven: 1 });
  });

  it("that is broken off answers with what it did, and its cursor goes on from there", async () => {
    for (let number = 1; number <= 2; number++) await failed(number);
    const third = await failed(3);
    await failed(4);
    await replay(third);
    queues.clear();
    const { queryPage } = engine.table;
    let queries = 0;
    // The second page of the list fails.
    engine.table.queryPage = (asked) =>
      asked.pk.startsWith("task#") && ++queries > 16 ? Promise.reject(new Error("no")) : queryPage(asked);
    const first = (await redrive({ limit: 2 })).body;
    engine.table.queryPage = queryPage;
    const rest = (await redrive({ cursor: first.cursor })).body;

    expect(first).toMatchObject({ redriven: 1, stopped: { code: "INTERNAL" }, cursor: expect.any(String) });
    expect(first.skipped).toHaveLength(1);
    expect(rest).toMatchObject({ redriven: 2, skipped: [] });
    expect(sent()).toBe(3);
  });

  it("counts a task that was sent without its record", async () => {
    await failed(1);
    const { results } = engine.app;
    engine.app.results = {
      ...results,
      pending: (message) => Promise.reject(new ResultStoreError(message.task, message.id, new Error("no"))),
    };
    const { body } = await redrive();
    engine.app.results = results;

    expect(body).toMatchObject({ redriven: 1, skipped: [] });
    expect(sent()).toBe(1);
  });

  it("of a task that does not exist is a 404 with those that do", async () => {
    expect(await redrive({ task: "ordre" })).toMatchObject({
      status: 404,
      body: { code: "TASK_NOT_REGISTERED", detail: expect.stringContaining("'order'") },
    });
  });
});

describe("a body that is optional", () => {
  it.each(["null", "0", "false", '""', "[]", '"x"', "[null]"])("may be left out, but may not be %s", async (text) => {
    const id = await failed(1);
    for (const path of [`/tasks/${id}/replay`, "/queues/default/redrive"]) {
      expect(await bench.call("POST", path, JSON.parse(text))).toMatchObject({
        status: 400,
        body: { code: "BODY_INVALID", detail: expect.stringContaining("not an object") },
      });
    }
    expect(sent()).toBe(0);
    expect((await bench.call("POST", `/tasks/${id}/replay`)).status).toBe(202);
  });
});
