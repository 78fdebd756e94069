import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { checkEntry, collectSchedule } from "../../../shared/beat/schedule-entries.ts";
import { AsyncResult, beatSchedule, createBeat, currentApp, every, task } from "../../../shared/index.ts";
import { orderTask } from "../../fixtures/order.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: unknown[] = [];

const seen: Record<string, unknown> = {};

const order = orderTask((payload) => void ran.push(payload));

const tick = task({ name: "tick", run: (payload) => void ran.push(payload) });

const page = task({
  name: "page",
  payload: z.object({ size: z.number().default(10) }),
  run: ({ size }) => void ran.push(size),
});

const shifty = task({
  name: "shifty",
  payload: z.custom<{ items: string[] }>((value) => Array.isArray(Object(value).items)),
  concurrency: 100,
  concurrencyKey: (payload) => payload.items.shift() ?? "",
  messageGroupId: (payload) => payload.items.shift() ?? "",
  run: ({ items }) => void ran.push(items),
});

let lookUp: (text: string) => Promise<boolean> = async () => true;

const looksUp = task({
  name: "looks_up",
  payload: z.string().refine((text) => lookUp(text)),
  retry: { maxRetries: 2, backoff: { base: 0 } },
  run: (text, { attempt }) => `${text} ${attempt}`,
});

const patient = task({ name: "patient", payload: z.object({}), run: () => void ran.push("patient") });

const headed = task({
  name: "headed",
  payload: z.object({}),
  tags: Array.from({ length: 95 }, (_, index) => `tag-${index}`),
  run: (_, { headers }) => void ran.push(headers),
});

/** The error of a task that asks for another one's result. */
const ask = async (id: string, options?: { disableSyncSubtasks: boolean }): Promise<unknown> =>
  new AsyncResult(id, currentApp()).get(options).catch((error: unknown) => Object(error).code);

const parent = task({
  name: "parent",
  payload: z.object({ child: z.string() }),
  hooks: { beforeStart: async ({ child }) => void Object.assign(seen, { beforeStart: await ask(child) }) },
  run: async ({ child }) => void (await new AsyncResult(child, currentApp()).get()),
});

const looker = task({
  name: "looker",
  payload: z.object({ child: z.string() }),
  hooks: { onSuccess: async (_, { child }) => void Object.assign(seen, { onSuccess: await ask(child) }) },
  run: async ({ child }) => {
    const result = new AsyncResult(child, currentApp());
    const insists = await ask(child, { disableSyncSubtasks: false });
    return { insists, ready: await result.ready(), state: (await result.fetch()).state, get: await ask(child) };
  },
});

const keyless = task({
  name: "keyless",
  payload: z.object({ user: z.object({ tenant: z.string() }).nullable() }),
  messageGroupId: ({ user }) => {
    if (user === null) throw new TypeError("no user");
    return user.tenant;
  },
  run: () => 1,
});

const tasks = { keyless, order, tick, page, shifty, looksUp, patient, headed, parent, looker };

const { engine, bench } = await startBench(tasks, visibility(1, "DefaultQueue"));

beforeEach(() => {
  engine.clock.now = new Date();
  ran = [];
  lookUp = async () => true;
});

const record = (id: unknown) => engine.app.results.read(String(id));

describe("get() inside a task", () => {
  it("is refused at once, in hooks too", async () => {
    const child = await page.delay();
    await bench.work();
    const result = await parent.delay({ child: child.id });
    await bench.work();

    expect(await record(result.id)).toMatchObject({
      state: "FAILURE",
      error: {
        code: "SYNC_SUBTASK",
        message: expect.stringMatching(
          `^Task ${result.id} was not allowed to wait for task ${child.id}: .* disableSyncSubtasks: false`,
        ),
      },
    });
    expect(seen).toEqual({ beforeStart: "SYNC_SUBTASK" });
    await expect(child.get()).resolves.toBeNull();
  });

  it("may be insisted on, and looking is allowed", async () => {
    const child = await page.delay();
    await bench.work();
    const result = await looker.delay({ child: child.id });
    await bench.work();

    expect(await result.get()).toEqual({ insists: null, ready: true, state: "SUCCESS", get: "SYNC_SUBTASK" });
    expect(seen.onSuccess).toBe("SYNC_SUBTASK");
  });
});

describe("a function of the task's author that throws while a task is sent", () => {
  it.each<[string, string, unknown, string, string]>([
    [
      "key function",
      "keyless",
      { user: null },
      "OPTION_INVALID",
      "Option 'messageGroupId' is missing: its function threw TypeError: no user.",
    ],
    ["schema", "looks_up", "a", "PAYLOAD_INVALID", "its schema threw RangeError: the list is away."],
  ])("is the caller's 422: %s", async (_, name, payload, code, detail) => {
    lookUp = () => Promise.reject(new RangeError("the list is away"));

    expect(await bench.call("POST", `/tasks/${name}`, { payload })).toMatchObject({
      status: 422,
      body: { code, detail: expect.stringContaining(detail) },
    });
  });

  it("is an error of the run in the worker, which the task's policy retries", async () => {
    const result = await looksUp.delay("a");
    let looks = 0;
    lookUp = async () => {
      looks += 1;
      if (looks === 1) throw new RangeError("the list is away");
      return true;
    };
    await bench.workUntilFinal(result.id);

    expect(await record(result.id)).toMatchObject({ state: "SUCCESS", attempt: 2, result: "a 2" });
  });
});

describe("a key function that changes its payload", () => {
  it("does not change what is sent", async () => {
    const result = await shifty.delay({ items: ["group", "tenant", "work"] });
    expect(await record(result.id)).toMatchObject({ payload: { items: ["group", "tenant", "work"] } });
    await bench.work();

    expect(ran).toEqual([["group", "tenant", "work"]]);
  });
});

describe("what a caller changes after its call", () => {
  it("is not sent", async () => {
    const payload = { id: 1, lines: [{ sku: "a", n: 1 }] };
    const headers = { by: "ada" };
    const [sending, sendingHeaders] = [order.delay(payload), headed.applyAsync({}, { headers })];
    payload.lines.pop();
    headers.by = "bob";
    await Promise.all([sending, sendingHeaders]);
    await bench.work();

    expect(ran).toHaveLength(2);
    expect(ran).toEqual(expect.arrayContaining([{ id: 1, lines: [{ sku: "a", n: 1 }] }, { by: "ada" }]));
  });

  it("may not have more tags than a message bears", async () => {
    const tags = ["a", "b", "c", "d", "e", "f"];

    await expect(headed.applyAsync({}, { tags })).rejects.toThrow("Option 'tags' has the value '101 texts'");
  });
});

describe("a task without a payload", () => {
  it("is called as delay(), and runs with null", async () => {
    const results = [await tick.delay(), await tick.applyAsync(undefined, { tags: ["a"] }), await tick.delay({})];
    await bench.work();

    expect(ran).toEqual([null, null, null]);
    expect(await results[1]?.fetch()).toMatchObject({ state: "SUCCESS", payload: null, tags: ["a"] });
  });

  it.each([[undefined], [{}], [{ options: { tags: ["a"] } }], [{ payload: null }], [{ payload: {} }]])(
    "takes the body %j",
    async (body) => {
      const { status, body: answer } = await bench.call("POST", "/tasks/tick", body);
      await bench.work();

      expect(status).toBe(202);
      expect(await record(answer.id)).toMatchObject({ state: "SUCCESS", payload: null });
    },
  );

  it.each([[{ x: 1 }], [[]], [0], [false], [""], ["a"]])("refuses the payload %j", async (payload) => {
    expect(await bench.call("POST", "/tasks/tick", { payload })).toMatchObject({
      status: 422,
      body: { code: "PAYLOAD_INVALID", detail: expect.stringContaining("this task takes none") },
    });
  });

  it("needs none where all fields of its schema are optional: {} is sent", async () => {
    const calls = [await bench.call("POST", "/tasks/page"), await bench.call("POST", "/tasks/page", {})];
    const result = await page.delay();
    await bench.work();

    expect(calls.map(({ status }) => status)).toEqual([202, 202]);
    expect(ran).toEqual([10, 10, 10]);
    expect(await result.fetch()).toMatchObject({ payload: {} });
    expect(await bench.call("POST", "/tasks/order")).toMatchObject({
      status: 400,
      body: { code: "BODY_INVALID", detail: expect.stringContaining("no field 'payload'") },
    });
  });

  it("is described as such", async () => {
    const { body } = await bench.call("GET", "/openapi.json");
    const bodyOf = (name: string) => Object(body.paths)[`/tasks/${name}`].post.requestBody;
    const schemaOf = (name: string) => bodyOf(name).content["application/json"].schema;

    expect([bodyOf("tick").required, bodyOf("page").required, bodyOf("order").required]).toEqual([false, false, true]);
    const { payload_tick } = Object(body.components).schemas;
    expect(schemaOf("tick").properties.payload).toEqual({ $ref: "#/components/schemas/payload_tick" });
    expect(payload_tick).toEqual({ type: ["null", "object"], maxProperties: 0 });
    expect(schemaOf("page")).not.toHaveProperty("required");
    expect(schemaOf("order").required).toEqual(["payload"]);
    expect(bodyOf("looks_up").required).toBe(true);
  });

  it("is fired by a beat entry without one", async () => {
    const schedule = beatSchedule({
      tick: { task: tick, schedule: every({ minutes: 5 }) },
      page: { task: page, schedule: every({ minutes: 5 }) },
    });
    const modules = [{ file: "tests.ts", exports: { ...tasks, schedule } }];
    const ground = { now: engine.clock.now, timezone: "UTC", queues: engine.app.config.queues, isFifo: () => false };
    for (const entry of collectSchedule(modules)) await checkEntry(entry, ground);
    const beat = createBeat(modules, engine.app);
    const scheduledTime = engine.clock.now.toISOString();
    for (const entry of ["tick", "page"]) await beat({ schedule: entry, scheduledTime });
    await bench.work();

    expect(ran).toHaveLength(2);
    expect(ran).toEqual(expect.arrayContaining([null, 10]));
  });
});

describe("times and keys over HTTP", () => {
  it.each([
    ...["12-01-2027", "1Z", "2026-11-31T08:00:00Z", "2027-11-22T25:00:00Z", "2027-11-22T08:00:00+99:99"],
    ...["2027-11-22T08:00:00", "2027-11-31"],
  ])("refuse the time %s", async (time) => {
    const send = (options: object) => bench.call("POST", "/tasks/patient", { payload: {}, options });
    const answers = [
      await send({ eta: time }),
      await send({ expires: time }),
      await bench.call("GET", `/tasks?from=${encodeURIComponent(time)}`),
      await bench.call("POST", "/queues/default/redrive", { to: time }),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [422, "OPTION_INVALID"]));
  });

  it("take a date as a list's bound, from midnight in UTC, and as nothing else", async () => {
    const { id } = await patient.delay({});
    await bench.work();
    const today = new Date(engine.clock.now);
    const later = new Date(today.getTime() + 2 * 86_400_000);
    const [from, to] = [today.toISOString().slice(0, 10), later.toISOString().slice(0, 10)];
    const { body } = await bench.call("GET", `/tasks?task=patient&limit=1&from=${from}&to=${to}`);
    const refused = await bench.call("POST", "/tasks/patient", { payload: {}, options: { eta: to } });

    expect(body.tasks).toMatchObject([{ id }]);
    expect(refused.status).toBe(422);
  });

  it("say how a zone is written in a URL", async () => {
    const { body } = await bench.call("GET", "/tasks?from=2026-11-22T08:00:00+01:00");

    expect(body.detail).toContain("in a URL write + as %2B");
    expect((await bench.call("GET", "/tasks?from=2026-11-22T08:00:00%2B01:00")).status).toBe(200);
  });

  it.each([
    [{ idempotencyKey: "\ud800" }],
    [{ throttle: { key: "\ud800", period: 60 } }],
    [{ debounce: { key: "\udfff", wait: 1 } }],
    [{ tags: ["\ud800"] }],
    [{ headers: { by: "\ud800" } }],
  ])("refuse a lone surrogate: %j", async (options) => {
    expect(await bench.call("POST", "/tasks/patient", { payload: {}, options })).toMatchObject({
      status: 422,
      body: { code: "OPTION_INVALID", detail: expect.stringContaining("lone surrogate") },
    });
  });
});
