import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, createClient, toAnswer } from "../../localstack/client.ts";
import { type Service, startService } from "../../localstack/service.ts";
import { ask } from "../helpers/raw-request.ts";

let service: Service;
beforeAll(async () => {
  service = await startService({ environment: { LOVAGE_TASKS: "tests/fixtures/tasks" } });
});
afterAll(async () => {
  await service.stop();
});

const json = { "content-type": "application/json" };
const post = (path: string, body: string, headers: Record<string, string> = json) =>
  fetch(service.url + path, { method: "POST", body, headers });

async function send(task: string, payload: object, options: object = {}): Promise<string> {
  const answer = await post(`/tasks/${task}`, JSON.stringify({ payload, options }));
  expect(answer.status).toBe(202);
  return String((await body(answer)).id);
}
/** JSON whose shape the test itself checks. */
const body = async (answer: Response): Promise<Answer> => toAnswer(await answer.json());
const read = async (path: string) => body(await fetch(`${service.url}${path}`));
/** The record once it is final: one of too many reads that wait is answered at once, and its caller asks again. */
const ended = async (id: string) => createClient(service.url).waitFor(`/tasks/${id}`);
const list = async (path: string) => {
  const { tasks } = await read(path);
  return Array.isArray(tasks) ? tasks.map((task) => String(toAnswer(task).id)) : [];
};

describe("the HTTP API of a running service", () => {
  it("sends a task, answers at once, and reads the result", async () => {
    const answer = await post("/tasks/add", '{"payload":{"x":4,"y":6}}');
    const accepted = await body(answer);

    expect(answer.status).toBe(202);
    expect(accepted).toEqual({ id: expect.any(String), task: "add", state: "PENDING" });
    expect(answer.headers.get("location")).toBe(`/tasks/${accepted.id}`);
    expect(await read(`/tasks/${accepted.id}?wait=10`)).toMatchObject({ state: "SUCCESS", result: 10, attempt: 1 });
  });

  it("takes more requests at once than it has sandboxes", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, x) => send("add", { x, y: 1 })));
    const records = await Promise.all(ids.map(ended));

    expect(records.map(({ result }) => result)).toEqual(ids.map((_, x) => x + 1));
  });

  it("lists tasks, newest first, and pages through them", async () => {
    const first = await send("add", { x: 1, y: 1 });
    const second = await send("add", { x: 2, y: 2 });
    await ended(second);

    const page = await read("/tasks?limit=1&task=add");

    expect(await list("/tasks?limit=1&task=add")).toEqual([second]);
    expect((await list(`/tasks?task=add&cursor=${page.cursor}`))[0]).toBe(first);
    expect(await list("/tasks?state=REVOKED")).toEqual([]);
  });

  it("answers at once for any bound or cursor, and pages on through empty months", async () => {
    const page = await read("/tasks?from=1970-01-01&task=nobody&unregistered=true");

    expect(page.tasks).toEqual([]);
    expect(await list(`/tasks?task=add&cursor=${page.cursor}&from=1970-01-01`)).toEqual([]);
    expect(await list("/tasks?limit=1&task=add&cursor=ffffffff-ffff-7fff-bfff-ffffffffffff")).toHaveLength(1);
  });

  it("revokes what waits, and replays it with another payload", async () => {
    const id = await send("add", { x: 1, y: 1 }, { countdown: 600 });
    const revoked = await fetch(`${service.url}/tasks/${id}`, { method: "DELETE" });
    const replayed = await body(await post(`/tasks/${id}/replay`, '{"payload":{"x":20,"y":1}}'));

    expect(revoked.status).toBe(202);
    expect(await revoked.json()).toEqual({ id, task: "add", state: "REVOKED" });
    expect(replayed).toMatchObject({ task: "add", replayOf: id });
    expect(await ended(String(replayed.id))).toMatchObject({ state: "SUCCESS", result: 21, replayOf: id });
    expect(await read(`/tasks/${id}`)).toMatchObject({ state: "REVOKED" });
  });

  it("takes a large payload, and answers with it", async () => {
    const text = "m".repeat(90_000);
    const id = await send("echo", { text }, { countdown: 600 });

    expect(await read(`/tasks/${id}`)).toMatchObject({ payload: { text } });
  });

  it("pauses and resumes a queue, and says how deep each is", async () => {
    await post("/queues/low/pause", "");
    // Workers notice within two seconds; what they get before that still runs.
    let id = "";
    const stateOfNext = async () => {
      id = await send("add", { x: 1, y: 2 }, { queue: "low" });
      return (await read(`/tasks/${id}?wait=1`)).state;
    };
    await expect.poll(stateOfNext, { timeout: 10_000 }).toBe("PENDING");
    await expect
      .poll(async () => read("/queues"), { timeout: 10_000 })
      .toMatchObject({
        queues: expect.arrayContaining([
          { name: "low", waiting: 0, inFlight: 0, delayed: 1, workers: expect.any(Number), paused: true },
        ]),
      });
    expect(await read(`/tasks/${id}`)).toMatchObject({ state: "PENDING", attempt: 1 });

    await post("/queues/low/resume", "");
    expect(await ended(id)).toMatchObject({ state: "SUCCESS", result: 3, attempt: 1 });
  });

  it("changes limits, and shows what is decided", async () => {
    await fetch(`${service.url}/tasks/add/limits`, { method: "PUT", headers: json, body: '{"rateLimit":"1/h"}' });
    expect(await read("/control")).toMatchObject({
      decisions: [{ kind: "limits", name: "add", limits: { rateLimit: "1/h" } }],
    });
    const removed = await fetch(`${service.url}/tasks/add/limits`, { method: "DELETE" });
    expect(await removed.json()).toEqual({ task: "add", limits: null });
    const { decisions } = await read("/control");
    expect(decisions).not.toContainEqual(expect.objectContaining({ kind: "pause" }));
  });

  it("revokes many by tag, and runs what was sent later", async () => {
    const id = await send("add", { x: 1, y: 2 }, { tags: ["batch-7"], countdown: 3 });
    const revoked = await fetch(`${service.url}/tasks?tag=batch-7`, { method: "DELETE" });
    const later = await send("add", { x: 1, y: 2 }, { tags: ["batch-7"] });

    expect(revoked.status).toBe(202);
    expect(await ended(later)).toMatchObject({ state: "SUCCESS", tags: ["batch-7"] });
    expect(await ended(id)).toMatchObject({ state: "REVOKED" });
  });

  it("keeps the order of a group on the FIFO queue", async () => {
    const options = { queue: "fifo", messageGroupId: "account-7" };
    const ids = [];
    for (const x of [1, 2, 3]) ids.push(await send("add", { x, y: 0 }, options));
    const records = [];
    for (const id of ids) records.push(await ended(id));

    expect(records).toMatchObject([{ result: 1 }, { result: 2 }, { result: 3 }]);
    const ends = records.map(({ finishedAt }) => String(finishedAt));
    expect(ends).toEqual(ends.toSorted());
  });

  it("answers pages of this machine, and no others", async () => {
    const preflight = (origin: string) =>
      fetch(`${service.url}/tasks/add`, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
    const own = await preflight("http://localhost:5173");

    expect(own.status).toBe(204);
    expect(own.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect(own.headers.get("access-control-allow-methods")).toContain("POST");
    const foreign = await fetch(`${service.url}/queues/low/pause`, {
      method: "POST",
      headers: { origin: "https://evil.example" },
    });
    expect(foreign.status).toBeGreaterThanOrEqual(400);
    const { decisions } = await read("/control");
    expect(decisions).not.toContainEqual(expect.objectContaining({ kind: "pause" }));
  });

  it("describes itself, and is alive", async () => {
    const contract = await read("/openapi.json");

    expect(contract.openapi).toBe("3.1.0");
    expect(dig(contract, "components", "schemas", "payload_add")).toMatchObject({
      type: "object",
      properties: { x: { type: "number" }, y: { type: "number" } },
      required: ["x", "y"],
    });
    expect(await read("/health")).toEqual({ status: "ok" });
    expect(await read("/")).toMatchObject({
      service: "lovage",
      tasks: expect.arrayContaining(["add", "echo"]),
    });
  });
});

describe("bad input", () => {
  const id = "01a20548-23ff-7580-b7d5-91ad2d189cb0";
  const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;

  it.each<[string, string, string, string | undefined, Record<string, string>, number, string]>([
    ["bad JSON", "POST", "/tasks/add", "{", json, 400, "BODY_INVALID"],
    ["an empty body", "POST", "/tasks/add", "", json, 400, "BODY_INVALID"],
    ["a body that is no object", "POST", "/tasks/add", "[1]", json, 400, "BODY_INVALID"],
    ["null as a body", "POST", "/tasks/add", "null", json, 400, "BODY_INVALID"],
    ["null for an optional body", "POST", "/queues/low/redrive", "null", json, 400, "BODY_INVALID"],
    ["0 for an optional body", "POST", "/queues/low/redrive", "0", json, 400, "BODY_INVALID"],
    ["false for an optional body", "POST", "/queues/low/redrive", "false", json, 400, "BODY_INVALID"],
    ["an empty text for an optional body", "POST", "/queues/low/redrive", '""', json, 400, "BODY_INVALID"],
    ["no payload", "POST", "/tasks/add", "{}", json, 400, "BODY_INVALID"],
    ["an unknown field", "POST", "/tasks/add", '{"payload":{"x":1,"y":2},"optoins":{}}', json, 400, "BODY_INVALID"],
    ["__proto__", "POST", "/tasks/add", '{"__proto__":{"payload":1}}', json, 400, "BODY_INVALID"],
    [
      "__proto__ in the payload",
      "POST",
      "/tasks/add",
      '{"payload":{"__proto__":{"x":1,"y":2}}}',
      json,
      422,
      "PAYLOAD_INVALID",
    ],
    [
      "__proto__ in the options",
      "POST",
      "/tasks/add",
      '{"payload":{"x":1,"y":2},"options":{"__proto__":{"countdown":1}}}',
      json,
      422,
      "OPTION_INVALID",
    ],
    ["wrong types", "POST", "/tasks/add", '{"payload":{"x":"4","y":null}}', json, 422, "PAYLOAD_INVALID"],
    ["an endlessly nested payload", "POST", "/tasks/add", `{"payload":${deep}}`, json, 400, "BODY_INVALID"],
    [
      "an oversized body",
      "POST",
      "/tasks/add",
      JSON.stringify({ payload: "x".repeat(4_200_000) }),
      json,
      413,
      "BODY_TOO_LARGE",
    ],
    [
      "an unknown option",
      "POST",
      "/tasks/add",
      '{"payload":{"x":1,"y":2},"options":{"cuontdown":5}}',
      json,
      422,
      "OPTION_INVALID",
    ],
    [
      "a delay out of range",
      "POST",
      "/tasks/add",
      '{"payload":{"x":1,"y":2},"options":{"countdown":34560001}}',
      json,
      422,
      "OPTION_INVALID",
    ],
    [
      "an unknown queue",
      "POST",
      "/tasks/add",
      '{"payload":{"x":1,"y":2},"options":{"queue":"nope"}}',
      json,
      422,
      "OPTION_INVALID",
    ],
    ["an unknown task", "POST", "/tasks/ad", '{"payload":{}}', json, 404, "TASK_NOT_REGISTERED"],
    ["a task named like a property", "POST", "/tasks/constructor", '{"payload":{}}', json, 404, "TASK_NOT_REGISTERED"],
    [
      "a form",
      "POST",
      "/tasks/add",
      "x=1",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "CONTENT_TYPE_UNSUPPORTED",
    ],
    ["an unknown id", "GET", `/tasks/${id}`, undefined, {}, 404, "TASK_NOT_FOUND"],
    ["what is no id", "GET", "/tasks/7", undefined, {}, 404, "TASK_NOT_FOUND"],
    ["an unknown upload", "GET", `/uploads/${id}`, undefined, {}, 404, "TASK_NOT_FOUND"],
    ["a wait out of range", "GET", `/tasks/${id}?wait=21`, undefined, {}, 422, "OPTION_INVALID"],
    ["a wait that is no number", "GET", `/tasks/${id}?wait=soon`, undefined, {}, 422, "OPTION_INVALID"],
    ["an unknown state", "GET", "/tasks?state=DONE", undefined, {}, 422, "OPTION_INVALID"],
    ["an unknown filter", "GET", "/tasks?stat=SUCCESS", undefined, {}, 422, "OPTION_INVALID"],
    ["a wrong method", "PUT", "/tasks/add", "{}", json, 405, "METHOD_NOT_ALLOWED"],
    ["a wrong method on uploads", "GET", "/uploads", undefined, {}, 405, "METHOD_NOT_ALLOWED"],
    ["an unknown path", "GET", "/nothing", undefined, {}, 404, "NOT_FOUND"],
    ["an upload without a name", "POST", "/uploads", '{"contentType":"text/csv"}', json, 400, "BODY_INVALID"],
    ["an upload of no type", "POST", "/uploads", '{"filename":"a","contentType":"csv"}', json, 422, "OPTION_INVALID"],
    [
      "an upload too large",
      "POST",
      "/uploads",
      '{"filename":"a","contentType":"text/csv","size":1e12}',
      json,
      422,
      "OPTION_INVALID",
    ],
    ["a foreign host name", "GET", "/tasks", undefined, { host: "evil.example:3000" }, 403, "FORBIDDEN"],
  ])("%s is answered with a problem: %s %s", async (_, method, path, body, headers, status, code) => {
    const answer = await ask(service.url + path, method, headers, body);

    expect(answer).toMatchObject({ status, headers: { "content-type": "application/problem+json" } });
    expect(JSON.parse(answer.text)).toMatchObject({
      status,
      code,
      detail: expect.stringMatching(/[.?]$/),
      title: expect.any(String),
    });
    expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|node_modules/);
  });

  it("names the allowed methods, and the schema's issues", async () => {
    const method = await fetch(`${service.url}/tasks/add`, { method: "PATCH" });
    const payload = await body(await post("/tasks/add", '{"payload":{"x":"4","y":6}}'));

    expect(method.headers.get("allow")).toBe("GET, POST, DELETE");
    expect(payload.issues).toEqual([{ path: ["x"], message: expect.stringContaining("number") }]);
    expect(payload.detail).toContain("Payload of task 'add' was refused at 'x'");
  });
});

function dig(value: Answer, ...path: string[]): Answer {
  return path.reduce((found, name) => toAnswer(found[name]), value);
}
