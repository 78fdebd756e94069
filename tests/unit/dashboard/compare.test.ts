import { expect, it } from "vitest";
import { differences } from "../../../shared/dashboard/compare.ts";
import { readExact } from "../../../shared/dashboard/json.ts";

const places = (before: unknown, after: unknown) =>
  differences(before, after).map(({ place, before: a, after: b }) => `${place}: ${a} → ${b}`);

it("values that are the same differ nowhere", () => {
  expect(places({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toEqual([]);
});

it("each place at which values differ is told by its path", () => {
  expect(places({ a: 1, b: { c: [1, 2] }, gone: "x" }, { a: "1", b: { c: [1, 3, 4] }, come: false })).toEqual([
    'a: 1 → "1"',
    "b.c[1]: 2 → 3",
    "b.c[2]: undefined → 4",
    'gone: "x" → undefined',
    "come: undefined → false",
  ]);
  expect(places(1, [1])).toEqual(["the whole: 1 → [1]"]);
});

it("numbers beyond 2^53 are compared digit by digit", () => {
  const [one, other] = ["1970670598291982290", "1970670598291982291"].map((id) => readExact(`{"id":${id}}`));
  expect(places(one, other)).toEqual(["id: 1970670598291982290 → 1970670598291982291"]);
});

it("names that every object has are fields as others are, and a list of a thousand ends", () => {
  expect(places(JSON.parse('{"__proto__":1}'), { toString: 2 })).toEqual([
    "__proto__: 1 → undefined",
    "toString: undefined → 2",
  ]);
  expect(differences(new Array(1000).fill(1), new Array(1000).fill(2))).toHaveLength(50);
});
