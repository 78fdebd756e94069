import { describe, expect, it } from "vitest";
import { createBacklog, type Page } from "../../../shared/dashboard/backlog.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const NOW = Date.parse("2026-11-28T12:00:00Z");
const idAt = (minutes: number): string => {
  const stamp = (NOW - minutes * 60_000).toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-000000000000`;
};
const waits = (minutes: number, eta?: number): TaskRecord => ({
  id: idAt(minutes),
  task: "add",
  state: "PENDING",
  queue: "default",
  attempt: 1,
  payload: null,
  createdAt: new Date(NOW - minutes * 60_000).toISOString(),
  ...(eta !== undefined && { eta: new Date(NOW - eta * 60_000).toISOString() }),
  rootId: idAt(minutes),
});

/** A list of which each page is asked for by its cursor, and what was asked for. */
function pages(list: readonly Page[]) {
  const asked: (string | undefined)[] = [];
  const look = createBacklog(
    async (cursor) => {
      asked.push(cursor);
      const page = list[cursor === undefined ? 0 : list.findIndex((one) => one.cursor === cursor) + 1];
      return page ?? { tasks: [] };
    },
    () => NOW,
  );
  return { look, asked };
}
const empty = (minutes: number): Page => ({ tasks: [], cursor: idAt(minutes) });

describe("the old end of a backlog", () => {
  it("is looked for beyond what has ended, and found again from there", async () => {
    const { look, asked } = pages([empty(90), empty(80), { tasks: [waits(70)], cursor: idAt(70) }]);

    expect(await look()).toEqual({ tasks: [waits(70)], searchedTo: undefined });
    expect(await look()).toEqual({ tasks: [waits(70)], searchedTo: undefined });
    expect(asked).toEqual([undefined, idAt(90), idAt(80), idAt(80)]);
  });

  it("is beyond tasks that wait for their time", async () => {
    const { look } = pages([
      { tasks: [waits(90, -10)], cursor: idAt(90) },
      { tasks: [waits(60, 50), waits(55)], cursor: idAt(55) },
    ]);

    expect((await look()).tasks).toEqual([waits(60, 50), waits(55)]);
  });

  it("is told as far as it was looked for, a few pages a look", async () => {
    const { look } = pages([90, 80, 70, 60, 50].map(empty));

    expect(await look()).toEqual({ tasks: [], searchedTo: "2026-11-28T11:00:00.000Z" });
    expect(await look()).toEqual({ tasks: [], searchedTo: undefined });
  });

  it("begins anew now and then, for a task that ran may wait again", async () => {
    const { look, asked } = pages([empty(90), { tasks: [waits(70)] }]);
    for (let looks = 0; looks < 61; looks += 1) await look();

    expect(asked.filter((cursor) => cursor === undefined)).toHaveLength(2);
  });
});
