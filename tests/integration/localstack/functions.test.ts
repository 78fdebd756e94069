import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createFunctions, type FunctionDefinition, type Functions } from "../../../localstack/lambda/functions.ts";

const FIXTURES = new URL("../../fixtures/functions/", import.meta.url).pathname;
const ANSWERS = join(FIXTURES, "answers.mjs");
const FAILURES = join(FIXTURES, "failures.mjs");
const SOON = { timeout: 5000, interval: 20 };

let functions: Functions | undefined;
let lines: string[];
let directory: string;

function define(handler: string, options: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return { name: handler, module: ANSWERS, handler, timeoutSeconds: 5, memorySizeMb: 128, environment: {}, ...options };
}

function start(
  definitions: FunctionDefinition[],
  options: { max?: number; idleMilliseconds?: number } = {},
): Functions {
  functions = createFunctions({
    definitions,
    log: (line) => lines.push(line),
    ...(options.max !== undefined && { maxSandboxesPerFunction: options.max }),
    ...(options.idleMilliseconds !== undefined && { terminateIdleAfterMilliseconds: options.idleMilliseconds }),
  });
  return functions;
}

/** Processes that live, without those that have ended and wait for their parent to notice. */
function processes(): { pid: number; parent: number; command: string }[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state = "Z", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return state.startsWith("Z") ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
  });
}

const lives = (pid: number) => processes().some((one) => one.pid === pid);
const children = () =>
  processes().filter(({ parent, command }) => parent === process.pid && !command.startsWith("ps "));
/** The process ids that a fixture wrote: "hangs in 123". */
const writtenPids = () => lines.flatMap((line) => /\w+ in (\d+)$/.exec(line)?.[1] ?? []).map(Number);

async function payloadOf(name: string, event: unknown = {}): Promise<unknown> {
  const result = await functions?.invoke(name, event);
  if (result?.ok !== true) throw new Error(`'${name}' failed: ${JSON.stringify(result)}`);
  return JSON.parse(result.payload);
}

beforeEach(async () => {
  lines = [];
  directory = await mkdtemp(join(tmpdir(), "lovage-functions-"));
});

afterEach(async () => {
  await functions?.close({ drainMilliseconds: 0 });
  functions = undefined;
  await rm(directory, { recursive: true });
  expect(children()).toEqual([]);
});

describe("A function that answers", () => {
  test("gets the event as JSON would carry it and answers with JSON text", async () => {
    start([define("echo")]);

    const result = await functions?.invoke("echo", {
      text: "ü\u2028\n",
      list: [1, null],
      left: undefined,
      at: new Date(0),
    });

    const payload = '{"text":"ü\u2028\\n","list":[1,null],"at":"1970-01-01T00:00:00.000Z"}';
    expect(result).toEqual({ ok: true, payload });
  });

  test("answers null when it returns nothing", async () => {
    const result = await start([define("nothing")]).invoke("nothing", {});

    expect(result).toEqual({ ok: true, payload: "null" });
  });

  test("may send messages of its own to the parent process, which mean nothing", async () => {
    start([define("sendsMessages")]);

    expect(await payloadOf("sendsMessages")).toBe("fine");
  });

  test("may be a TypeScript file", async () => {
    start([define("handler", { module: join(FIXTURES, "typed.ts") })]);

    expect(await payloadOf("handler", { n: 21 })).toBe(42);
  });

  test("sees Lambda's context, and the remaining time going down", async () => {
    start([define("context", { name: "orders", memorySizeMb: 256, timeoutSeconds: 3 })]);

    const context = await payloadOf("orders");

    expect(context).toEqual({
      callbackWaitsForEmptyEventLoop: true,
      functionName: "orders",
      functionVersion: "$LATEST",
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:orders",
      memoryLimitInMB: "256",
      awsRequestId: expect.stringMatching(/^[0-9a-f]{8}-/),
      logGroupName: "/aws/lambda/orders",
      logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      remaining: [expect.toSatisfy((ms) => ms > 2500 && ms <= 3000), expect.toSatisfy((ms) => ms > 2000 && ms <= 2955)],
    });
  });

  test("has Lambda's variables and its own, and nothing of this process", async () => {
    vi.stubEnv("SECRET_OF_THE_PARENT", "x");
    start([define("environment", { environment: { TABLE: "tasks", AWS_REGION: "eu-west-1", TZ: "Europe/Berlin" } })]);

    const { variables, argv } = Object(await payloadOf("environment"));

    expect(variables).toEqual({
      TABLE: "tasks",
      PATH: process.env.PATH,
      TZ: "Europe/Berlin",
      LANG: "en_US.UTF-8",
      LAMBDA_TASK_ROOT: process.cwd(),
      _HANDLER: "answers.environment",
      AWS_REGION: "eu-west-1",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_EXECUTION_ENV: expect.stringMatching(/^AWS_Lambda_nodejs\d+\.x$/),
      AWS_LAMBDA_FUNCTION_NAME: "environment",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/environment",
      AWS_LAMBDA_LOG_STREAM_NAME: expect.any(String),
    });
    expect(argv).toEqual(["--max-old-space-size=128", "--enable-source-maps"]);
    vi.unstubAllEnvs();
  });

  test("has its output in the log, line by line, under its name", async () => {
    start([define("talks")]);

    await payloadOf("talks");

    await vi.waitFor(() => expect(lines).toHaveLength(3), SOON);
    expect(lines.toSorted()).toEqual(["[talks] a warning", "[talks] first line", "[talks] second line"]);
  });
});

describe("A function that fails, fails its invocation only", () => {
  test.each([
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

  test("by an answer that is no JSON", async () => {
    const result = await start([define("unserialisable")]).invoke("unserialisable", {});

    expect(result).toMatchObject({
      errorType: "Runtime.MarshalError",
      errorMessage: "Unable to stringify response body",
    });
  });

  test("by an answer above Lambda's 6 MB", async () => {
    const result = await start([define("huge")]).invoke("huge", {});

    const errorMessage = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    expect(result).toMatchObject({ errorType: "Function.ResponseSizeTooLarge", errorMessage });
  });

  test.each([
    [3, "Runtime exited with error: exit status 3"],
    [0, "Runtime exited without providing a reason"],
  ])("by process.exit(%i), at once", async (code, reason) => {
    start([define("exits", { module: FAILURES, timeoutSeconds: 60 })]);

    const result = await functions?.invoke("exits", { code });

    const errorMessage = expect.stringMatching(new RegExp(`^RequestId: [0-9a-f-]{36} Error: ${reason}$`));
    expect(result).toEqual({ ok: false, errorType: "Runtime.ExitError", errorMessage });
  });

  test("by using more memory than it has", async () => {
    start([define("exhaustsMemory", { module: FAILURES, memorySizeMb: 40, timeoutSeconds: 60 })]);

    const result = await functions?.invoke("exhaustsMemory", {});

    const errorMessage = expect.stringMatching(/Error: Runtime exited with error: signal: \w+/);
    expect(result).toMatchObject({ ok: false, errorType: "Runtime.ExitError", errorMessage });
  });

  test.each(["hangs", "blocks"])("by time: %s", async (handler) => {
    start([define(handler, { module: FAILURES, timeoutSeconds: 0.5 })]);

    const result = await functions?.invoke(handler, {});

    const words = /^\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f-]{36} Task timed out after 0\.50 seconds$/;
    expect(result).toMatchObject({ ok: false, errorMessage: expect.stringMatching(words) });
    const [pid] = writtenPids();
    expect(pid).toBeGreaterThan(0);
    expect(lives(pid ?? 0)).toBe(false);
  });

  test("by time, together with the processes it started", async () => {
    start([define("spawnsAndHangs", { module: FAILURES, timeoutSeconds: 0.5 })]);

    await functions?.invoke("spawnsAndHangs", {});

    const pids = writtenPids();
    expect(pids).toHaveLength(2);
    await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), SOON);
  });

  test.each([
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

  test("by a syntax error, whose file is in the trace", async () => {
    const module = join(directory, "bad.mjs");
    await writeFile(module, "export const handler = async () => {");

    const result = await start([define("handler", { module })]).invoke("handler", {});

    expect(result).toMatchObject({ errorType: "Runtime.UserCodeSyntaxError", errorMessage: /^SyntaxError: / });
    expect(JSON.stringify(result)).toContain(module);
  });

  test("after its answer: the next invocation gets a fresh sandbox", async () => {
    start([define("breaksLater", { module: FAILURES })]);

    const first = await payloadOf("breaksLater");
    await vi.waitFor(() => expect(lines.join()).toContain("after the answer"), SOON);
    await vi.waitFor(() => expect(children().filter(({ command }) => command.includes("sandbox"))).toEqual([]), SOON);

    expect([first, await payloadOf("breaksLater")]).toEqual(["fine", "fine"]);
  });

  test("does not disturb its neighbours of the same function", async () => {
    start([define("sleeps"), define("throwsFromTimer", { module: FAILURES })]);

    const [slow, failed] = await Promise.all([
      payloadOf("sleeps", { ms: 200 }),
      functions?.invoke("throwsFromTimer", {}),
    ]);

    expect(slow).toBeGreaterThan(0);
    expect(failed).toMatchObject({ ok: false });
  });
});

describe("An event that Lambda would not take", () => {
  test.each([
    ["above 6 MB", "x".repeat(6_291_456), "RequestEntityTooLargeException"],
    ["that is no JSON", { id: 1n }, "InvalidRequestContentException"],
  ])("An event %s is refused without a sandbox", async (_fault, event, errorType) => {
    const result = await start([define("echo")]).invoke("echo", event);

    expect(result).toMatchObject({ ok: false, errorType });
    expect(children().filter(({ command }) => command.includes("lambda/runtime"))).toEqual([]);
  });
});

test("An unknown function is not found", async () => {
  const result = await start([]).invoke("nobody", {});

  expect(result).toMatchObject({ ok: false, errorType: "ResourceNotFoundException" });
});

describe("Concurrency", () => {
  test("One sandbox serves calls that follow each other, and keeps its module's state", async () => {
    start([define("counts")]);

    const answers = [await payloadOf("counts"), await payloadOf("counts"), await payloadOf("counts")];

    const pid = Object(answers[0]).pid;
    expect(answers).toEqual([1, 2, 3].map((count) => ({ pid, count })));
  });

  test("Calls at the same time get a sandbox each, and the one that ran last is used again", async () => {
    start([define("sleeps")]);

    const pids = await Promise.all([100, 150, 400].map((ms) => payloadOf("sleeps", { ms })));
    const next = await payloadOf("sleeps", { ms: 0 });

    expect(new Set(pids).size).toBe(3);
    expect(next).toBe(pids[2]);
  });

  test.each([
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

  test("A reserved concurrency of 0 stops a function", async () => {
    start([define("echo", { reservedConcurrency: 0 })]);

    await functions?.warm("echo", 1);

    expect(await functions?.invoke("echo", {})).toMatchObject({ throttled: true });
  });

  test("A crash frees its place at once", async () => {
    start([define("exits", { module: FAILURES, reservedConcurrency: 1 })]);

    const results = [await functions?.invoke("exits", { code: 1 }), await functions?.invoke("exits", { code: 2 })];

    expect(results.map((result) => JSON.stringify(result))).toEqual([
      expect.stringContaining("exit status 1"),
      expect.stringContaining("exit status 2"),
    ]);
  });

  test("Warm sandboxes are ready before the first call, up to the cap", async () => {
    start([define("counts")], { max: 2 });

    await functions?.warm("counts", 5);

    const warm = children().filter(({ command }) => command.includes("lambda/runtime"));
    expect(warm).toHaveLength(2);
    expect(warm.map(({ pid }) => pid)).toContain(Object(await payloadOf("counts")).pid);
  });

  test("A call while its only sandbox warms up waits for it instead of being throttled", async () => {
    start([define("echo", { reservedConcurrency: 1 })]);

    const warming = functions?.warm("echo", 1);

    expect(await payloadOf("echo", 5)).toBe(5);
    await warming;
  });

  test("A sandbox that was idle for too long ends", async () => {
    start([define("counts")], { idleMilliseconds: 50 });

    const { pid } = Object(await payloadOf("counts"));

    await vi.waitFor(() => expect(lives(pid)).toBe(false), SOON);
    expect(await payloadOf("counts")).toMatchObject({ count: 1 });
  });
});

describe("Replacing the definitions", () => {
  const answering = async (text: string): Promise<FunctionDefinition> => {
    const module = join(directory, `${text}.mjs`);
    const code = `export const handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return "${text}"; };`;
    await writeFile(module, code);
    return define("handler", { module });
  };

  test("New calls run the new code while a running one finishes on the old, whose sandbox then ends", async () => {
    const [before, after] = [await answering("before"), await answering("after")];
    start([before]);
    await payloadOf("handler", { ms: 0 });

    const running = payloadOf("handler", { ms: 400 });
    functions?.replace([after]);
    const answers = [await payloadOf("handler", { ms: 0 }), await payloadOf("handler", { ms: 0 }), await running];

    expect(answers).toEqual(["after", "after", "before"]);
    const ofOld = () => children().filter(({ command }) => command.includes("before.mjs"));
    await vi.waitFor(() => expect(ofOld()).toEqual([]), SOON);
  });

  test("A function of one sandbox is not throttled while the old one ends", async () => {
    const [before, after] = [await answering("before"), await answering("after")];
    start([{ ...before, reservedConcurrency: 1 }]);
    await payloadOf("handler", { ms: 0 });

    functions?.replace([{ ...after, reservedConcurrency: 1 }]);

    expect(await payloadOf("handler", { ms: 0 })).toBe("after");
  });

  test("The same file, edited, is imported anew", async () => {
    const definition = await answering("same");
    start([definition]);
    const first = await payloadOf("handler", { ms: 0 });

    await writeFile(definition.module, 'export const handler = async () => "edited";');
    functions?.replace([definition]);

    expect([first, await payloadOf("handler", { ms: 0 })]).toEqual(["same", "edited"]);
  });

  test("A function that is no longer defined is not found", async () => {
    start([define("echo")]);

    functions?.replace([]);

    expect(await functions?.invoke("echo", {})).toMatchObject({ errorType: "ResourceNotFoundException" });
  });
});

describe("The end", () => {
  test("A signal of the terminal does not reach an invocation", async () => {
    start([define("sleeps")]);
    const pid = Number(await payloadOf("sleeps", { ms: 0 }));

    const running = payloadOf("sleeps", { ms: 200 });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);

    expect(await running).toBe(pid);
  });

  test("Closing lets running invocations finish, takes no new ones and leaves no process", async () => {
    start([define("sleeps"), define("echo")]);
    await payloadOf("echo");
    const running = payloadOf("sleeps", { ms: 300 });
    expect(functions?.running()).toBe(1);

    const closed = functions?.close({ drainMilliseconds: 5000 });
    const late = await functions?.invoke("echo", {});
    await closed;

    expect(late).toMatchObject({ ok: false, errorType: "ServiceUnavailableException" });
    expect(await running).toBeGreaterThan(0);
    expect(functions?.running()).toBe(0);
    expect(children()).toEqual([]);
  });

  test("Closing kills what runs longer than the drain time", async () => {
    start([define("hangs", { module: FAILURES, timeoutSeconds: 60 })]);
    const running = functions?.invoke("hangs", {});
    await vi.waitFor(() => expect(writtenPids()).toHaveLength(1), SOON);

    await functions?.close({ drainMilliseconds: 50 });

    expect(await running).toMatchObject({ errorMessage: expect.stringContaining("signal: killed") });
    expect(children()).toEqual([]);
  });

  test("A second close with less patience ends the first", async () => {
    start([define("hangs", { module: FAILURES, timeoutSeconds: 60 })]);
    const running = functions?.invoke("hangs", {});

    const patient = functions?.close({ drainMilliseconds: 60_000 });
    await functions?.close({ drainMilliseconds: 0 });
    await patient;

    expect(await running).toMatchObject({ ok: false });
  });

  test("Killing the parent leaves no sandbox, not even one that blocks its event loop", async () => {
    const parent = spawn(process.execPath, [join(FIXTURES, "parent-process.ts")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface({ input: parent.stdout }).on("line", (line) => lines.push(line));
    await vi.waitFor(() => expect(writtenPids()).toHaveLength(3), SOON);
    const pids = writtenPids();
    expect(pids.filter(lives)).toEqual(pids);

    parent.kill("SIGKILL");
    await once(parent, "exit");

    await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), SOON);
  });
});
