import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, vi } from "vitest";
import type { FunctionDefinition } from "../../../localstack/lambda/functions.ts";
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

describe("A function that answers", () => {
  it("gets the event as JSON would carry it and answers with JSON text", async () => {
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

  it("answers null when it returns nothing", async () => {
    const result = await start([define("nothing")]).invoke("nothing", {});

    expect(result).toEqual({ ok: true, payload: "null" });
  });

  it("may send messages of its own to the parent process, which mean nothing", async () => {
    start([define("sendsMessages")]);

    expect(await payloadOf("sendsMessages")).toBe("fine");
  });

  it("may be a TypeScript file", async () => {
    start([define("handler", { module: join(FIXTURES, "typed.ts") })]);

    expect(await payloadOf("handler", { n: 21 })).toBe(42);
  });

  it("sees Lambda's context, and the remaining time going down", async () => {
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

  it("has Lambda's variables and its own, and nothing of this process", async () => {
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

  it("has its output in the log, line by line, under its name", async () => {
    start([define("talks")]);

    await payloadOf("talks");

    await vi.waitFor(() => expect(lines).toHaveLength(3), SOON);
    expect(lines.toSorted()).toEqual(["[talks] a warning", "[talks] first line", "[talks] second line"]);
  });
});

describe("An event that Lambda would not take", () => {
  it.each([
    ["above 6 MB", "x".repeat(6_291_456), "RequestEntityTooLargeException"],
    ["that is no JSON", { id: 1n }, "InvalidRequestContentException"],
  ])("An event %s is refused without a sandbox", async (_fault, event, errorType) => {
    const result = await start([define("echo")]).invoke("echo", event);

    expect(result).toMatchObject({ ok: false, errorType });
    expect(children().filter(({ command }) => command.includes("lambda/runtime"))).toEqual([]);
  });
});

it("an unknown function is not found", async () => {
  const result = await start([]).invoke("nobody", {});

  expect(result).toMatchObject({ ok: false, errorType: "ResourceNotFoundException" });
});

describe("Replacing the definitions", () => {
  const answering = async (text: string): Promise<FunctionDefinition> => {
    const module = join(directory, `${text}.mjs`);
    const code = `export const handler = async ({ ms }) => { await new Promise((r) => setTimeout(r, ms)); return "${text}"; };`;
    await writeFile(module, code);
    return define("handler", { module });
  };

  it("new calls run the new code while a running one finishes on the old, whose sandbox then ends", async () => {
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

  it("a function of one sandbox is not throttled while the old one ends", async () => {
    const [before, after] = [await answering("before"), await answering("after")];
    start([{ ...before, reservedConcurrency: 1 }]);
    await payloadOf("handler", { ms: 0 });

    functions?.replace([{ ...after, reservedConcurrency: 1 }]);

    expect(await payloadOf("handler", { ms: 0 })).toBe("after");
  });

  it("the same file, edited, is imported anew", async () => {
    const definition = await answering("same");
    start([definition]);
    const first = await payloadOf("handler", { ms: 0 });

    await writeFile(definition.module, 'export const handler = async () => "edited";');
    functions?.replace([definition]);

    expect([first, await payloadOf("handler", { ms: 0 })]).toEqual(["same", "edited"]);
  });

  it("a function that is no longer defined is not found", async () => {
    start([define("echo")]);

    functions?.replace([]);

    expect(await functions?.invoke("echo", {})).toMatchObject({ errorType: "ResourceNotFoundException" });
  });
});

describe("The end", () => {
  it("a signal of the terminal does not reach an invocation", async () => {
    start([define("sleeps")]);
    const pid = Number(await payloadOf("sleeps", { ms: 0 }));

    const running = payloadOf("sleeps", { ms: 200 });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);

    expect(await running).toBe(pid);
  });

  it("closing lets running invocations finish, takes no new ones and leaves no process", async () => {
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

  it("closing kills what runs longer than the drain time", async () => {
    start([define("hangs", { module: FAILURES, timeoutSeconds: 60 })]);
    const running = functions?.invoke("hangs", {});
    await vi.waitFor(() => expect(writtenPids()).toHaveLength(1), SOON);

    await functions?.close({ drainMilliseconds: 50 });

    expect(await running).toMatchObject({ errorMessage: expect.stringContaining("signal: killed") });
    expect(children()).toEqual([]);
  });

  it("a second close with less patience ends the first", async () => {
    start([define("hangs", { module: FAILURES, timeoutSeconds: 60 })]);
    const running = functions?.invoke("hangs", {});

    const patient = functions?.close({ drainMilliseconds: 60_000 });
    await functions?.close({ drainMilliseconds: 0 });
    await patient;

    expect(await running).toMatchObject({ ok: false });
  });

  it("killing the parent leaves no sandbox, not even one that blocks its event loop", async () => {
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
