import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import {
  children,
  define,
  directory,
  FAILURES,
  FIXTURES,
  functions,
  lines,
  lives,
  payloadOf,
  SOON,
  start,
  writtenPids,
} from "./functions-ground.ts";

describe("A function that fails, fails its invocation only", () => {
  it.each([
    ["throws", "SmtpError", /^mailbox full$/],
    ["throwsText", "string", /^just text$/],
    ["throwsFromTimer", "RangeError", /^from a timer$/],
    ["rejectsUnheard", "Runtime.UnhandledPromiseRejection", /^TypeError: nobody listens$/],
    ["callbackStyle", "Runtime.CallbackHandlerDeprecated", /removed support for callback-based function handlers/],
    ["notAFunction", "Runtime.HandlerNotFound", /^failures.notAFunction is not a function$/],
    ["missing", "Runtime.HandlerNotFound", /^failures.missing is undefined or not exported$/],
  ])("%s", async (handler, errorType, message) => {
    start([define(handler, { module: FAILURES }), define("echo")]);

    const result = await functions?.invoke(handler, {});

    expect(result).toMatchObject({ ok: false, errorType, errorMessage: expect.stringMatching(message) });
    expect(result).not.toHaveProperty("throttled");
    expect(await payloadOf("echo", 1)).toBe(1);
    expect(lines[0]).toMatch(`[${handler}] ERROR`);
  });

  it("by an answer that is no JSON", async () => {
    const result = await start([define("unserialisable")]).invoke("unserialisable", {});

    expect(result).toMatchObject({
      errorType: "Runtime.MarshalError",
      errorMessage: "Unable to stringify response body",
    });
  });

  it("by an answer above Lambda's 6 MB", async () => {
    const result = await start([define("huge")]).invoke("huge", {});

    const errorMessage = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    expect(result).toMatchObject({ errorType: "Function.ResponseSizeTooLarge", errorMessage });
  });

  it.each([
    [3, "Runtime exited with error: exit status 3"],
    [0, "Runtime exited without providing a reason"],
  ])("by process.exit(%i), at once", async (code, reason) => {
    start([define("exits", { module: FAILURES, timeoutSeconds: 60 })]);

    const result = await functions?.invoke("exits", { code });

    const errorMessage = expect.stringMatching(new RegExp(`^RequestId: [0-9a-f-]{36} Error: ${reason}$`));
    expect(result).toEqual({ ok: false, errorType: "Runtime.ExitError", errorMessage });
  });

  it("by using more memory than it has", async () => {
    start([define("exhaustsMemory", { module: FAILURES, memorySizeMb: 40, timeoutSeconds: 60 })]);

    const result = await functions?.invoke("exhaustsMemory", {});

    const errorMessage = expect.stringMatching(/Error: Runtime exited with error: signal: \w+/);
    expect(result).toMatchObject({ ok: false, errorType: "Runtime.ExitError", errorMessage });
  });

  it.each(["hangs", "blocks"])("by time: %s", async (handler) => {
    start([define(handler, { module: FAILURES, timeoutSeconds: 0.5 })]);

    const result = await functions?.invoke(handler, {});

    const words = /^\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f-]{36} Task timed out after 0\.50 seconds$/;
    expect(result).toMatchObject({ ok: false, errorMessage: expect.stringMatching(words) });
    const [pid] = writtenPids();
    expect(pid).toBeGreaterThan(0);
    expect(lives(pid ?? 0)).toBe(false);
  });

  it("by time, together with the processes it started", async () => {
    start([define("spawnsAndHangs", { module: FAILURES, timeoutSeconds: 0.5 })]);

    await functions?.invoke("spawnsAndHangs", {});

    const pids = writtenPids();
    expect(pids).toHaveLength(2);
    await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), SOON);
  });

  it.each([
    ["throws-on-import.mjs", "Error", "no configuration"],
    ["exits-on-import.mjs", "Runtime.ExitError", "exit status 4"],
    ["nowhere.mjs", "Runtime.ImportModuleError", "Cannot find module"],
  ])("by its import: %s", async (file, errorType, message) => {
    start([define("handler", { module: join(FIXTURES, file) })]);

    const results = [await functions?.invoke("handler", {}), await functions?.invoke("handler", {})];

    const errorMessage = expect.stringContaining(message);
    expect(results).toMatchObject([
      { ok: false, errorType, errorMessage },
      { ok: false, errorType, errorMessage },
    ]);
  });

  it("by a syntax error, whose file is in the trace", async () => {
    const module = join(directory, "bad.mjs");
    await writeFile(module, "export const handler = async () => {");

    const result = await start([define("handler", { module })]).invoke("handler", {});

    expect(result).toMatchObject({ errorType: "Runtime.UserCodeSyntaxError", errorMessage: /^SyntaxError: / });
    expect(JSON.stringify(result)).toContain(module);
  });

  it("after its answer: the next invocation gets a fresh sandbox", async () => {
    start([define("breaksLater", { module: FAILURES })]);

    const first = await payloadOf("breaksLater");
    await vi.waitFor(() => expect(lines.join()).toContain("after the answer"), SOON);
    await vi.waitFor(() => expect(children().filter(({ command }) => command.includes("sandbox"))).toEqual([]), SOON);

    expect([first, await payloadOf("breaksLater")]).toEqual(["fine", "fine"]);
  });

  it("does not disturb its neighbours of the same function", async () => {
    start([define("sleeps"), define("throwsFromTimer", { module: FAILURES })]);

    const [slow, failed] = await Promise.all([
      payloadOf("sleeps", { ms: 200 }),
      functions?.invoke("throwsFromTimer", {}),
    ]);

    expect(slow).toBeGreaterThan(0);
    expect(failed).toMatchObject({ ok: false });
  });
});

describe("Concurrency", () => {
  it("one sandbox serves calls that follow each other, and keeps its module's state", async () => {
    start([define("counts")]);

    const answers = [await payloadOf("counts"), await payloadOf("counts"), await payloadOf("counts")];

    const pid = Object(answers[0]).pid;
    expect(answers).toEqual([1, 2, 3].map((count) => ({ pid, count })));
  });

  it("calls at the same time get a sandbox each, and the one that ran last is used again", async () => {
    start([define("sleeps")]);

    const pids = await Promise.all([100, 150, 400].map((ms) => payloadOf("sleeps", { ms })));
    const next = await payloadOf("sleeps", { ms: 0 });

    expect(new Set(pids).size).toBe(3);
    expect(next).toBe(pids[2]);
  });

  it.each([
    ["the cap of sandboxes", { max: 2 }, {}],
    ["the function's reserved concurrency", {}, { reservedConcurrency: 2 }],
  ])("Calls above %s are throttled, and taken again when one is free", async (_cap, options, reserved) => {
    start([define("sleeps", reserved)], options);

    const results = await Promise.all([1, 2, 3].map(() => functions?.invoke("sleeps", { ms: 50 })));
    const later = await functions?.invoke("sleeps", { ms: 0 });

    const throttled = {
      ok: false,
      errorType: "TooManyRequestsException",
      errorMessage: "Rate Exceeded.",
      throttled: true,
    };
    expect(results.filter((result) => result?.ok)).toHaveLength(2);
    expect(results[2]).toEqual(throttled);
    expect(later).toMatchObject({ ok: true });
  });

  it("a reserved concurrency of 0 stops a function", async () => {
    start([define("echo", { reservedConcurrency: 0 })]);

    await functions?.warm("echo", 1);

    expect(await functions?.invoke("echo", {})).toMatchObject({ throttled: true });
  });

  it("a crash frees its place at once", async () => {
    start([define("exits", { module: FAILURES, reservedConcurrency: 1 })]);

    const results = [await functions?.invoke("exits", { code: 1 }), await functions?.invoke("exits", { code: 2 })];

    expect(results.map((result) => JSON.stringify(result))).toEqual([
      expect.stringContaining("exit status 1"),
      expect.stringContaining("exit status 2"),
    ]);
  });

  it("warm sandboxes are ready before the first call, up to the cap", async () => {
    start([define("counts")], { max: 2 });

    await functions?.warm("counts", 5);

    const warm = children().filter(({ command }) => command.includes("lambda/runtime"));
    expect(warm).toHaveLength(2);
    expect(warm.map(({ pid }) => pid)).toContain(Object(await payloadOf("counts")).pid);
  });

  it("a call while its only sandbox warms up waits for it instead of being throttled", async () => {
    start([define("echo", { reservedConcurrency: 1 })]);

    const warming = functions?.warm("echo", 1);

    expect(await payloadOf("echo", 5)).toBe(5);
    await warming;
  });

  it("a sandbox that was idle for too long ends", async () => {
    start([define("counts")], { idleMilliseconds: 50 });

    const { pid } = Object(await payloadOf("counts"));

    await vi.waitFor(() => expect(lives(pid)).toBe(false), SOON);
    expect(await payloadOf("counts")).toMatchObject({ count: 1 });
  });
});
