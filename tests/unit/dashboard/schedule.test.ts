import { describe, expect, it } from "vitest";
import { type Entry, rulesOf, runWords, standingOf, wallTime } from "../../../shared/dashboard/schedule.ts";

const entry: Entry = {
  name: "nightly",
  static: false,
  next: ["2027-03-28T02:30:00+01:00"],
  edition: "e",
  task: "echo",
  schedule: "30 2 * * *",
  enabled: true,
  keepHistory: 60,
};

describe("words about schedule entries", () => {
  it("tell one that fires from one that is paused, over, or cannot be read", () => {
    expect(standingOf(entry)).toBe("runs");
    expect(standingOf({ ...entry, enabled: false })).toBe("paused");
    expect(standingOf({ ...entry, next: [] })).toBe("over");
    expect(standingOf({ ...entry, broken: "why" })).toBe("broken");
  });

  it("show a fire time as its zone's clocks do", () => {
    expect(wallTime("2027-03-28T03:30:00+02:00")).toBe("2027-03-28 03:30:00 +02:00");
    expect(wallTime("soon")).toBe("soon");
  });

  it("have a shape and a sentence for each outcome", () => {
    const at = "2026-01-02T03:04:05Z";

    expect(runWords({ at, outcome: "run", state: "FAILURE" }, "UTC")).toEqual({
      shape: "▲",
      sentence: "2026-01-02 03:04:05: FAILURE",
    });
    expect(runWords({ at, outcome: "manual", state: "SUCCESS", reason: "ops" }, "UTC").sentence).toBe(
      "2026-01-02 03:04:05: SUCCESS, by hand, ops",
    );
    expect(runWords({ at, until: "2026-01-02T04:00:00Z", outcome: "missed", count: 9 }, "UTC")).toEqual({
      shape: "✕",
      sentence: "2026-01-02 03:04:05 to 2026-01-02 04:00:00: missed, 9 fire times",
    });
  });

  it("send back an entry's own fields, also those that the form does not show", () => {
    expect(rulesOf(entry)).toEqual({ task: "echo", schedule: "30 2 * * *", enabled: true, keepHistory: 60 });
  });
});
