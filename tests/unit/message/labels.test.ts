import { describe, expect, it } from "vitest";
import { isKey, isTag } from "../../../shared/message/labels.ts";

describe("a key or a tag", () => {
  it.each([["a"], ["é"], ["e\u0301"], ["😀"], [" "], ["#"], ["x".repeat(128)]])("may be %j", (text) => {
    expect([isKey(text), isTag(text)]).toEqual([true, true]);
  });

  it.each([["\ud800"], ["a\udfff"], ["\udfff\ud800"], [""], [7], [null], [undefined], [["a"]]])(
    "is not %j",
    (value) => {
      expect([isKey(value), isTag(value)]).toEqual([false, false]);
    },
  );
});
