import { describe, expect, it } from "vitest";
import {
  absent,
  allOf,
  anyOf,
  atMost,
  below,
  between,
  type Change,
  type Condition,
  conditionText,
  contains,
  equal,
  isOneOf,
  not,
  present,
  sameAs,
  sizeBelow,
} from "../../../shared/aws/change.ts";
import { Names, updateText } from "../../../shared/aws/expressions.ts";

const key = { pk: "p", sk: "s" };

const update = (change: Omit<Change, "key">) => {
  const names = new Names();
  return [updateText({ key, ...change }, names), names.values];
};

const condition = (one: Condition) => {
  const names = new Names();
  return [conditionText(one, names), names.values];
};

describe("a change becomes an update expression", () => {
  it.each<[string, Omit<Change, "key">, string | undefined, object]>([
    ["values", { set: { a: 1, b: "x" } }, "SET #a = :a, #b = :b", { ":a": 1, ":b": "x" }],
    ["nothing for what is undefined", { set: { a: undefined } }, undefined, {}],
    ["values of a new item", { onCreate: { a: 1 } }, "SET #a = if_not_exists(#a, :a)", { ":a": 1 }],
    ["a value in the place of one of a new item", { onCreate: { a: 1 }, set: { a: 2 } }, "SET #a = :a", { ":a": 2 }],
    [
      "but not one that is undefined",
      { onCreate: { a: 1 }, set: { a: undefined } },
      "SET #a = if_not_exists(#a, :a)",
      { ":a": 1 },
    ],
    ["a copy of a number", { setFrom: { a: "b" } }, "SET #a = if_not_exists(#b, :zero)", { ":zero": 0 }],
    ["a sum", { add: { a: 5 } }, "SET #a = if_not_exists(#a, :zero) + :by", { ":zero": 0, ":by": 5 }],
    [
      "two sums",
      { add: { a: 1, b: 2 } },
      "SET #a = if_not_exists(#a, :zero) + :by, #b = if_not_exists(#b, :zero) + :by2",
      { ":zero": 0, ":by": 1, ":by2": 2 },
    ],
    ["no attribute any more", { remove: ["a", "b"] }, "REMOVE #a, #b", {}],
    [
      "members",
      { addMembers: { a: new Set(["m"]) }, set: { b: 1 } },
      "SET #b = :b ADD #a :a",
      { ":a": new Set(["m"]), ":b": 1 },
    ],
    ["no members any more", { removeMembers: { a: new Set(["m"]) } }, "DELETE #a :a", { ":a": new Set(["m"]) }],
    ["nothing at all", {}, undefined, {}],
  ])("%s", (_, change, text, values) => {
    expect(update(change)).toEqual([text, values]);
  });
});

describe("a condition becomes a text without parentheses", () => {
  it.each<[string, Condition, string, object]>([
    ["equal", equal("a", 1), "#a = :a", { ":a": 1 }],
    ["below and at most", allOf(below("a", 1), atMost("b", 2)), "#a < :a AND #b <= :b", { ":a": 1, ":b": 2 }],
    ["between", between("a", 1, 2), "#a BETWEEN :a AND :a2", { ":a": 1, ":a2": 2 }],
    ["one of", isOneOf("a", ["x", "y"]), "#a IN (:a, :a2)", { ":a": "x", ":a2": "y" }],
    ["absent or present", anyOf(absent("a"), present("b")), "attribute_not_exists(#a) OR attribute_exists(#b)", {}],
    ["same as another", sameAs("a", "b"), "#a = #b", {}],
    ["contains", contains("a", "x"), "contains(#a, :a)", { ":a": "x" }],
    ["a size", sizeBelow("a", 3), "size(#a) < :a", { ":a": 3 }],
    ["not", not(atMost("a", 1)), "NOT #a <= :a", { ":a": 1 }],
    [
      "the same value once",
      anyOf(equal("a", 1), allOf(equal("a", 1), equal("b", 2))),
      "#a = :a OR #a = :a AND #b = :b",
      { ":a": 1, ":b": 2 },
    ],
    [
      "all of any, multiplied out",
      allOf(anyOf(equal("a", 1), equal("b", 2)), equal("c", 3)),
      "#a = :a AND #c = :c OR #b = :b AND #c = :c",
      { ":a": 1, ":b": 2, ":c": 3 },
    ],
  ])("%s", (_, one, text, values) => {
    expect(condition(one)).toEqual([text, values]);
  });

  it("shares names with the change that it belongs to, but no value that differs", () => {
    const names = new Names();
    const text = updateText({ key, set: { state: "STARTED" } }, names);
    expect([text, conditionText(isOneOf("state", ["PENDING", "STARTED"]), names)]).toEqual([
      "SET #state = :state",
      "#state IN (:state2, :state)",
    ]);
    expect(names.attributes).toEqual({ "#state": "state" });
    expect(names.values).toEqual({ ":state": "STARTED", ":state2": "PENDING" });
  });
});
