import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRetryable, retryDelay, toRetryPolicy } from "../../../shared/task/retry-policy.ts";

class SmtpError extends Error {}
class BadAddress extends SmtpError {}

describe("retry policy", () => {
  it("doubles up to its maximum when there is no jitter", () => {
    const policy = toRetryPolicy({ backoff: { base: 2, max: 60, jitter: false } });

    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => retryDelay(policy, attempt, Math.random))).toEqual([
      2, 4, 8, 16, 32, 60, 60,
    ]);
  });

  it("draws from the whole range with jitter, and never leaves it", () => {
    const policy = toRetryPolicy({ backoff: { base: 2, max: 60 } });

    expect(retryDelay(policy, 3, () => 0)).toBe(0);
    expect(retryDelay(policy, 3, () => 0.5)).toBe(4);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 101 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const seconds = retryDelay(policy, attempt, () => random);
          expect(seconds).toBeGreaterThanOrEqual(0);
          expect(seconds).toBeLessThanOrEqual(60);
        },
      ),
    );
  });

  it("retries every error, or those named, less those excepted", () => {
    expect(isRetryable(toRetryPolicy({}), new Error("x"))).toBe(true);
    expect(isRetryable(toRetryPolicy(undefined), new Error("x"))).toBe(false);
    expect(isRetryable(toRetryPolicy({ on: [SmtpError] }), new Error("x"))).toBe(false);
    expect(isRetryable(toRetryPolicy({ on: [SmtpError] }), new BadAddress("x"))).toBe(true);
    expect(isRetryable(toRetryPolicy({ on: [SmtpError], notOn: [BadAddress] }), new BadAddress("x"))).toBe(false);
  });

  it.each([
    [{ maxRetries: -1 }, "Option 'retry.maxRetries' has the value -1: expected a whole number from 0 to 100."],
    [{ maxRetries: 1.5 }, "retry.maxRetries"],
    [{ backoff: { base: 4e7 } }, "Option 'retry.backoff.base' has the value 40000000: expected 0 to 34560000 seconds."],
    [{ backoff: { max: Number.NaN } }, "retry.backoff.max"],
  ])("refuses %j", (options, sentence) => {
    expect(() => toRetryPolicy(options)).toThrow(sentence);
  });
});
