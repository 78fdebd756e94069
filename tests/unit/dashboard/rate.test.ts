import { describe, expect, it } from "vitest";
import { type ByTask, barsOf, taskRows } from "../../../shared/dashboard/rate.ts";

const period = { from: "2026-05-13T08:00:10.000Z", to: "2026-05-13T08:04:30.000Z", step: "minute" } as const;

describe("bars of the overview", () => {
  it("are one for each whole minute of the period, also where nothing ended", () => {
    const bars = barsOf({
      ...period,
      points: [
        { at: "2026-05-13T08:02:00.000Z", state: "FAILURE", count: 2 },
        { at: "2026-05-13T08:02:00.000Z", state: "SUCCESS", count: 3 },
        { at: "2026-05-13T08:04:00.000Z", state: "RETRY", count: 1 },
      ],
    });

    expect(bars.map(({ at, total, counts }) => [new Date(at).toISOString().slice(11, 16), total, counts])).toEqual([
      ["08:01", 0, {}],
      ["08:02", 5, { FAILURE: 2, SUCCESS: 3 }],
      ["08:03", 0, {}],
      ["08:04", 1, { RETRY: 1 }],
    ]);
  });
});

describe("tasks of the overview", () => {
  const point = (task: string, state: ByTask["points"][number]["state"], count: number, runs = count) => ({
    task,
    state,
    count,
    runs,
    waitMilliseconds: { sum: runs * 10, max: 12 },
    runMilliseconds: { sum: runs * 100, max: 150 + count },
  });

  it("have those with most failures first, then the busiest, and count a retry as no end", () => {
    const rows = taskRows({
      ...period,
      points: [
        point("busy", "SUCCESS", 50),
        point("calm", "SUCCESS", 1),
        point("sick", "FAILURE", 3),
        point("sick", "RETRY", 6),
        point("sick", "SUCCESS", 1),
      ],
    });

    expect(rows).toEqual([
      { task: "sick", ended: 4, failed: 3, retried: 6, meanWait: 10, meanRun: 100, longestRun: 156 },
      { task: "busy", ended: 50, failed: 0, retried: 0, meanWait: 10, meanRun: 100, longestRun: 200 },
      { task: "calm", ended: 1, failed: 0, retried: 0, meanWait: 10, meanRun: 100, longestRun: 151 },
    ]);
  });

  it("that did not run have no times", () => {
    const [row] = taskRows({ ...period, points: [point("gone", "REVOKED", 2, 0)] });

    expect(row).toMatchObject({ ended: 2, meanWait: undefined, meanRun: undefined, longestRun: undefined });
  });
});
