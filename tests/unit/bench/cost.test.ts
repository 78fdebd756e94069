import { describe, expect, it } from "vitest";
import { lambdaUsage, toBill } from "../../bench/bill.ts";
import { checkBudget } from "../../bench/budget.ts";

describe("the price of a task", () => {
  it("is the sum of its units by their list prices, for a million", () => {
    const { charges, usd } = toBill({ writeUnit: 3, readUnit: 0, sqsRequest: 0.3, s3Put: 1, s3Get: 1 });

    // 3 × 0.625 + 0 × 0.125 + 0.3 × 0.40 + 5.00 + 0.40
    expect(usd).toBeCloseTo(1.875 + 0.12 + 5.4, 10);
    expect(charges.map(({ priced }) => priced)).toEqual(["writeUnit", "readUnit", "sqsRequest", "s3Put", "s3Get"]);
  });

  it("has Lambda's part by calls of the worker, not by tasks", () => {
    // A call with 10: 0.1 × 0.20 + 0.1 × 0.1 s × 1 GB × 13.3334
    expect(toBill(lambdaUsage(0.1)).usd).toBeCloseTo(0.02 + 0.133_334, 10);
  });
});

describe("the budget of a default task", () => {
  const within = { tasks: 400, usage: { writeUnit: 3, readUnit: 0.01, sqsRequest: 0.3 }, reads: { control: 0.01 } };
  const held = (changes: Partial<Parameters<typeof checkBudget>[0]>): boolean[] =>
    checkBudget({ ...within, ...changes }).map(({ holds }) => holds);

  it("holds with three writes, reads of the control item alone, and full batches", () => {
    expect(held({})).toEqual([true, true, true]);
  });

  it("forgives one write that the SDK repeated in the whole run, and no more", () => {
    expect(held({ usage: { ...within.usage, writeUnit: 1201 / 400 } })[0]).toBe(true);
    expect(held({ usage: { ...within.usage, writeUnit: 1202 / 400 } })[0]).toBe(false);
  });

  it("is exceeded by a read of any record", () => {
    expect(held({ reads: { control: 0.01, task: 0.0025 } })[1]).toBe(false);
  });

  it("is exceeded by batches that are not full", () => {
    expect(held({ usage: { ...within.usage, sqsRequest: 0.31 } })[2]).toBe(true);
    expect(held({ usage: { ...within.usage, sqsRequest: 0.3125 } })[2]).toBe(false);
  });
});
