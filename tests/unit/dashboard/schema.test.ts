import { describe, expect, it } from "vitest";
import {
  type Contract,
  emptyValue,
  inputOf,
  resolved,
  type Schema,
  withField,
} from "../../../shared/dashboard/schema.ts";

const contract: Contract = {
  components: {
    schemas: {
      payload_a: {
        type: "object",
        properties: { "x/y": { $ref: "#/components/schemas/payload_a/$defs/n" } },
        required: ["x/y"],
      },
      loop: { $ref: "#/components/schemas/loop" },
    },
  },
};

describe("a schema of the contract", () => {
  it.each<[Schema, string]>([
    [{ type: "string" }, "text"],
    [{ type: "integer" }, "number"],
    [{ type: "boolean" }, "boolean"],
    [{ enum: ["a", "b"] }, "choice"],
    [{ enum: ["a", 1] }, "json"],
    [{ type: "object", properties: {} }, "object"],
    [{ type: "object" }, "json"],
    [{ type: ["string", "null"] }, "json"],
    [{}, "json"],
  ])("%o is entered as %s", (schema, input) => {
    expect(inputOf(schema)).toBe(input);
  });

  it("is found by its reference; a circle ends, and one that leads nowhere is anything", () => {
    expect(resolved({ $ref: "#/components/schemas/payload_a" }, contract)).toMatchObject({ type: "object" });
    expect(resolved({ $ref: "#/components/schemas/none" }, contract)).toEqual({});
    expect(resolved({ $ref: "#/components/schemas/loop" }, contract)).toEqual({ $ref: "#/components/schemas/loop" });
  });

  it("begins with what is said, and nothing else", () => {
    const schema: Schema = {
      type: "object",
      required: ["a", "c"],
      properties: {
        a: { type: "string", default: "x" },
        b: { type: "number" },
        c: { const: 1 },
        d: { type: "number", default: 3 },
      },
    };
    expect(emptyValue(schema, contract)).toEqual({ a: "x", c: 1, d: 3 });
    expect(emptyValue({ type: "string" }, contract)).toBeUndefined();
  });

  it("changes one field", () => {
    expect(withField({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
    expect(withField(undefined, "a", 1)).toEqual({ a: 1 });
  });
});
