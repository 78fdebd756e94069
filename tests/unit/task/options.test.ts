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
    [{ cuontdown: 5 }, "Option 'cuontdown' has the value undefined: expected one of countdown"],
  ])("refuse %j", (options, sentence) => {
    expect(() => resolve(options)).toThrow(sentence);
  });
});
