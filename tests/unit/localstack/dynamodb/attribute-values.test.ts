import validations from "dynalite/validations/index.js";
import { describe, expect, it } from "vitest";
import { isPlainValue } from "../../../../localstack/dynamodb/attribute-values.ts";

const types = { Item: { type: "Map<AttributeValue>", children: "AttrStruct<ValueStruct>" } };

describe("a value that needs no check", () => {
  it.each<Record<string, unknown>>([
    { S: "" },
    { N: "1.50" },
    { BOOL: false },
    { NULL: true },
    { SS: ["a"] },
    { NS: [] },
    { L: [{ S: "a" }, { M: {} }] },
    { M: { a: { L: [] }, b: { N: "no number" } } },
  ])("is one that dynalite's check lets through as it is: %j", (value) => {
    expect(isPlainValue(value)).toBe(true);
    expect(validations.checkTypes({ Item: { value: structuredClone(value) } }, types)).toEqual({ Item: { value } });
  });

  it.each([
    null,
    "text",
    [],
    {},
    { S: 5 },
    { S: null },
    { N: 5 },
    { X: "unknown" },
    { S: "two", N: "2" },
    { BOOL: "true" },
    { SS: "a" },
    { SS: [1] },
    { L: [{}] },
    { L: { S: "a" } },
    { M: { a: { S: 5 } } },
    { M: [] },
    { B: "AA==" },
  ])("is none of those that are wrong, or binary: %j", (value) => {
    expect(isPlainValue(value)).toBe(false);
  });
});
