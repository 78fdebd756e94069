import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfigError,
  describeError,
  IdempotencyKeyReusedError,
  InvalidMessageError,
  InvalidOptionError,
  InvalidPayloadError,
  InvalidScheduleError,
  MaxRetriesExceededError,
  TaskFailedError,
  TaskNotFoundError,
  TaskNotRegisteredError,
  TaskTimeLimitError,
} from "../../shared/errors.ts";

describe("the record of an error", () => {
  it("keeps name, message, stack and code", () => {
    const record = describeError(new TaskTimeLimitError("slow", 30));

    expect(record).toMatchObject({
      name: "TaskTimeLimitError",
      code: "TASK_TIME_LIMIT",
      message: "Task 'slow' ran longer than its time limit of 30 s and was stopped.",
    });
    expect(record.stack).toContain("errors.test.ts");
  });

  it("says of the last retry what went wrong", () => {
    expect(describeError(new MaxRetriesExceededError("flaky", 2, new Error("no route"))).message).toBe(
      "Task 'flaky' failed 3 times: no route",
    );
  });

  it("keeps a long message once, and its frames", () => {
    const message = "x".repeat(100_000);
    const record = describeError(new Error(message));

    expect(record.message).toBe(message);
    expect(record.stack?.length).toBeLessThan(7000);
    expect(record.stack).toContain("errors.test.ts");
  });

  it("can be made of anything that is thrown", () => {
    const hostile = Object.assign(new Error("x".repeat(100_000)), { name: 7, stack: undefined });
    Object.defineProperty(hostile, "name", { value: { toString: null } });

    expect(describeError(hostile).message.length).toBe(100_000);
    expect(describeError(undefined)).toEqual({ name: "NonErrorThrown", message: "undefined" });
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const text = JSON.stringify(describeError(thrown));
        expect(text.length).toBeLessThan(20_000);
      }),
    );
  });

  it("keeps why it came to it: a chain of causes, and the errors of an AggregateError", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED" });
    const attempts = Object.assign(new AggregateError([refused, refused]), { code: "ECONNREFUSED" });
    const record = describeError(new TypeError("fetch failed", { cause: attempts }));

    expect(record).toEqual({
      name: "TypeError",
      message: "fetch failed",
      stack: expect.any(String),
      cause: {
        name: "AggregateError",
        message: "",
        code: "ECONNREFUSED",
        errors: [
          { name: "Error", message: refused.message, code: "ECONNREFUSED" },
          { name: "Error", message: refused.message, code: "ECONNREFUSED" },
        ],
      },
    });
    expect(describeError(new MaxRetriesExceededError("get", 2, new Error("x", { cause: refused }))).message).toBe(
      "Task 'get' failed 3 times: x (Error: connect ECONNREFUSED 127.0.0.1:9)",
    );
  });

  it("keeps a cause that is no error, and both errors of a disposal that failed", () => {
    const suppressed = Object.assign(new Error("of both"), {
      error: new Error("late"),
      suppressed: new Error("first"),
    });

    expect(describeError(new Error("x", { cause: { status: 404 } })).cause).toEqual({
      name: "NonErrorThrown",
      message: "{ status: 404 }",
    });
    expect(describeError(suppressed).errors?.map(({ message }) => message)).toEqual(["late", "first"]);
  });

  it("is bounded: five causes, ten errors, forty in all, and no chain that comes back to itself", () => {
    const cycle = new Error("a");
    cycle.cause = new Error("b", { cause: cycle });
    const chain = Array.from({ length: 50 }).reduce<Error>((cause) => new Error("c", { cause }), new Error("root"));
    const wide = (levels: number): Error =>
      new AggregateError(
        Array.from({ length: 20 }, () => (levels === 0 ? new Error("y".repeat(100_000)) : wide(levels - 1))),
        "z".repeat(5000),
      );

    expect(describeError(cycle).cause).toEqual({ name: "Error", message: "b" });
    expect(JSON.stringify(describeError(chain)).match(/"cause"/g)).toHaveLength(5);
    const record = describeError(wide(2));
    expect(record.errors).toHaveLength(10);
    expect(record.moreErrors).toBe(10);
    expect(JSON.stringify(record).length).toBeLessThan(110_000);
  });

  it("knows errors of another realm, and classes that did not set a name", () => {
    class SmtpError extends Error {}
    class Gone extends RangeError {
      override name = "410";
    }
    // As a minifier leaves it.
    const Short = { e: class extends Error {} }.e;

    expect(describeError(runInNewContext("new TypeError('no', { cause: new Error('why') })"))).toMatchObject({
      name: "TypeError",
      message: "no",
      cause: { name: "Error", message: "why" },
    });
    expect(describeError(new SmtpError("550")).name).toBe("SmtpError");
    expect(describeError(new Gone("x")).name).toBe("410");
    expect(describeError(new Short("x")).name).toBe("Error");
  });

  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const circular: Record<string, unknown> = { a: 1 };
  circular.self = circular;
  it.each<[string, unknown, string]>([
    ["a Map", new Map([["a", { b: 1 }]]), "Map(1) { 'a' => { b: 1 } }"],
    ["a Set", new Set([1]), "Set(1) { 1 }"],
    ["a BigInt", 5n, "5n"],
    ["a huge BigInt", 10n ** 100_000n, "a BigInt of more than 100 digits"],
    ["a circular object", circular, "<ref *1> { a: 1, self: [Circular *1] }"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["a function", function named() {}, "[Function: named]"],
    ["a revoked Proxy", proxy, "<Revoked Proxy>"],
    [
      "an object that says what it is by throwing",
      {
        get [Symbol.toStringTag]() {
          throw new Error("no");
        },
      },
      "{",
    ],
  ])("shows %s", (_, thrown, picture) => {
    expect(describeError(thrown).message).toContain(picture);
  });

  it("survives a Proxy whose traps throw, and a cause that cannot be read", () => {
    const trap = (): never => {
      throw new Error("trapped");
    };
    const hostile = new Proxy(new Error("inside"), { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
    const secret = Object.defineProperty(new Error("outside"), "cause", { get: trap });

    expect(describeError(hostile).message).toContain("inside");
    expect(describeError(secret)).toMatchObject({ name: "Error", message: "outside" });
  });

  it("is thrown again by get(), with its causes", () => {
    const record = describeError(new TypeError("fetch failed", { cause: new RangeError("bad port") }));
    const error = new TaskFailedError("7", record);

    expect(error.message).toBe("TypeError: fetch failed (RangeError: bad port)");
    expect(error.failure).toBe(record);
    expect(error.cause).toMatchObject({ name: "TypeError", message: "fetch failed", stack: record.stack });
    expect(error.cause).toHaveProperty("cause.message", "bad port");
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe("a refusal", () => {
  const long = "'\"".repeat(1_000_000);
  const issue = { message: long, path: [long, ...Array.from({ length: 10_000 }, (_, index) => index)] };
  it.each<[string, Error]>([
    ["a value", new InvalidOptionError("eta", long, "a time")],
    ["the name of an option", new InvalidOptionError(long, undefined, "one of")],
    ["a number", new InvalidOptionError("size", 10n ** 3_000n, "a number")],
    [
      "a list",
      new InvalidOptionError(
        "tags",
        Array.from({ length: 100_000 }, () => long),
        "texts",
      ),
    ],
    ["an object", new InvalidOptionError("headers", { [long]: long }, "texts")],
    ["what is nested", new InvalidOptionError("headers", JSON.parse("[".repeat(9999) + "]".repeat(9999)), "texts")],
    ["a setting", new ConfigError("BROKER_URL", long, "a URL", "Set it.")],
    [
      "a task",
      new TaskNotRegisteredError(
        long,
        Array.from({ length: 1000 }, () => "t".repeat(128)),
      ),
    ],
    ["an id", new TaskNotFoundError(long)],
    ["a key", new IdempotencyKeyReusedError("add", long)],
    ["a message", new InvalidMessageError(`its field 'x' is ${long}`)],
    ["a schedule", new InvalidScheduleError(`schedule '${long}'`, "another")],
    [
      "a schema's issues",
      new InvalidPayloadError(
        "add",
        Array.from({ length: 10_000 }, () => issue),
      ),
    ],
  ])("repeats little of %s", (_, error) => {
    expect(error.message.length).toBeLessThan(3500);
    expect(error.message).toMatch(/… |…'|more|Array/);
  });

  it("says how much it has left out, and ends with a whole character", () => {
    const { message } = new InvalidOptionError("eta", `a${"😀".repeat(5000)}`, "a time");

    expect(message).toBe(`Option 'eta' has the value 'a${"😀".repeat(49)}…' (10001 characters): expected a time.`);
    expect(new InvalidPayloadError("add", [issue, issue, issue]).message).toContain(" (and 2 more).");
    expect(
      new TaskNotRegisteredError(
        "x",
        Array.from({ length: 25 }, (_, n) => `t${n}`),
      ).message,
    ).toContain("'t19' and 5 more.");
  });
});
