import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type Json, task } from "../../../shared/index.ts";

const items = z.object({ items: z.array(z.string()) });
const payload: Json = { items: ["a"] };

/** A schema that does what no library does. */
const schemaThat = (validate: () => unknown): StandardSchemaV1<{ items: string[] }> => ({
  "~standard": {
    version: 1,
    vendor: "test",
    validate: () => validate() as StandardSchemaV1.Result<{ items: string[] }>,
  },
});

describe("a schema that throws", () => {
  it.each([
    [
      "at once",
      () => {
        throw new TypeError("no such field");
      },
      "its schema threw TypeError: no such field.",
    ],
    ["later", () => Promise.reject(new RangeError("too far")), "its schema threw RangeError: too far."],
    [
      "a text",
      () => {
        throw "boom";
      },
      "its schema threw NonErrorThrown: 'boom'.",
    ],
    ["nothing", () => Promise.reject(undefined), "its schema threw NonErrorThrown: undefined."],
    ["by answering nothing", () => undefined, "its schema threw TypeError: "],
    [
      "at length",
      () => {
        throw new Error("x".repeat(5000));
      },
      `its schema threw Error: ${"x".repeat(193)}….`,
    ],
  ])("%s is the caller's invalid payload, and says what it threw", async (_, validate, sentence) => {
    const thrower = task({ name: "thrower", payload: schemaThat(validate), run: () => 1 });
    const refused = thrower.validate(payload);

    await expect(refused).rejects.toMatchObject({ code: "PAYLOAD_INVALID", details: { task: "thrower" } });
    await expect(refused).rejects.toThrow(sentence);
  });

  it("and is zod's refinement that waits, is asked once and heard by nobody else", async () => {
    let asked = 0;
    const lookUp = async (): Promise<boolean> => {
      asked += 1;
      throw new RangeError("the table of customers is away");
    };
    // A promise that rejects unheard would fail the whole run of these tests.
    const customer = task({ name: "customer", payload: z.string().refine(lookUp), run: () => 1 });

    await expect(customer.validate("ada")).rejects.toThrow(
      "its schema threw RangeError: the table of customers is away",
    );
    expect(asked).toBe(1);
  });

  it("is an error of a run like any other", async () => {
    const error = new TypeError("the table of prices is away");
    const thrower = task({ name: "thrower", payload: schemaThat(() => Promise.reject(error)), run: () => 1 });

    await expect(thrower.execute(payload, Object.create(null))).rejects.toBe(error);
  });
});

describe("a key function", () => {
  const boom = (): string => {
    throw new TypeError("no tenant");
  };

  it.each(["messageGroupId", "concurrencyKey"])("that throws is named: %s", async (option) => {
    const thrower = task({ name: "thrower", payload: items, [option]: boom, run: () => 1 });
    const refused = thrower.validate(payload);

    await expect(refused).rejects.toMatchObject({ code: "OPTION_INVALID", details: { option } });
    await expect(refused).rejects.toThrow(`Option '${option}' is missing: its function threw TypeError: no tenant.`);
  });

  it.each([
    ["a lone surrogate", () => "\ud800", "none a lone surrogate"],
    ["a number", () => 7 as unknown as string, "has the value 7: expected 1 to 256 characters"],
    ["a promise that fails", async () => boom(), "expected 1 to 256 characters"],
  ])("that answers with %s is refused", async (_, key, sentence) => {
    const wrong = task({ name: "wrong", payload: items, concurrencyKey: key as () => string, run: () => 1 });

    await expect(wrong.validate(payload)).rejects.toThrow(sentence);
  });
});

describe("a task's definition", () => {
  it.each<[Record<string, unknown>, string]>([
    [{ payload: undefined }, "Option 'payload' has the value undefined: expected a Standard Schema"],
    [{ payload: {} }, "expected a Standard Schema"],
    [{ payload: "items" }, "expected a Standard Schema"],
    [{ expires: Number.POSITIVE_INFINITY }, "expected more than 0 and at most 34560000 seconds"],
    [{ expires: "60" }, "expected more than 0"],
    [{ tags: "import" }, "expected texts of 1 to 128 characters"],
    [{ tags: ["\ud800"] }, "none a lone surrogate"],
  ])("with %j is refused", (options, sentence) => {
    expect(() => task({ name: "t", ...options, run: () => 1 })).toThrow(sentence);
  });
});
