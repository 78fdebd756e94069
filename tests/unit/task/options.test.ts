import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { beatSchedule, task } from "../../../shared/index.ts";
import { type ApplyOptions, resolveOptions } from "../../../shared/task/options.ts";

const now = new Date("2026-11-22T08:00:00.000Z");
const resolve = (options: ApplyOptions, limits: { timeLimit?: number; softTimeLimit?: number } = {}) =>
  resolveOptions(options, now, { queue: "default", timeLimit: limits.timeLimit, softTimeLimit: limits.softTimeLimit });

describe("options of a call", () => {
  it("turn countdown and eta into the same time, and none into none", () => {
    expect(resolve({}).eta).toBeUndefined();
    expect(resolve({ countdown: 0 }).eta).toBeUndefined();
    expect(resolve({ countdown: 1.2 }).eta).toEqual(new Date("2026-11-22T08:00:01.200Z"));
    expect(resolve({ countdown: 34_560_000 }).eta).toEqual(new Date("2027-12-27T08:00:00.000Z"));
    expect(resolve({ eta: "2026-11-22T09:01:00+01:00" }).eta).toEqual(new Date("2026-11-22T08:01:00.000Z"));
    expect(resolve({ eta: new Date(0) }).eta).toBeUndefined();
  });

  it("read expires as seconds or as a time", () => {
    expect(resolve({ expires: 60 }).expires).toEqual(new Date("2026-11-22T08:01:00.000Z"));
    expect(resolve({ expires: "2026-11-22T10:00:00Z" }).expires).toEqual(new Date("2026-11-22T10:00:00Z"));
    expect(resolve({ debounce: { key: "a", wait: 5 }, expires: 6 }).expires).toEqual(new Date(now.getTime() + 6000));
  });

  it("are taken as they are at the moment of the call", () => {
    const [eta, tags, headers] = [new Date(now.getTime() + 5000), ["a"], { by: "ada" }];
    const debounce = { key: "a", wait: 5 };
    const [delayed, debounced] = [resolve({ eta, tags, headers }), resolve({ debounce })];
    eta.setTime(0);
    tags.push("b");
    headers.by = "bob";
    debounce.key = "b";

    expect(delayed).toMatchObject({ eta: new Date(now.getTime() + 5000), tags: ["a"], headers: { by: "ada" } });
    expect(debounced.debounce).toEqual({ key: "a", wait: 5 });
  });

  it("take a Date of another realm for what it is", () => {
    const foreign: Date = runInNewContext("new Date(1795334460000)");

    expect(resolve({ eta: foreign }).eta).toEqual(new Date(1_795_334_460_000));
  });

  it.each<[ApplyOptions, { timeLimit?: number; softTimeLimit?: number }, string]>([
    [
      { timeLimit: 5, softTimeLimit: 5 },
      {},
      "'softTimeLimit' has the value 5: expected less than timeLimit, which is 5",
    ],
    [
      { softTimeLimit: 60 },
      { timeLimit: 30 },
      "'softTimeLimit' has the value 60: expected less than timeLimit, which is 30",
    ],
    [
      { timeLimit: 5 },
      { softTimeLimit: 10 },
      "'timeLimit' has the value 5: expected more than softTimeLimit, which is 10",
    ],
  ])("refuse the limits %j of a task with %j", (options, limits, sentence) => {
    expect(() => resolve(options, limits)).toThrow(sentence);
  });

  it("leave a task's own limits alone, and take a pair that fits", () => {
    expect(resolve({}, { timeLimit: 5, softTimeLimit: 10 })).not.toHaveProperty("timeLimit");
    expect(resolve({ timeLimit: 5, softTimeLimit: 4 }, { softTimeLimit: 10 })).toMatchObject({ softTimeLimit: 4 });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ countdown: 34_560_001 }, "Option 'countdown' has the value 34560001: expected 0 to 34560000 seconds."],
    [{ countdown: -1 }, "expected 0 to 34560000 seconds"],
    [{ countdown: "5" }, "expected 0 to 34560000 seconds"],
    [{ countdown: Number.NaN }, "expected 0 to 34560000 seconds"],
    [{ countdown: 1, eta: now }, "Option 'countdown' cannot be given together with 'eta': each says when"],
    [{ eta: "tomorrow" }, "an ISO-8601 time with its zone"],
    [{ eta: "2026-11-22T09:00:00" }, "an ISO-8601 time with its zone"],
    [{ eta: "12-01-2027" }, "an ISO-8601 time with its zone"],
    [{ eta: "1Z" }, "an ISO-8601 time with its zone"],
    [{ eta: "2026-11-31T08:00:00Z" }, "an ISO-8601 time with its zone"],
    [{ eta: new Date(Number.NaN) }, "a Date or an ISO-8601 time"],
    [{ eta: 1_795_334_460_000 }, "a Date or an ISO-8601 time"],
    [{ expires: "12-01-2027" }, "an ISO-8601 time with its zone"],
    [{ expires: new Date(8.64e15) }, "from 1970 to 9999"],
    [{ expires: now }, "expected a time after the call, for the task would never run"],
    [{ expires: "2026-11-22T07:59:59Z" }, "expected a time after the call"],
    [{ expires: 0.0001 }, "expected a time after the call"],
    [{ expires: Number.POSITIVE_INFINITY }, "at most 34560000 seconds"],
    [{ eta: "2028-11-22T09:00:00Z" }, "at most 34560000 seconds from now"],
    [{ expires: 0 }, "more than 0"],
    [{ expires: 10, countdown: 20 }, "a time after the task's eta"],
    [{ queue: "Bad Queue" }, "a lower-case name"],
    [{ idempotencyKey: "" }, "1 to 256 characters"],
    [{ idempotencyKey: "x".repeat(257) }, "1 to 256 characters"],
    [{ idempotencyExpires: 60 }, "Option 'idempotencyKey' is missing: 'idempotencyExpires' says how long"],
    [{ idempotencyKey: "a", idempotencyExpires: 0 }, "expected 1 to 34560000 seconds"],
    [
      { idempotencyKey: "a", throttle: { key: "b", period: 60 } },
      "Option 'throttle' cannot be given together with 'idempotencyKey'",
    ],
    [{ debounce: { key: "a", wait: 10 }, expires: 10 }, "expected a time after the debounce's wait of 10 seconds"],
    [{ debounce: { key: "a", wait: 10 }, expires: "2026-11-22T08:00:09Z" }, "after the debounce's wait of 10 seconds"],
    [{ idempotencyKey: "a\ud800" }, "1 to 256 characters, none a lone surrogate"],
    [{ throttle: { key: "\udfff", period: 5 } }, "none a lone surrogate"],
    [{ debounce: { key: "\ud800", wait: 5 } }, "none a lone surrogate"],
    [{ tags: ["\ud800"] }, "none a lone surrogate"],
    [{ headers: { by: "\ud800" } }, "texts by name without a lone surrogate"],
    [{ headers: { "\ud800": "by" } }, "texts by name without a lone surrogate"],
    [{ debounce: { key: "a", wait: 5 }, countdown: 5 }, "Option 'debounce' cannot be given together with 'countdown'"],
    [{ debounce: { key: "a", wait: 0 } }, "{ key: 1 to 256 characters, none a lone surrogate, wait: 1 second or more"],
    [{ debounce: { key: "a", wait: 10, maxWait: 5 } }, "maxWait?: not less than wait"],
    [{ debounce: { key: "a", wait: 10, mxaWait: 50 } }, "maxWait?: not less than wait"],
    [{ throttle: { key: "a" } }, "period: 1 second or more"],
    [{ throttle: "a" }, "period: 1 second or more"],
    [{ tags: "a" }, "up to 10 texts of 1 to 128 characters"],
    [{ tags: Array.from({ length: 11 }, String) }, "up to 10 texts"],
    [{ tags: [""] }, "up to 10 texts"],
    [{ headers: { a: 1 } }, "texts by name"],
    [{ headers: { a: "x".repeat(5000) } }, "at most 4096 bytes"],
    [{ headers: null }, "texts by name"],
    [{ messageGroupId: "ä" }, "1 to 128 letters, digits and punctuation"],
    [{ messageGroupId: "" }, "1 to 128 letters, digits and punctuation"],
    [{ timeLimit: 901 }, "more than 0 and at most 900 seconds"],
    [{ softTimeLimit: 0 }, "more than 0 and at most 900 seconds"],
    [{ ignoreResult: "yes" }, "true or false"],
    [{ priority: 9 }, "Option 'priority' is unknown: expected one of countdown, eta"],
    [{ idempotency_key: "a" }, "did you mean 'idempotencyKey'?"],
    [{ toString: 1 }, "expected one of countdown"],
    [{ cuontdown: 5 }, "Option 'cuontdown' is unknown: did you mean 'countdown'? Known are countdown, eta"],
  ])("refuse %j", (options, sentence) => {
    expect(() => resolve(options)).toThrow(sentence);
  });
});

describe("options of a task", () => {
  const declare = (options: object) => () => task({ name: "t", run: () => null, ...options });

  it.each<[object, string]>([
    [{ max_retries: 3 }, "Option 'max_retries' is unknown: expected one of name, payload"],
    [{ ratelimit: "1/s" }, "Option 'ratelimit' is unknown: did you mean 'rateLimit'?"],
    [{ retry: { maxRetry: 3 } }, "Option 'retry.maxRetry' is unknown: did you mean 'maxRetries'?"],
    [
      { retry: { backoff: { factor: 2 } } },
      "Option 'retry.backoff.factor' is unknown: expected one of base, max, jitter",
    ],
    [{ retry: 3 }, "Option 'retry' has the value 3: expected an object of maxRetries"],
    [{ hooks: { onSucces: () => {} } }, "Option 'hooks.onSucces' is unknown: did you mean 'onSuccess'?"],
  ])("refuse %j", (options, sentence) => {
    expect(declare(options)).toThrow(sentence);
  });

  it("refuse a field of a schedule entry that is not known", () => {
    const entry = { task: task({ name: "t", run: () => null }), schedule: "rate(1 day)", timeZone: "Europe/Berlin" };

    expect(() => beatSchedule({ nightly: entry })).toThrow(
      "Option 'beatSchedule.nightly.timeZone' is unknown: did you mean 'timezone'?",
    );
  });
});
