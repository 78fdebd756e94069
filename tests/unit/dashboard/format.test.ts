import { describe, expect, it } from "vitest";
import { distance, duration, moment, size } from "../../../shared/dashboard/format.ts";

describe("what people read", () => {
  it.each([
    [0, "0 ms"],
    [-5, "0 ms"],
    [999, "999 ms"],
    [1000, "1 s"],
    [2449, "2.4 s"],
    [9949, "9.9 s"],
    [59_940, "60 s"],
    [60_000, "1 min"],
    [200_000, "3 min 20 s"],
    [3_599_999, "1 h"],
    [187_200_000, "2 d 4 h"],
  ])("%i ms are %s", (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KB"],
    [1536, "1.5 KB"],
    [20 * 1_048_576, "20 MB"],
  ])("%i bytes are %s", (bytes, text) => {
    expect(size(bytes)).toBe(text);
  });

  it("is how long ago, or how soon", () => {
    expect(distance(0, 500)).toBe("now");
    expect(distance(0, 59_999)).toBe("59 s ago");
    expect(distance(0, 7_199_000)).toBe("1 h ago");
    expect(distance(7_200_000, 0)).toBe("in 2 h");
  });

  it.each([
    ["Asia/Kathmandu", "2026-11-27 05:45:00"],
    ["America/St_Johns", "2026-11-26 20:30:00"],
    ["UTC", "2026-11-27 00:00:00"],
  ])("is a moment on a clock in %s", (zone, text) => {
    expect(moment("2026-11-27T00:00:00.000Z", zone)).toBe(text);
  });
});
