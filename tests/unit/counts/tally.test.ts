import { describe, expect, it } from "vitest";
import { createTally, OTHERS, packRow, type Row, unpackRow } from "../../../shared/counts/tally.ts";

const row = (task: string, state = "SUCCESS"): Row => ({
  task,
  state,
  count: 1,
  runs: 1,
  waitMilliseconds: { sum: 5, max: 5 },
  runMilliseconds: { sum: 7, max: 7 },
});

describe("a tally", () => {
  it("adds sums, and keeps the greatest", () => {
    const tally = createTally();
    tally.add(row("add"));
    tally.add({ ...row("add"), count: 2, runs: 1, waitMilliseconds: { sum: 9, max: 8 } });
    tally.add(row("add", "FAILURE"));

    expect(tally.rows()).toEqual([
      { ...row("add"), count: 3, runs: 2, waitMilliseconds: { sum: 14, max: 8 }, runMilliseconds: { sum: 14, max: 7 } },
      row("add", "FAILURE"),
    ]);
  });

  it("stays small, however many names come and however long they are", () => {
    const tally = createTally();
    for (let name = 0; name < 1100; name++) tally.add(row(`task_${name}`));
    tally.add(row("task_0"));
    const rows = tally.rows();

    expect(rows).toHaveLength(1001);
    expect(rows.find(({ task }) => task === OTHERS)?.count).toBe(100);
    expect(rows.find(({ task }) => task === "task_0")?.count).toBe(2);

    const long = createTally();
    long.add(row("x".repeat(100_000)));
    expect(long.rows()[0]?.task).toHaveLength(128);
  });

  it("reads back what it has packed, and nothing else", () => {
    expect(unpackRow(packRow(row("add")))).toEqual(row("add"));
    for (const other of [null, {}, [], ["add"], [1, 2, 3]]) expect(unpackRow(other)).toBeUndefined();
  });
});
