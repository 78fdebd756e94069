import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { recordKey } from "../../../shared/table/keys.ts";
import { sendTask } from "../../../shared/task/send.ts";
import { uniqueName } from "../../helpers/engine.ts";
import { startVirtualBench } from "../../helpers/virtual-bench.ts";

let ran: string[] = [];

const DAY = 86_400;
const LARGE = "y".repeat(60_000);
const text = z.object({ text: z.string().default("") });

const note = task({ name: "note", payload: text, run: ({ text }) => void ran.push(text) });
const weekly = task({
  name: "weekly",
  payload: text,
  retry: { maxRetries: 7, backoff: { base: 7 * DAY, max: 7 * DAY, jitter: false } },
  run: ({ text }) => {
    ran.push(text);
    throw new Error("not yet");
  },
});
const far = task({
  name: "far",
  payload: text,
  run: ({ text }, { attempt, retry }) => {
    ran.push(text);
    throw attempt === 1 ? retry({ countdown: 100 * DAY }) : new Error("no");
  },
});
const complains = task({
  name: "complains",
  payload: text,
  run: (_, { retry }) => {
    throw retry({ countdown: 20 * DAY, cause: new Error(LARGE) });
  },
});
const stepwise = task({
  name: "stepwise",
  payload: text,
  run: async ({ text }, { attempt, once, retry }) => {
    await once("first", () => void ran.push("once"));
    if (attempt === 1) throw retry({ countdown: 1 });
    ran.push(text);
  },
});
const ordered = task({
  name: "ordered",
  payload: text.extend({ countdown: z.number().default(0) }),
  queue: "fifo",
  messageGroupId: "all",
  run: ({ text, countdown }, { attempt, retry }) => {
    ran.push(text);
    if (countdown > 0 && attempt === 1) throw retry({ countdown });
  },
});

const tasks = { note, weekly, far, complains, stepwise, ordered };

const { engine, bench, queues } = startVirtualBench(tasks);
beforeEach(() => {
  ran = [];
});

const inDays = (days: number) => new Date(engine.clock.now.getTime() + days * DAY * 1000);
const read = (id: string) => engine.app.results.read(id);
const refsOf = async (id: string) => (await read(id))?.refs ?? {};
const messageRefs = () =>
  queues.waiting.map(({ body }) => z.object({ payloadRef: z.object({ key: z.string() }) }).parse(JSON.parse(body)));
const replay = async (id: string) => {
  const { status, body } = await bench.call("POST", `/tasks/${id}/replay`);
  return { status, id: String(body.id) };
};

describe("a large payload", () => {
  it("is there for every retry, however many months they take, and for a replay after the last", async () => {
    const result = await weekly.delay({ text: LARGE });
    const first = (await refsOf(result.id)).payload?.key;
    await queues.deliver();
    for (let week = 1; week <= 7; week++) {
      // In the record as in the message: whoever sends it again after a crash has the record's.
      expect(messageRefs()).toMatchObject([{ payloadRef: { key: (await refsOf(result.id)).payload?.key } }]);
      await queues.until(inDays(7));
    }

    expect(ran.every((one) => one === LARGE)).toBe(true);
    expect(ran).toHaveLength(8);
    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: { code: "MAX_RETRIES_EXCEEDED" },
      payload: { text: LARGE },
    });
    const { payload } = await refsOf(result.id);
    expect(payload?.key).not.toBe(first);
    expect(Date.parse(payload?.until ?? "")).toBeGreaterThan(engine.clock.now.getTime());

    ran = [];
    const again = await replay(result.id);
    expect(again.status).toBe(202);
    await queues.deliver();
    expect(ran).toEqual([LARGE]);
  });

  it("is there after one long wait for a retry", async () => {
    const result = await far.delay({ text: LARGE });
    await queues.deliver();
    expect(messageRefs()).toMatchObject([{ payloadRef: { key: expect.stringContaining("claims/460d/") } }]);
    expect((await refsOf(result.id)).payload?.key).toContain("claims/460d/");
    await queues.until(inDays(100));

    expect(ran).toEqual([LARGE, LARGE]);
    expect(await result.fetch()).toMatchObject({ state: "FAILURE", payload: { text: LARGE } });
    expect((await replay(result.id)).status).toBe(202);
  });

  it("is there after a pause that was longer than its object would have lived", async () => {
    await bench.call("POST", "/tasks/note/pause");
    const result = await note.delay({ text: LARGE });
    const first = (await refsOf(result.id)).payload?.key;
    for (let look = 0; look < 11; look++) {
      await queues.deliver();
      await queues.jump(4 * DAY);
    }
    expect((await refsOf(result.id)).payload?.key).not.toBe(first);
    await bench.call("POST", "/tasks/note/resume");
    await queues.deliver();

    expect(ran).toEqual([LARGE]);
    expect(await result.fetch()).toMatchObject({ state: "SUCCESS", payload: { text: LARGE } });
  });
});

describe("a task that is put off for longer than anything is kept by itself", () => {
  it("runs once, with its payload and what it had done once, after a pause of 440 days", async () => {
    const result = await stepwise.delay({ text: LARGE });
    await queues.deliver();
    expect(ran).toEqual(["once"]);
    await bench.call("POST", "/tasks/stepwise/pause");
    for (let look = 0; look < 110; look++) {
      await queues.jump(4 * DAY);
      await queues.deliver();
    }
    await bench.call("POST", "/tasks/stepwise/resume");
    await queues.until(inDays(1));

    expect(ran).toEqual(["once", LARGE]);
    expect((await result.fetch()).state).toBe("SUCCESS");
    expect(queues.waiting).toEqual([]);
  });
});

describe("why a task will be retried", () => {
  it("can be read as long as it waits, however large it is", async () => {
    const result = await complains.delay({});
    await queues.deliver();
    const item = await engine.table.get(recordKey(result.id));
    const { error } = await refsOf(result.id);
    expect(Date.parse(error?.until ?? "")).toBeGreaterThanOrEqual(Number(item?.ttl) * 1000);

    await queues.jump(19 * DAY);
    expect(await result.fetch()).toMatchObject({ state: "RETRY", error: { message: LARGE } });
    await result.revoke();
  });
});

describe("a task that was revoked", () => {
  it.each([
    ["every four days", [4, 4, 4, 4, 4, 4]],
    // SQS keeps what was put off for 14 days: the record must be there until then.
    ["seldom", [4.9, 13.9]],
  ])("never runs, if a pause outlasts its record and it is looked at %s", async (_, days) => {
    await bench.call("POST", "/tasks/note/pause");
    const result = await note.delay({ text: "revoked" });
    await queues.deliver();
    await result.revoke();
    for (const [index, gap] of days.entries()) {
      await queues.jump(gap * DAY);
      if (index === days.length - 1) await bench.call("POST", "/tasks/note/resume");
      await queues.deliver();
    }

    expect(ran).toEqual([]);
    expect(queues.waiting).toEqual([]);
  });
});

describe("a task that has ended", () => {
  it("is not run again by a late copy of its message, though its record is not shown any more", async () => {
    // An upload has two messages: one when its file arrives, one for when that is late.
    const id = engine.app.newId();
    await sendTask(engine.app, note, { text: "upload" }, { options: { countdown: 3600 }, id });
    await sendTask(engine.app, note, { text: "upload" }, { id });
    await queues.deliver();
    expect(ran).toEqual(["upload"]);
    expect((await read(id))?.state).toBe("SUCCESS");

    await queues.jump(13 * DAY);
    expect(await read(id)).toBeUndefined();
    const { tasks: listed } = await engine.app.results.list({ from: inDays(-14) });
    expect(listed.map((one) => one.id)).not.toContain(id);
    await queues.deliver();
    expect(ran).toEqual(["upload"]);
    expect(queues.waiting).toEqual([]);
  });

  it("is not run again by a copy that was put off once more before SQS forgot it", async () => {
    const id = engine.app.newId();
    for (let copy = 0; copy < 2; copy++) {
      await sendTask(engine.app, note, { text: "upload" }, { id });
      if (copy === 0) await queues.deliver();
    }
    await bench.call("POST", "/tasks/note/pause");
    await queues.jump(4.9 * DAY);
    await queues.deliver();
    expect(queues.waiting).toHaveLength(1);
    await queues.jump(13.9 * DAY);
    await bench.call("POST", "/tasks/note/resume");
    await queues.deliver();

    expect(ran).toEqual(["upload"]);
    expect(queues.waiting).toEqual([]);
  });
});

describe("on a FIFO queue", () => {
  /** Delivers what is due to a worker that dies right after its claim. */
  const die = async (): Promise<void> => {
    const { results } = engine.app;
    engine.app.results = {
      ...results,
      async claim(...args) {
        await results.claim(...args);
        throw new Error("died");
      },
    };
    await queues.deliver();
    engine.app.results = results;
  };
  const pauseFor = async (days: number): Promise<void> => {
    await bench.call("POST", "/queues/fifo/pause");
    for (let look = 0; look < 2 * days; look++) {
      await queues.jump(0.5 * DAY);
      await queues.deliver();
    }
    await bench.call("POST", "/queues/fifo/resume");
  };

  it("a task whose worker died before a pause of two weeks runs soon after it, and its group goes on", async () => {
    const died = await ordered.delay({ text: "died" });
    const next = await ordered.delay({ text: "next" });
    await die();
    expect((await read(died.id))?.state).toBe("STARTED");
    await pauseFor(14);
    await queues.until(new Date(engine.clock.now.getTime() + 600_000));

    expect(ran.toSorted()).toEqual(["died", "next"]);
    expect([(await died.fetch()).state, (await next.fetch()).state]).toEqual(["SUCCESS", "SUCCESS"]);
    expect(queues.waiting).toEqual([]);
  });

  it("a task whose worker dies just before SQS forgets its message runs all the same, and once", async () => {
    const died = await ordered.delay({ text: "died" });
    await queues.jump(13.9995 * DAY);
    await die();
    await queues.jump(3600);
    await queues.deliver();
    expect(ran).not.toContain("died");
    await queues.until(inDays(1));

    expect(ran).toEqual(["died"]);
    expect((await died.fetch()).state).toBe("SUCCESS");
    expect(queues.waiting).toEqual([]);
  });

  it("a retry that SQS would not keep its message for is refused with a sentence", async () => {
    const [longest, tooLong] = [12 * DAY, 12 * DAY + 1];
    const result = await ordered.delay({ text: "a", countdown: tooLong });
    await queues.deliver();
    expect((await result.fetch()).error?.message).toBe(
      `Option 'countdown' has the value ${tooLong}: expected 0 to ${longest} seconds.`,
    );

    ran = [];
    const patient = await ordered.delay({ text: "b", countdown: longest });
    await queues.until(inDays(12.5));
    expect(ran).toEqual(["b", "b"]);
    expect((await patient.fetch()).state).toBe("SUCCESS");
  });

  it("what waits for longer than SQS keeps a message is sent again, and runs", async () => {
    await bench.call("POST", "/queues/fifo/pause");
    const result = await ordered.delay({ text: uniqueName("text") });
    for (let look = 0; look < 40; look++) {
      await queues.deliver();
      await queues.jump(0.5 * DAY);
    }
    await bench.call("POST", "/queues/fifo/resume");
    await queues.deliver();

    expect(ran).toHaveLength(1);
    expect((await result.fetch()).state).toBe("SUCCESS");
  });
});
