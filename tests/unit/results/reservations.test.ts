import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../shared/message/json.ts";
import { sortedHash } from "../../../shared/results/reservations.ts";

const parse = (text: string): Json => JSON.parse(text);
const isSame = (one: string, other: string): boolean => sortedHash(parse(one)) === sortedHash(parse(other));

/** The same value with the fields of its objects in another order. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, one]) => [name, turned(one)] as const)
      .reverse(),
  );
}

describe("the hash of a payload", () => {
  it.each([
    ['{"a":1,"b":2}', '{"b":2,"a":1}'],
    ['{"a":{"x":1,"y":[{"m":1,"n":2}]}}', '{"a":{"y":[{"n":2,"m":1}],"x":1}}'],
    ['{"a":1.0,"b":1e2}', '{"b":100,"a":1}'],
    ['{"__proto__":1,"a":2}', '{"a":2,"__proto__":1}'],
    ['{"2":1,"1":2,"z":3}', '{"z":3,"1":2,"2":1}'],
  ])("is that of %s and of %s", (one, other) => {
    expect(isSame(one, other)).toBe(true);
  });

  it.each([
    ["[1,2]", "[2,1]"],
    ["[1,[2]]", "[[1],2]"],
    ["[12]", "[1,2]"],
    ["{}", "[]"],
    ["{}", "null"],
    ['{"a":null}', "{}"],
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":"b\\",\\"c"}', '{"a":"b","c":""}'],
    ['{"__proto__":1}', "{}"],
    ['"\\ud800"', '"\\udfff"'],
    ['"é"', '"e\u0301"'],
  ])("tells %s from %s", (one, other) => {
    expect(isSame(one, other)).toBe(false);
  });

  it("is that of the same fields in any order, and of nothing else", () => {
    const json = fc.json().map(parse);
    fc.assert(fc.property(json, (value) => void expect(sortedHash(turned(value))).toBe(sortedHash(value))));
    fc.assert(
      fc.property(json, json, (one, other) => {
        if (sortedHash(one) === sortedHash(other)) expect(one).toEqual(other);
      }),
    );
  });

  it("bears any depth, and texts longer than a piece", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    const long = "x".repeat(200_000);

    expect(isSame(deep, deep)).toBe(true);
    expect(isSame(JSON.stringify([long, { b: long, a: 1 }]), JSON.stringify([long, { a: 1, b: long }]))).toBe(true);
    expect(isSame(JSON.stringify([long, "a"]), JSON.stringify([long, "b"]))).toBe(false);
  });
});
