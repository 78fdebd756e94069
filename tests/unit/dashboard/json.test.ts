import { describe, expect, it } from "vitest";
import { ExactNumber, readExact, writeExact } from "../../../shared/dashboard/json.ts";

describe("JSON as it came", () => {
  it.each(["1970670598291982290", "-9007199254740993", "123456789012345678901234567890"])(
    "keeps the digits of %s",
    (text) => {
      expect(readExact(`{"n":${text}}`)).toEqual({ n: new ExactNumber(text) });
      expect(writeExact(readExact(`{"n":[${text}]}`))).toBe(`{\n  "n": [\n    ${text}\n  ]\n}`);
    },
  );

  it("reads all else as numbers", () => {
    expect(readExact("[1,-0,1.50,1e3,9007199254740991]")).toEqual([1, -0, 1.5, 1000, 9_007_199_254_740_991]);
  });

  it("writes what JSON writes", () => {
    const value = { a: [], b: {}, c: ["x\u2028", null, true], d: { e: 1.5 } };
    expect(writeExact(value)).toBe(JSON.stringify(value, null, 2));
    expect(writeExact(value, null)).toBe(JSON.stringify(value));
  });
});
