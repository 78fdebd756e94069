import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { newId } from "../../../shared/client/id.ts";
import { type ClientErrorCode, createClient, NoAnswerError, RefusedError } from "../../../shared/client/index.ts";
import { chain, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { createApi, ORIGIN } from "../../helpers/api.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: unknown[] = [];

const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const note = task({ name: "note", payload: z.object({ text: z.string() }), run: (given) => void ran.push(given) });
const large = task({ name: "large", run: () => "1".repeat(20_000) });
const fails = task({
  name: "always.fails",
  run: () => {
    throw new RangeError("no such customer", { cause: new Error("no id") });
  },
});
const becomes = task({
  name: "becomes",
  run: (_, ctx) => ctx.replace(chain(add.s({ x: 1, y: 1 }))),
});
const tasks = { add, note, large, fails, becomes };

const { engine, bench } = await startBench(tasks);
const api = createApi(engine.app, createRegistry([{ file: "tests.ts", exports: tasks }]));

/** The calls that have reached the service. */
let asked: { method: string; path: string; body: unknown }[] = [];
/** How the next answers are lost, or replaced. */
let weather: ((answer: () => Promise<Response>) => Promise<Response>)[] = [];

const lost = async (answer: () => Promise<Response>): Promise<Response> => {
  await answer();
  throw new TypeError("socket hang up");
};
const instead =
  (status: number, headers: Record<string, string> = {}) =>
  async (): Promise<Response> =>
    new Response("Busy", { status, headers });

const client = createClient<typeof tasks>({
  url: `${ORIGIN}/`,
  fetch: async (input, init) => {
    const request = new Request(input, init);
    const path = request.url.slice(ORIGIN.length);
    if (!path.startsWith("/")) return fetch(input, init);
    const raw = await request.text();
    asked.push({ method: request.method, path, body: raw === "" ? undefined : JSON.parse(raw) });
    const answer = () =>
      api.request(request.method, path, { headers: Object.fromEntries(request.headers), ...(raw !== "" && { raw }) });
    const { signal } = request;
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    return Promise.race([(weather.shift() ?? ((given) => given()))(answer), aborted]);
  },
});

beforeEach(() => {
  engine.clock.now = new Date();
  [ran, asked, weather] = [[], [], []];
});

const work = (id: string): Promise<void> => bench.workUntilFinal(id);

/** The code of the error that a promise rejects with. */
const codeOf = (promise: Promise<unknown>): Promise<ClientErrorCode | undefined> =>
  promise.then(
    () => undefined,
    (error) => error.code,
  );

describe("a client", () => {
  it("sends a task and gets its result while it is worked on", async () => {
    const result = await client.tasks.add.delay({ x: 4, y: 6 });
    const [sum] = await Promise.all([result.get(), work(result.id)]);

    expect([result.state, sum]).toEqual(["PENDING", 10]);
    expect(await result.fetch()).toMatchObject({ id: result.id, state: "SUCCESS", result: 10, attempt: 1 });
  });

  it("gets a large result from the bucket", async () => {
    const result = await client.tasks.large.delay();
    await work(result.id);

    expect(await result.get()).toBe("1".repeat(20_000));
  });

  it("gets the task's own error", async () => {
    const result = await client.tasks["always.fails"].delay();
    await work(result.id);

    await expect(result.get()).rejects.toMatchObject({
      name: "TaskFailedError",
      code: "TASK_FAILED",
      id: result.id,
      message: "RangeError: no such customer",
      failure: { name: "RangeError", cause: { message: "no id" } },
    });
  });

  it("sends options, revokes what waits, and replays what has ended", async () => {
    const waiting = await client.tasks.add.applyAsync({ x: 1, y: 1 }, { countdown: 600, tags: ["later"] });
    await waiting.revoke();
    expect(await codeOf(waiting.get())).toBe("TASK_REVOKED");

    const again = await waiting.replay({ x: 2, y: 3 });
    await work(again.id);
    expect(await again.get()).toBe(5);
  });

  it("stops waiting at its timeout, and at once when its signal is aborted", async () => {
    const result = await client.tasks.add.applyAsync({ x: 1, y: 1 }, { countdown: 600 });
    expect(await codeOf(result.get({ timeout: 0.3 }))).toBe("RESULT_TIMEOUT");

    const stop = new AbortController();
    const getting = result.get({ signal: stop.signal });
    stop.abort(new Error("the page was left"));
    await expect(getting).rejects.toThrow("the page was left");
    await result.revoke();
  });

  it("lists as an iterable over all pages, each read when it is needed", async () => {
    const tag = `list-${newId()}`;
    const sent: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { id } = await client.tasks.note.applyAsync({ text: String(n) }, { countdown: 600, tags: [tag] });
      sent.push(id);
    }
    asked = [];
    const found: string[] = [];
    for await (const { id } of client.list({ tag, limit: 2 })) {
      found.push(id);
      if (found.length === 3) expect(asked).toHaveLength(2);
    }

    expect(found.toSorted()).toEqual(sent.toSorted());
    await client.call("DELETE", "/tasks", { query: { tag } });
  });

  it.each<[string, () => Promise<unknown>, string, number]>([
    ["a payload", () => client.call("POST", "/tasks/add", { body: { payload: { x: "4" } } }), "PAYLOAD_INVALID", 422],
    ["an unknown id", () => client.result(newId()).fetch(), "TASK_NOT_FOUND", 404],
    ["an unknown task", () => client.call("POST", "/tasks/nothing"), "TASK_NOT_REGISTERED", 404],
    ["an option", () => client.tasks.add.applyAsync({ x: 1, y: 2 }, { countdown: -1 }), "OPTION_INVALID", 422],
    [
      "an unfinished replay",
      async () => (await client.tasks.add.delay({ x: 1, y: 1 })).replay(),
      "TASK_UNFINISHED",
      409,
    ],
  ])("throws the code of the contract, and asks once: %s", async (_what, call, code, status) => {
    const error: unknown = await call().catch((thrown) => thrown);

    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code, status });
    expect(new Set(asked.map(({ method, path }) => `${method} ${path}`)).size).toBe(asked.length);
  });
  it("says where a payload does not fit", async () => {
    const error = await client.call("POST", "/tasks/add", { body: { payload: { x: "4", y: 6 } } }).catch((one) => one);

    expect(error.issues).toEqual([{ message: expect.any(String), path: ["x"] }]);
  });
});

describe("a send whose answer is lost", () => {
  it.each([1, 2, 3])("%i times is one task", async (times) => {
    weather = Array.from({ length: times }, () => lost);
    const result = await client.tasks.note.delay({ text: `lost ${times}` });
    await work(result.id);
    await bench.work();

    expect(asked).toHaveLength(times + 1);
    expect(new Set(asked.map(({ body }) => Object(body).id)).size).toBe(1);
    expect(ran).toEqual([{ text: `lost ${times}` }]);
  });

  it("too often says so, and may be sent again under the same id", async () => {
    weather = [lost, lost, lost, lost];
    const id = newId();
    const error = await client.tasks.note.applyAsync({ text: "once" }, { id }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({
      code: "NO_ANSWER",
      message: "POST /tasks/note got no answer in 4 tries: socket hang up",
    });

    const result = await client.tasks.note.applyAsync({ text: "once" }, { id });
    await work(result.id);
    expect(ran).toEqual([{ text: "once" }]);
    expect(await codeOf(client.tasks.note.applyAsync({ text: "other" }, { id }))).toBe("ID_REUSED");
  });

  it.each([
    ["idempotencyKey", { idempotencyKey: newId() }],
    ["throttle", { throttle: { key: newId(), period: 60 } }],
    ["debounce", { debounce: { key: newId(), wait: 1 } }],
  ])("is one task by its %s, which the client leaves alone", async (_name, options) => {
    weather = [lost];
    const result = await client.tasks.note.applyAsync({ text: "keyed" }, options);
    await work(result.id);

    expect(asked.every(({ body }) => !Object.hasOwn(Object(body), "id"))).toBe(true);
    expect(ran).toEqual([{ text: "keyed" }]);
  });

  it("is tried again after 429 and 503, as the service asks", async () => {
    weather = [instead(429, { "retry-after": "1" }), instead(503)];
    const began = performance.now();
    const result = await client.tasks.add.delay({ x: 1, y: 2 });

    expect(performance.now() - began).toBeGreaterThan(1000);
    expect(asked).toHaveLength(3);
    await result.revoke();
  });
});

describe("workflows, schedules and failures", () => {
  it("sends a workflow once, and gets the result of its end", async () => {
    weather = [lost];
    const workflow = await client.workflows.send<number>({
      chain: [
        { task: "add", payload: { x: 1, y: 2 } },
        { task: "add", payload: { y: 4 }, into: "x" },
      ],
    });
    const [result] = await Promise.all([workflow.get(), work(workflow.id)]);
    const { nodes } = await workflow.fetch();
    const listed: string[] = [];
    for await (const { id } of client.workflows.list({ limit: 1 })) listed.push(id);

    expect(result).toBe(7);
    expect(nodes.filter(({ kind }) => kind === "task").map(({ state }) => state)).toEqual(["SUCCESS", "SUCCESS"]);
    expect(listed.filter((id) => id === workflow.id)).toHaveLength(1);
    expect(asked.filter(({ method, path }) => method === "POST" && path === "/workflows")).toHaveLength(2);
  });

  it("revokes a workflow", async () => {
    const workflow = await client.workflows.send(
      {
        chain: [
          { task: "add", payload: { x: 1, y: 2 } },
          { task: "large", immutable: true },
        ],
      },
      { countdown: 600 },
    );
    await workflow.revoke();
    expect(await codeOf(client.workflows.result(workflow.id).get({ timeout: 1 }))).toMatch(/TASK_REVOKED/);
  });

  it("makes, changes, runs and deletes a schedule entry", async () => {
    const name = "reports-nightly.42";
    const made = await client.schedules.put(name, {
      task: "add",
      payload: { x: 1, y: 2 },
      schedule: "cron(0 8 * * ? *)",
      timezone: "Asia/Kathmandu",
    });
    const changed = await client.schedules.change(
      name,
      { description: "at eight" },
      made.edition === undefined ? {} : { ifMatch: made.edition },
    );
    expect(changed).toMatchObject({ name, description: "at eight", timezone: "Asia/Kathmandu" });
    expect(await codeOf(client.schedules.delete(name, { ifMatch: String(made.edition) }))).toBe("SCHEDULE_CHANGED");

    const run = await client.schedules.run<number>(name);
    await work(run.id);
    expect(await run.get()).toBe(3);
    await client.schedules.pause(name);
    const listed = [];
    for await (const entry of client.schedules.list({ prefix: "reports-", enabled: false })) listed.push(entry.name);
    expect(listed).toEqual([name]);
    await client.schedules.resume(name);
    await client.schedules.delete(name);
    expect(await codeOf(client.schedules.fetch(name))).toBe("SCHEDULE_NOT_FOUND");
  });

  it("lists failures by their kind, judges and replays them", async () => {
    const result = await client.tasks["always.fails"].delay();
    await work(result.id);
    await engine.app.failures.flush();
    const kinds = [];
    for await (const kind of client.failures.list({ task: "always.fails" })) kinds.push(kind);
    const [kind] = kinds;
    const fingerprint = String(kind?.fingerprint);
    expect(kind).toMatchObject({ name: "RangeError", state: "open" });

    await client.failures.ignore(fingerprint);
    expect(await client.failures.fetch(fingerprint)).toMatchObject({ state: "ignored" });
    await client.failures.reopen(fingerprint);
    expect(await client.failures.replay(fingerprint, { rate: 1000 })).toMatchObject({ state: "collecting" });
    await client.failures.resolve(fingerprint);
  });
});
