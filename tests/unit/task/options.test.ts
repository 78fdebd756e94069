import { describe, expect, it } from "vitest";
import { type ApplyOptions, resolveOptions } from "../../../shared/task/options.ts";

const now = new Date("2026-11-22T08:00:00.000Z");
const resolve = (options: ApplyOptions) => resolveOptions(options, now, "default");

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
  });

  it.each<[Record<string, unknown>, string]>([
    [{ countdown: 34_560_001 }, "Option 'countdown' has the value 34560001: expected 0 to 34560000 seconds."],
    [{ countdown: -1 }, "expected 0 to 34560000 seconds"],
    [{ countdown: "5" }, "expected 0 to 34560000 seconds"],
    [{ countdown: Number.NaN }, "expected 0 to 34560000 seconds"],
    [{ countdown: 1, eta: now }, "not both"],
    [{ eta: "tomorrow" }, "an ISO-8601 time with its zone"],
    [{ eta: "2026-11-22T09:00:00" }, "an ISO-8601 time with its zone"],
    [{ eta: "2028-11-22T09:00:00Z" }, "at most 34560000 seconds from now"],
    [{ expires: 0 }, "more than 0"],
    [{ expires: 10, countdown: 20 }, "a time after the task's eta"],
    [{ queue: "Bad Queue" }, "a lower-case name"],
    [{ idempotencyKey: "" }, "1 to 256 characters"],
    [{ idempotencyKey: "x".repeat(257) }, "1 to 256 characters"],
    [{ idempotencyExpires: 60 }, "an 'idempotencyKey' beside it"],
    [{ idempotencyKey: "a", idempotencyExpires: 0 }, "expected 1 to 34560000 seconds"],
    [{ idempotencyKey: "a", throttle: { key: "b", period: 60 } }, "not to be given with 'idempotencyKey'"],
    [{ debounce: { key: "a", wait: 5 }, countdown: 5 }, "no 'countdown' or 'eta'"],
    [{ debounce: { key: "a", wait: 0 } }, "{ key: 1 to 256 characters, wait: 1 second or more"],
    [{ debounce: { key: "a", wait: 10, maxWait: 5 } }, "maxWait?: not less than wait"],
    [{ debounce: { key: "a", wait: 10, mxaWait: 50 } }, "maxWait?: not less than wait"],
    [{ throttle: { key: "a" } }, "period: 1 second or more"],
    [{ throttle: "a" }, "period: 1 second or more"],
    [{ tags: "a" }, "up to 10 texts of 1 to 128 characters"],
    [{ tags: Array.from({ length: 11 }, String) }, "up to 10 texts"],
    [{ tags: [""] }, "up to 10 texts"],
    [{ headers: { a: 1 } }, "texts by name"],
    [{ headers: { a: "x".repeat(5_000) } }, "at most 4096 bytes"],
    [{ headers: null }, "texts by name"],
    [{ messageGroupId: "ä" }, "1 to 128 letters, digits and punctuation"],
    [{ messageGroupId: "" }, "1 to 128 letters, digits and punctuation"],
    [{ timeLimit: 901 }, "more than 0 and at most 900 seconds"],
    [{ softTimeLimit: 0 }, "more than 0 and at most 900 seconds"],
    [{ ignoreResult: "yes" }, "true or false"],
    [{ priority: 9 }, "Option 'priority' has the value undefined: expected one of countdown"],
    [{ toString: 1 }, "expected one of countdown"],
    [{ cuontdown: 5 }, "Option 'cuontdown' has the value undefined: expected one of countdown"],
  ])("refuse %j", (options, sentence) => {
    expect(() => resolve(options)).toThrow(sentence);
  });
});
