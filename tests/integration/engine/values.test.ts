import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { task } from "../../../shared/index.ts";
import { AsyncResult } from "../../../shared/task/async-result.ts";
import { visibility } from "../../helpers/engine.ts";
import { startBench } from "../../helpers/workbench.ts";

let ran: string[] = [];

const cycle: { self?: unknown } = {};
cycle.self = [cycle];
let deep: unknown = 1;
for (let level = 0; level < 5000; level++) deep = [deep];

/** Values that no result may be, by name. */
const BAD: Record<string, () => unknown> = {
  nan: () => ({ mean: [1, Number.NaN] }),
  date: () => ({ at: new Date("no") }),
  bigint: () => ({ count: 1n }),
  cycle: () => cycle,
  deep: () => deep,
  map: () => ({ seen: new Map([["a", 1]]) }),
  promise: () => [Promise.resolve(1)],
  generator: () => ({
    rows: (function* () {
      yield 1;
    })(),
  }),
  getter: () => ({
    get total(): number {
      throw new Error("no rows");
    },
  }),
  bytes: () => Buffer.from("bytes"),
};

const retry = { maxRetries: 5, backoff: { base: 0 } };
const returns = task({
  name: "returns",
  payload: z.object({ what: z.string() }),
  retry,
  hooks: { onFailure: (error) => void ran.push(`onFailure ${String(error).slice(0, 18)}`) },
  run: ({ what }) => {
    ran.push(what);
    return BAD[what]?.();
  },
});
const takesAll = task({ name: "takes_all", payload: z.unknown(), run: () => "ran" });
const doesOnce = task({
  name: "does_once",
  payload: z.object({ result: z.enum(["map", "large"]), wrap: z.boolean() }),
  retry,
  run: async ({ result, wrap }, context) => {
    const work = (): unknown => {
      ran.push(`work in attempt ${context.attempt}`);
      return result === "map" ? BAD.map?.() : "x".repeat(130 * 1024);
    };
    try {
      return await context.once("mail", work);
    } catch (error) {
      throw wrap ? new Error("the mail failed", { cause: error }) : error;
    }
  },
});
const tells = task({
  name: "tells",
  payload: z.object({}),
  run: (_, context) => context.progress({ done: [0.5, 0 / 0] }),
});

class SmtpError extends Error {}
const throws = task({
  name: "throws",
  payload: z.object({ what: z.enum(["fetch", "class", "map"]) }),
  run: async ({ what }) => {
    if (what === "class") throw new SmtpError("550 no such user");
    if (what === "map") throw new Map([["status", 404]]);
    await fetch("http://127.0.0.1:1/");
  },
});

const { engine, bench } = await startBench(
  { returns, takesAll, doesOnce, tells, throws },
  visibility(1, "DefaultQueue"),
);
beforeEach(() => {
  ran = [];
  engine.clock.now = new Date();
});

describe("a result that is no JSON", () => {
  it.each([
    ["nan", "at 'mean.1' it is NaN"],
    ["date", "at 'at' it is an invalid Date"],
    ["bigint", "at 'count' it is a BigInt"],
    ["cycle", "at 'self.0' it is a cycle"],
    ["deep", "it lies deeper than 1000 levels"],
    ["map", "at 'seen' it is a Map"],
    ["promise", "at '0' it is a promise that was not awaited"],
    ["generator", "at 'rows' it is an iterator or generator that was not run"],
    ["getter", "at 'total' it cannot be read (no rows)"],
    ["bytes", "it holds bytes"],
  ])("(%s) fails its task at once, and says so; the work is not done again", async (what, reason) => {
    const result = await returns.delay({ what });
    await bench.work();

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 1,
      error: { code: "RESULT_INVALID", name: "InvalidResultError", message: expect.stringContaining(reason) },
    });
    expect(ran).toEqual([what, "onFailure InvalidResultError"]);
  });

  it("is no fault where the result is not kept", async () => {
    const result = await returns.applyAsync({ what: "map" }, { ignoreResult: true });
    await bench.work();

    expect((await result.fetch()).state).toBe("SUCCESS");
  });
});

describe("a payload that is no JSON", () => {
  it.each(Object.keys(BAD))("(%s) is refused where it is sent, with its place", async (what) => {
    const refused = takesAll.delay({ list: [BAD[what]?.()] });

    await expect(refused).rejects.toThrow(/^Payload of task 'takes_all' was refused at 'list\.0[^ ]*': it /);
    await expect(refused).rejects.toMatchObject({ code: "PAYLOAD_INVALID" });
  });
});

describe("ctx.once with a result that cannot be kept", () => {
  it.each([
    ["map", "at 'seen' it is a Map"],
    ["large", "it is 133122 bytes, and at most 131072 are accepted"],
  ] as const)("(%s) fails the task for good: the work is done", async (kind, reason) => {
    const result = await doesOnce.delay({ result: kind, wrap: false });
    await bench.work();

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 1,
      error: { code: "ONCE_RESULT_INVALID", message: expect.stringContaining(reason) },
    });
    expect(ran).toEqual(["work in attempt 1"]);
  });

  it("says the same to every later run, and does nothing again", async () => {
    const result = await doesOnce.delay({ result: "map", wrap: true });
    await bench.workUntilFinal(result.id);

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      attempt: 6,
      error: { code: "MAX_RETRIES_EXCEEDED", cause: { cause: { code: "ONCE_RESULT_INVALID" } } },
    });
    expect(ran).toEqual(["work in attempt 1"]);
  });
});

describe("progress that is no JSON", () => {
  it("is refused with its place", async () => {
    const result = await tells.delay({});
    await bench.work();

    expect(await result.fetch()).toMatchObject({
      state: "FAILURE",
      error: {
        code: "OPTION_INVALID",
        message:
          "Option 'progress' has the value { done: [ 0.5, NaN ] }: expected JSON, but at 'done.1' it is NaN, which JSON would make null.",
      },
    });
  });
});

describe("JSON that others wrote", () => {
  const deepText = `${"[".repeat(100_000)}1${"]".repeat(100_000)}`;

  /** Puts a message on the queue, its payload as it is written here. */
  async function write(payload: string, change: object = {}): Promise<string> {
    const id = engine.app.newId();
    const sentAt = engine.clock.now.toISOString();
    const message = { v: 1, id, task: "takes_all", attempt: 1, queue: "default", sentAt, rootId: id, ...change };
    const body = JSON.stringify({ ...message, payload: "here" }).replace('"here"', payload);
    const { MessageId = "" } = await engine.clients.sqs.send(
      new SendMessageCommand({ QueueUrl: await engine.queueUrl("DefaultQueue"), MessageBody: body }),
    );
    return MessageId;
  }

  const tooLong = "t".repeat(300_000);
  it.each<[string, string, object, string]>([
    ["a number that would change", '{"n":12345678901234567890}', {}, "at 'payload.n' the number 12345678901234567890"],
    ["a number beyond all numbers", "[1e999]", {}, "at 'payload.0' the number 1e999 would become Infinity"],
    ["too many levels", deepText, {}, "it lies deeper than 1000 levels"],
    ["an endless name", "1", { task: tooLong }, "its field 'task' is 'ttt"],
    ["an endless queue", "1", { queue: tooLong }, "its field 'queue' is 'ttt"],
    ["an endless time", "1", { expires: `2027-01-01T00:00:00Z (${tooLong})` }, "its field 'expires' is '2027"],
    ["an endless version", "1", { v: tooLong }, "its version is 'ttt"],
  ])("with %s is recorded as unreadable, whole, and gone from the queue", async (_, payload, change, reason) => {
    const messageId = await write(payload, change);
    expect(await bench.work()).toEqual([]);

    const { body } = await bench.call("GET", `/tasks/${messageId}`);
    expect(body).toMatchObject({
      state: "FAILURE",
      task: "(unreadable)",
      error: { code: "MESSAGE_INVALID", message: expect.stringContaining(reason) },
    });
    expect(String(Object(body.error).message).length).toBeLessThan(700);
    // Nobody knows what is secret in it: code may look, and the API shows nothing.
    expect(body.payload).toBe("[secret]");
    const kept = await new AsyncResult(messageId, engine.app).fetch();
    expect(String(kept.payload)).toContain(payload.slice(0, 100));
  });

  it("with 1,000 levels, or an exact integer, runs", async () => {
    const payload = `{"n":9007199254740992,"deep":${"[".repeat(999)}${"]".repeat(999)}}`;
    await write(payload);
    expect(await bench.work()).toEqual([]);
    const { status, body } = await bench.call("POST", "/tasks/takes_all", { payload: JSON.parse(payload) });
    expect(status).toBe(202);
    await bench.workUntilFinal(String(body.id));

    expect(await engine.app.results.read(String(body.id))).toMatchObject({
      state: "SUCCESS",
      payload: JSON.parse(payload),
    });
  });
});

describe("the record of a failure", () => {
  it("says why a fetch failed", async () => {
    const result = await throws.delay({ what: "fetch" });
    await bench.work();

    const { body } = await bench.call("GET", `/tasks/${result.id}`);
    expect(body.error).toMatchObject({
      name: "TypeError",
      message: "fetch failed",
      cause: { message: expect.any(String) },
    });
    await expect(result.get()).rejects.toThrow(/^TypeError: fetch failed \(Error: /);
    await expect(result.get()).rejects.toMatchObject({ cause: { cause: { message: expect.any(String) } } });
  });

  it("names the class of an error, and shows what was thrown that is none", async () => {
    const named = await throws.delay({ what: "class" });
    const map = await throws.delay({ what: "map" });
    await bench.work();

    expect((await named.fetch()).error).toMatchObject({ name: "SmtpError", message: "550 no such user" });
    expect((await map.fetch()).error?.message).toBe("Map(1) { 'status' => 404 }");
  });
});
