import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { describeError, MaxRetriesExceededError, TaskTimeLimitError } from "../../shared/errors.ts";

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
    expect(record.stack?.length).toBeLessThan(7_000);
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
});
