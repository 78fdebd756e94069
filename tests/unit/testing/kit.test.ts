import { describe, expect, it } from "vitest";
import * as z from "zod";
import { beatSchedule, chord, crontab, every, mailer, Reject, schedules, task } from "../../../shared/index.ts";
import "../../../shared/testing/vitest.ts";
import { matchers, TasksFailedError, testApp } from "../../../shared/testing/index.ts";

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const sum = task({ name: "sum", payload: z.array(z.number()), run: (all) => all.reduce((a, b) => a + b, 0) });
const greet = task({
  name: "greet",
  payload: z.object({ to: z.string() }),
  run: ({ to }, ctx) => ctx.once("mail", () => mailer.send({ to, subject: "Hello", text: "Hello." }, ctx.id)),
});
const welcome = task({
  name: "welcome",
  payload: z.object({ to: z.string() }),
  async run({ to }) {
    await greet.applyAsync({ to }, { countdown: 86_400 });
  },
});
const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 3 },
  run({ failures }, { attempt }) {
    if (attempt <= failures) throw new Error(`attempt ${attempt} failed`);
    return attempt;
  },
});
const refused = task({
  name: "refused",
  run() {
    throw new Reject("not today");
  },
});
const daily = task({ name: "daily", run: () => "done" });
const limited = task({ name: "limited", rateLimit: "6/m", run: () => "done" });
const inOrder = task({
  name: "in_order",
  payload: z.object({ n: z.number() }),
  queue: "fifo",
  messageGroupId: () => "one",
  run: ({ n }) => n,
});
const schedule = beatSchedule({
  "every-morning": { task: daily, schedule: crontab({ hour: 8, minute: 0 }) },
  "every-ten-minutes": { task: limited, schedule: every({ minutes: 10 }), catchUp: "none" },
});
const tasks = { add, sum, greet, welcome, flaky, refused, daily, limited, inOrder };

describe("queues", () => {
  const mail = task({ name: "mail", queue: "bulk-mail", run: () => "sent" });
  const entry = task({ name: "entry", queue: "ledger", messageGroupId: () => "one", run: () => "booked" });

  it("are known by the tasks that name them, and FIFO queues by a word", async () => {
    const app = await testApp({ tasks: { mail, entry }, queues: { ledger: { fifo: true }, spare: {} } });
    await mail.delay();
    await entry.delay();
    await mail.applyAsync(undefined, { queue: "spare" });
    await app.drain();

    expect(app.sent().map(({ queue }) => queue)).toEqual(["bulk-mail", "ledger", "spare"]);
    expect(app.runs.map(({ result }) => result)).toHaveLength(3);
    expect(app.app.config.queueUrl("ledger")).toMatch(/\.fifo$/);
    await expect(mail.applyAsync(undefined, { queue: "other" })).rejects.toThrow(
      "expected one of the service's queues (default, bulk-mail, fifo, high, ledger, low, spare)",
    );
  });
});

describe("drain", () => {
  it("runs what is due and what that sends, and says what waits", async () => {
    const app = await testApp({ tasks });
    const { id } = await welcome.delay({ to: "a@example.com" });
    const drained = await app.drain();
    expect(drained).toMatchObject({
      ran: 1,
      waiting: [{ task: "greet", queue: "timer", at: new Date("2026-01-02T00:00:00Z") }],
    });
    expect(app.runs).toMatchObject([{ id, task: "welcome", attempt: 1, error: undefined }]);
    expect(app.outbox).toEqual([]);

    await app.advance("1 day");
    expect(app.outbox).toMatchObject([{ to: "a@example.com", subject: "Hello" }]);
    expect(app.now).toEqual(new Date("2026-01-02T00:00:00Z"));
  });

  it("throws for a task that ended as a FAILURE, with its error as the cause, unless asked not to", async () => {
    const app = await testApp({ tasks });
    await refused.delay();
    const failed = await app.drain().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(TasksFailedError);
    expect(failed).toMatchObject({ message: expect.stringContaining("not today"), cause: { message: "not today" } });
    // It is told once.
    await app.drain();

    await refused.delay();
    expect(await app.drain({ failures: "keep" })).toMatchObject({ ran: 1, waiting: [] });
  });

  it("keeps the order of a FIFO group", async () => {
    const app = await testApp({ tasks });
    for (const n of [1, 2, 3]) await inOrder.delay({ n });
    await app.drain();
    expect(app.runs.map(({ result }) => result)).toEqual([1, 2, 3]);
  });

  it("runs workflows to their end", async () => {
    const app = await testApp({ tasks });
    const members = Array.from({ length: 30 }, (_, n) => add.si({ x: n, y: 1 }));
    const result = await chord(members, sum.s()).delay();
    await app.drain();
    expect(await result.get()).toBe(465);
  });

  it("reads payloads that lie in the bucket", async () => {
    const app = await testApp({ tasks });
    const all = Array.from({ length: 5000 }, () => 1);
    const result = await sum.delay(all);
    await app.drain();
    expect(await result.get()).toBe(5000);
    expect(app.sent(sum)).toMatchObject([{ payload: all }]);
  });
});

describe("advance", () => {
  it("makes retries in their time", async () => {
    const app = await testApp({ tasks });
    const result = await flaky.delay({ failures: 2 });
    await app.drain();
    expect(app.runs).toHaveLength(1);
    await app.advance("1 hour");
    expect(app.runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(await result.get()).toBe(3);
    expect(app.sent(flaky)).toHaveLength(1);
  });

  it("fires beat's entries of EventBridge and of the tick", async () => {
    const app = await testApp({ tasks: { ...tasks, schedule } });
    await app.advance("2 days");
    expect(app.sent(daily)).toHaveLength(2);
    expect(app.runs.filter((run) => run.task === "daily").map(({ at }) => at.toISOString())).toEqual([
      "2026-01-01T08:00:00.000Z",
      "2026-01-02T08:00:00.000Z",
    ]);
    expect(app.sent(limited)).toHaveLength(288);
  });

  it("fires entries that are made at run time", async () => {
    const app = await testApp({ tasks });
    await schedules.create("soon", { task: daily, schedule: "cron(0 9 * * ? *)" });
    await app.advance("3 days");
    expect(app.runs.map(({ at }) => at.toISOString())).toEqual([1, 2, 3].map((day) => `2026-01-0${day}T09:00:00.000Z`));
  });

  it("lets a rate limit pass its tasks one by one", async () => {
    const app = await testApp({ tasks });
    for (let n = 0; n < 3; n++) await limited.delay();
    await app.drain();
    expect(app.runs).toHaveLength(1);
    await app.advance("1 minute");
    expect(app.runs).toHaveLength(3);
  });

  it("shows a message again whose worker does not know its task, until it fails", async () => {
    const app = await testApp({ tasks: { add } });
    await daily.delay();
    await app.drain();
    const { waiting } = await app.drain();
    expect(waiting).toMatchObject([{ task: "daily", queue: "default" }]);
    await expect(app.advance("1 hour")).rejects.toThrow("TASK_NOT_REGISTERED");
  });

  it("refuses a text that is no duration", async () => {
    const app = await testApp({ tasks });
    await expect(app.advance("soon")).rejects.toThrow("duration");
  });
});

describe("run", () => {
  it("makes one attempt, and no other message's", async () => {
    const app = await testApp({ tasks });
    await add.delay({ x: 1, y: 1 });
    expect(await app.run(add, { x: 4, y: 6 })).toMatchObject({ state: "SUCCESS", result: 10 });
    expect(app.runs).toHaveLength(1);
    expect(await app.run(flaky, { failures: 1 })).toMatchObject({
      state: "RETRY",
      error: { message: "attempt 1 failed" },
    });
    expect(await app.run(refused)).toMatchObject({ state: "FAILURE" });
  });
});

describe("the app of a test", () => {
  it.concurrent.each([1, 2, 3, 4, 5])("is found by delay beside others: %i", async (n) => {
    const app = await testApp({ tasks });
    await new Promise((resolve) => setImmediate(resolve));
    await add.delay({ x: n, y: n });
    await new Promise((resolve) => setImmediate(resolve));
    await app.drain();
    expect(app.sent()).toMatchObject([{ task: "add", payload: { x: n, y: n } }]);
  });

  it("is found within a function", async () => {
    const [one, other] = [await testApp({ tasks }), await testApp({ tasks })];
    await one.within(() => add.delay({ x: 1, y: 1 }));
    await add.delay({ x: 2, y: 2 });
    expect([one.sent(add).length, other.sent(add).length]).toEqual([1, 1]);
  });
});

describe("toHaveSent", () => {
  it("says what was sent instead", async () => {
    const app = await testApp({ tasks });
    await add.delay({ x: 1, y: 1 });
    expect(app).toHaveSent(add);
    expect(app).not.toHaveSent(greet);
    expect(matchers.toHaveSent(app, add, { x: 1, y: 1 })).toMatchObject({ pass: true });
    const refusal = matchers.toHaveSent(app, add, { x: 2, y: 2 });
    expect(refusal.pass).toBe(false);
    expect(refusal.message()).toContain('{"x":1,"y":1}');
  });
});

describe("workflows", () => {
  it("are drawn alike in each run of a test, with their states, in the order in which they were sent", async () => {
    const drawn = async (): Promise<string[]> => {
      const app = await testApp({ tasks });
      await chord([add.s({ x: 1, y: 1 }), add.s({ x: 2, y: 2 })], sum.s()).delay();
      await app.advance(1);
      await chord([refused.s(), add.s({ x: 2, y: 2 })], sum.s()).delay();
      await app.drain({ failures: "keep" });
      return app.workflows();
    };
    const [first = "", second = "", ...more] = await drawn();

    expect(more).toEqual([]);
    expect(first).toMatch(/^flowchart /);
    expect(first).toContain("SUCCESS");
    expect(second).toContain("FAILURE");
    expect(await drawn()).toEqual([first, second]);
  });
});

describe("a hundred tests", () => {
  it.each(Array.from({ length: 100 }, (_, n) => n))("%i", async (n) => {
    const app = await testApp({ tasks });
    await welcome.delay({ to: `${n}@example.com` });
    await app.advance("2 days");
    expect(app.outbox).toHaveLength(1);
  });
});
