import { describe, expect, it } from "vitest";
import { NoAnswerError } from "../../../shared/client/errors.ts";
import { newId } from "../../../shared/client/id.ts";
import { createClient, RefusedError } from "../../../shared/client/index.ts";
import { createTransport, sleep } from "../../../shared/client/transport.ts";
import { idTime, isId } from "../../../shared/message/id.ts";

const DOWN = new TypeError("fetch failed");

/** A transport on answers of the test's own: a status with a `Retry-After`, an error, or a body. */
function transportOn(answers: (Response | Error)[], retries?: number) {
  const asked: { url: string; init: RequestInit }[] = [];
  const paused: number[] = [];
  const transport = createTransport(
    {
      url: "https://api.example.com/v1/",
      key: "secret",
      ...(retries !== undefined && { retries }),
      fetch: async (url, init) => {
        asked.push({ url, init });
        const answer = answers.shift() ?? Response.json({});
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    { random: () => 1, sleep: async (milliseconds) => void paused.push(milliseconds) },
  );
  return { transport, asked, paused };
}

const busy = (status: number, retryAfter?: string): Response =>
  new Response("", { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter } });

describe("a call", () => {
  it("has the key, the path below the address, and a query without what is undefined", async () => {
    const { transport, asked } = transportOn([]);
    await transport.call("GET", "/tasks", { query: { tag: "a&b", to: new Date(0), limit: undefined, values: false } });

    expect(asked[0]?.url).toBe(
      "https://api.example.com/v1/tasks?tag=a%26b&to=1970-01-01T00%3A00%3A00.000Z&values=false",
    );
    expect(asked[0]?.init.headers).toEqual({ accept: "application/json", authorization: "Bearer secret" });
  });

  it.each([
    ["no answer", [DOWN, DOWN], [250, 500]],
    ["500 and 503", [busy(500), busy(503)], [250, 500]],
    ["429 with seconds", [busy(429, "3")], [3000]],
    ["503 with less than it would wait", [busy(503, "0")], [250]],
  ])("is tried again after %s", async (_what, answers, pauses) => {
    const { transport, asked, paused } = transportOn([...answers]);
    await transport.call("GET", "/queues");

    expect(asked).toHaveLength(answers.length + 1);
    expect(paused).toEqual(pauses);
  });

  it("waits for a date, but for no longer than a minute", async () => {
    const soon = transportOn([busy(429, new Date(Date.now() + 30_000).toUTCString())]);
    await soon.transport.call("GET", "/queues");
    expect(soon.paused[0]).toBeGreaterThan(28_000);

    const late = transportOn([busy(429, "61")]);
    await expect(late.transport.call("GET", "/queues")).rejects.toMatchObject({ status: 429 });
    expect(late.asked).toHaveLength(1);
  });

  it.each([
    [400, 1],
    [404, 1],
    [409, 1],
    [422, 1],
    [429, 4],
    [500, 4],
    [503, 4],
  ])("that is refused with %i is made %i times", async (status, times) => {
    const { transport, asked } = transportOn(Array.from({ length: 9 }, () => busy(status)));

    await expect(transport.call("GET", "/queues")).rejects.toMatchObject({ status, code: "ANSWER_UNKNOWN" });
    expect(asked).toHaveLength(times);
  });

  it.each([
    ["no answer", DOWN],
    ["503", busy(503)],
  ])("that is not the same when it is made twice is not repeated after %s", async (_what, answer) => {
    const { transport, asked } = transportOn([answer]);

    await expect(transport.call("POST", "/uploads", { repeatable: false })).rejects.toThrow();
    expect(asked).toHaveLength(1);
  });

  it("that is not the same when it is made twice is repeated after 429, which is an answer of who has done nothing", async () => {
    const { transport, asked } = transportOn([busy(429)]);
    await transport.call("POST", "/uploads", { repeatable: false });

    expect(asked).toHaveLength(2);
  });

  it("is made as often as it is told", async () => {
    const { transport, asked } = transportOn([DOWN, DOWN], 0);

    await expect(transport.call("GET", "/queues")).rejects.toMatchObject({
      code: "NO_ANSWER",
      message: "GET /queues got no answer in 1 tries: fetch failed",
      cause: DOWN,
    });
    expect(asked).toHaveLength(1);
    expect(NoAnswerError.name).toBe("NoAnswerError");
  });

  it("tells the service's refusal from a gateway's", async () => {
    const problem = { code: "TASK_NOT_FOUND", detail: "No task has the id 'x'.", status: 404 };
    const { transport } = transportOn([
      Response.json(problem, { status: 404 }),
      Response.json({ message: "Forbidden" }, { status: 403 }),
      new Response("<html>", { status: 200 }),
    ]);

    const refused: unknown = await transport.call("GET", "/tasks/x").catch((error) => error);
    expect(refused).toBeInstanceOf(RefusedError);
    expect(refused).toMatchObject({ code: "TASK_NOT_FOUND", message: problem.detail, status: 404, issues: [] });
    await expect(transport.call("GET", "/tasks/x")).rejects.toMatchObject({ code: "ANSWER_UNKNOWN", status: 403 });
    await expect(transport.call("GET", "/tasks/x")).rejects.toMatchObject({
      code: "ANSWER_UNKNOWN",
      message: expect.stringContaining("is https://api.example.com/v1 the address of the API?"),
    });
  });

  it("ends with the signal's reason, also while it waits for its next try", async () => {
    const stop = new AbortController();
    const { transport } = transportOn([busy(503), busy(503)]);
    const waiting = transport.fetch("GET /", "https://api.example.com", { signal: stop.signal });
    await waiting;
    const pausing = sleep(60_000, stop.signal);
    stop.abort(new Error("left"));

    await expect(pausing).rejects.toThrow("left");
    await expect(sleep(60_000, stop.signal)).rejects.toThrow("left");
    await expect(sleep(0, undefined)).resolves.toBeUndefined();
  });
});

describe("an id", () => {
  it("is a UUID of version 7 of its moment, and another each time", () => {
    const ids = Array.from({ length: 1000 }, () => newId(1_795_000_000_123));

    expect(ids.every((id) => isId(id) && id.charAt(14) === "7" && "89ab".includes(id.charAt(19)))).toBe(true);
    expect(new Set(ids.map((id) => idTime(id)?.getTime()))).toEqual(new Set([1_795_000_000_123]));
    expect(new Set(ids).size).toBe(1000);
  });
});

describe("a client object", () => {
  it("asks nothing when it is awaited, printed or written as JSON, and knows any name", async () => {
    let asked = 0;
    const client = createClient({
      url: "http://127.0.0.1:1",
      fetch: async () => {
        asked++;
        throw DOWN;
      },
    });
    const { tasks } = client;

    expect(await (async () => client)()).toBe(client);
    expect(await (async () => tasks)()).toBe(tasks);
    expect(JSON.stringify({ tasks })).toBe('{"tasks":{}}');
    expect(`${Object.prototype.toString.call(tasks)} ${Object.keys(tasks)}`).toBe("[object Object] ");
    expect(["then", "list", "constructor", "toJSON"].map((name) => typeof client.task(name).delay)).toEqual(
      Array.from({ length: 4 }, () => "function"),
    );
    expect(asked).toBe(0);
  });
});
