import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { Table } from "../../../shared/aws/dynamodb.ts";
import { createCounts } from "../../../shared/counts/counts.ts";
import { createTick, createWorker, task } from "../../../shared/index.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let runs = 0;
const works = task({
  name: "works",
  payload: z.object({ takes: z.number().default(0) }),
  run: ({ takes }) => {
    engine.clock.now = new Date(engine.clock.now.getTime() + takes);
  },
});
const fails = task({
  name: "fails",
  payload: z.object({}),
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: () => {
    runs += 1;
    throw new Error("always");
  },
});

const tasks = { works, fails };
const { engine, bench, queues } = startVirtualBench(tasks);
const modules = [{ file: "tests.ts", exports: tasks }];

/** Each test has an hour of its own, at the begin of which it starts. */
let hour = Math.floor(Date.now() / HOUR) * HOUR - 100 * HOUR;
beforeEach(() => {
  hour += 4 * HOUR;
  engine.clock.now = new Date(hour);
});
const moveTo = (minutes: number, seconds = 0): void => {
  engine.clock.now = new Date(hour + minutes * MINUTE + seconds * 1000);
};

/** An app whose counts are its own, as those of a process are, and the calls that they make. */
function newProcess() {
  const writes: string[] = [];
  let isDown = false;
  const table: Table = {
    ...engine.table,
    update: (change) => {
      if (!change.key.pk.startsWith("counts#")) return engine.table.update(change);
      if (isDown) return Promise.reject(new Error("The table does not answer."));
      writes.push(change.key.sk.slice(11, 16));
      return engine.table.update(change);
    },
  };
  const app = engine.appOn(table);
  const { counts } = app;
  return {
    app,
    counts,
    writes,
    note: (name: string, state = "SUCCESS", times = { waitMilliseconds: 10, runMilliseconds: 20 }) =>
      counts.note({ task: name, state, times }),
    setDown: (down: boolean) => {
      isDown = down;
    },
  };
}

const points = async (step: "minute" | "hour", hours = 1) => {
  const found = await engine.app.counts.read({ from: new Date(hour), to: new Date(hour + hours * HOUR), step });
  return found.map(({ at, task: name, state, count }) => `${at.slice(11, 16)} ${name} ${state} ${count}`);
};

describe("counts", () => {
  it("tell of each task and retry when it ended, how long it waited and how long it ran", async () => {
    const sent = await Promise.all([works.delay({ takes: 200 }), works.delay({ takes: 300 })]);
    const revoked = await works.applyAsync({}, { countdown: 600 });
    await fails.delay({});
    await engine.app.results.requestRevoke(revoked.id, { name: "Error", message: "no more" });
    moveTo(2);
    await queues.deliver();
    expect(runs).toBe(2);
    moveTo(3);
    await engine.app.counts.flush();

    expect(await Promise.all(sent.map(async ({ id }) => (await engine.app.results.read(id))?.state))).toEqual([
      "SUCCESS",
      "SUCCESS",
    ]);
    const { body } = await bench.call("GET", `/counts?from=${new Date(hour).toISOString()}`);
    expect(body).toMatchObject({ step: "minute", from: new Date(hour).toISOString() });
    const rows = z.array(z.looseObject({ task: z.string(), state: z.string() })).parse(body.points);
    expect(rows.map(({ at, task: name, state, count }) => [String(at).slice(14, 16), name, state, count])).toEqual([
      ["00", "works", "REVOKED", 1],
      ["02", "fails", "FAILURE", 1],
      ["02", "fails", "RETRY", 1],
      ["02", "works", "SUCCESS", 2],
    ]);
    const success = rows.find(({ state }) => state === "SUCCESS");
    expect(success).toMatchObject({ runs: 2, waitMilliseconds: { max: expect.any(Number) } });
    expect(Object(success?.waitMilliseconds).sum).toBeGreaterThanOrEqual(2 * 2 * MINUTE);
    expect(Object(success?.runMilliseconds).max).toBeGreaterThanOrEqual(300);
    expect(rows.find(({ state }) => state === "REVOKED")).toMatchObject({ runs: 0 });
  });

  it("are added up by state, or by task, when they are asked to", async () => {
    const { note, counts } = newProcess();
    for (const [minute, name, state] of [
      [0, "a", "SUCCESS"],
      [0, "b", "SUCCESS"],
      [1, "b", "FAILURE"],
      [1, "b", "SUCCESS"],
    ] as const) {
      moveTo(minute);
      note(name, state);
    }
    moveTo(3);
    await counts.flush();

    const from = new Date(hour).toISOString();
    const ask = async (by: string) =>
      z.array(z.unknown()).parse((await bench.call("GET", `/counts?from=${from}&by=${by}`)).body.points);
    const [twenty, ten] = [
      { sum: 40, max: 20 },
      { sum: 20, max: 10 },
    ];
    const states = await ask("state");
    expect(states).toHaveLength(3);
    expect(states[0]).toEqual({
      at: from,
      state: "SUCCESS",
      count: 2,
      runs: 2,
      waitMilliseconds: ten,
      runMilliseconds: twenty,
    });
    const tasks = await ask("task");
    expect(tasks).toHaveLength(3);
    expect(tasks).toContainEqual({
      task: "b",
      state: "SUCCESS",
      count: 2,
      runs: 2,
      waitMilliseconds: ten,
      runMilliseconds: twenty,
    });
    for (const row of tasks) expect(row).not.toHaveProperty("at");
    expect(await bench.call("GET", "/counts?by=queue")).toMatchObject({ status: 422 });
  });

  it("are written at the first end of a process, once more soon after, and then once a minute, whatever it runs", async () => {
    const { note, counts, writes } = newProcess();
    for (let second = 0; second < 180; second += 10) {
      moveTo(0, second);
      note("a");
      await counts.flush();
    }

    expect(writes).toHaveLength(4);
    // The rest of the last minute, after the write, is with the process still.
    expect(await points("minute")).toEqual(["00:00 a SUCCESS 6", "00:01 a SUCCESS 6", "00:02 a SUCCESS 1"].map(atHour));
  });

  it("of a burst are written when its backlog is worked off", async () => {
    const { note, counts, writes } = newProcess();
    note("a");
    await counts.flush();
    for (let batch = 0; batch < 24; batch += 1) {
      for (let end = 0; end < 10; end += 1) note("a");
      await counts.flush(true);
    }
    note("a");
    await counts.flush(false);

    expect(writes).toHaveLength(2);
    expect(await points("minute")).toEqual(["00:00 a SUCCESS 242"].map(atHour));
  });

  it("are never more than one write a minute and one, however the batches come", async () => {
    const { note, counts, writes } = newProcess();
    for (let second = 0; second < 600; second += 1) {
      moveTo(0, second);
      note("a");
      await counts.flush(second % 3 === 0);
    }
    expect(writes).toHaveLength(11);
  });

  it("are written by a process that is not frozen without a further batch", async () => {
    const waits: [number, () => void][] = [];
    const { log, newId } = engine.app;
    const counts = createCounts({
      table: engine.table,
      clock: () => engine.clock.now,
      newId,
      log,
      later: (milliseconds, act) => waits.push([milliseconds, act]),
    });
    const end = async (second: number): Promise<void> => {
      moveTo(0, second);
      counts.note({ task: "a", state: "SUCCESS" });
      await counts.flush();
    };
    for (const second of [0, 1, 2]) await end(second);
    expect(waits.map(([milliseconds]) => milliseconds)).toEqual([2001]);
    moveTo(0, 4);
    for (const [, act] of waits.splice(0)) act();
    await expect.poll(() => points("minute")).toEqual(["00:00 a SUCCESS 3"].map(atHour));

    await end(5);
    expect(waits.map(([milliseconds]) => milliseconds)).toEqual([55_001]);
  });

  it("of several processes add up", async () => {
    const [one, other] = [newProcess(), newProcess()];
    for (const each of [one, other]) {
      each.note("a");
      each.note("b", "FAILURE");
      await each.counts.flush();
    }

    expect(await points("minute")).toEqual(["00:00 a SUCCESS 2", "00:00 b FAILURE 2"].map(atHour));
  });

  it("that could not be written are written later, and the log says it", async () => {
    const { note, counts, setDown } = newProcess();
    setDown(true);
    note("a");
    await counts.flush();
    setDown(false);
    moveTo(1);
    note("a");
    await counts.flush();

    expect(engine.logged).toContainEqual(
      expect.objectContaining({ level: "warn", message: expect.stringContaining("Counts") }),
    );
    expect(await points("minute")).toEqual(["00:00 a SUCCESS 1", "00:01 a SUCCESS 1"].map(atHour));
  });

  it("of a process that was frozen stand at the minute when they ended", async () => {
    const { note, counts } = newProcess();
    note("a");
    await counts.flush();
    note("a");
    moveTo(125);
    note("a");
    await counts.flush();

    expect(await points("minute", 3)).toEqual(["00:00 a SUCCESS 2", "02:05 a SUCCESS 1"].map(atHour));
  });

  it("of hours are the same before and after they are added up", async () => {
    const { note, counts } = newProcess();
    for (const minute of [1, 59, 60, 119]) {
      moveTo(minute);
      note("a");
      await counts.flush();
    }
    const before = await points("hour", 3);
    moveTo(125);
    for (const process of [newProcess(), newProcess()]) await process.counts.rollUp(engine.clock.now);

    expect(before).toEqual(["00:00 a SUCCESS 2", "01:00 a SUCCESS 2"].map(atHour));
    expect(await points("hour", 3)).toEqual(before);
  });

  it("are added up by the tick, so that an hour is one item", async () => {
    const { app, note, counts, writes } = newProcess();
    note("a");
    await counts.flush();
    writes.length = 0;
    const tick = createTick([], app);
    const context = { getRemainingTimeInMillis: () => 30_000 };
    for (const minute of [64, 65, 66]) {
      moveTo(minute);
      await tick({ scheduledTime: engine.clock.now.toISOString() }, context);
    }

    expect(writes).toHaveLength(2);
  });

  it("come with the end of a worker's batch", async () => {
    const { app, writes } = newProcess();
    await works.delay({});
    await queues.deliver(createWorker(modules, app));

    expect(writes).toHaveLength(1);
  });
});

describe("GET /counts", () => {
  it("is cut after a whole minute, and goes on there", async () => {
    const { note, counts } = newProcess();
    for (const minute of [0, 1, 2, 3, 4, 5]) {
      moveTo(minute);
      for (let name = 0; name < 999; name++) note(`task_${name}`);
      await counts.flush();
    }
    moveTo(10);
    const page = z.object({ points: z.array(z.looseObject({ at: z.string() })), cursor: z.string().optional() });
    const first = page.parse((await bench.call("GET", "/counts")).body);
    const second = page.parse((await bench.call("GET", `/counts?from=${first.cursor}`)).body);

    expect(first.points).toHaveLength(4995);
    expect(first.cursor).toBe(new Date(hour + 5 * MINUTE).toISOString());
    expect(second).toMatchObject({ points: { length: 999 } });
    expect(second.cursor).toBeUndefined();
  });

  it.each([
    ["step=day", "minute, hour"],
    ["from=2026-01-02&to=2026-01-01", "a time before 'to'"],
    ["from=2026-01-01&to=2026-01-03", "at most 24 hours"],
    ["step=hour&from=2026-01-01&to=2026-02-01", "at most 192 hours"],
    ["queue=default", "Query parameter"],
  ])("refuses ?%s", async (query, sentence) => {
    const { status, body } = await bench.call("GET", `/counts?${query}`);

    expect(status).toBe(422);
    expect(body.detail).toContain(sentence);
  });

  it("shows one task alone", async () => {
    const { note, counts } = newProcess();
    note("a");
    note("b");
    await counts.flush();
    moveTo(1);

    expect((await bench.call("GET", "/counts?task=b")).body.points).toMatchObject([{ task: "b" }]);
  });
});

/** The clock of a test's hour, as texts show it. */
function atHour(text: string): string {
  const at = new Date(hour + Number(text.slice(0, 2)) * HOUR + Number(text.slice(3, 5)) * MINUTE);
  return at.toISOString().slice(11, 16) + text.slice(5);
}
