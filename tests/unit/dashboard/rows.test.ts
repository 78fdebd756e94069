import { describe, expect, it } from "vitest";
import { merged, timeOf } from "../../../shared/dashboard/rows.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const record = (id: string, state: TaskRecord["state"] = "PENDING"): TaskRecord => ({
  id,
  state,
  task: "add",
  queue: "default",
  attempt: 1,
  payload: null,
  createdAt: "",
  rootId: id,
});

describe("rows of the tasks' page", () => {
  it("are newest first, each once, as they were seen last", () => {
    const rows = merged([record("3"), record("1")], [record("2"), record("1", "SUCCESS")]);

    expect(rows.map(({ id, state }) => `${id} ${state}`)).toEqual(["3 PENDING", "2 PENDING", "1 SUCCESS"]);
  });
});

describe("a cursor", () => {
  it("says back to when everything was looked at", () => {
    expect(timeOf("0198c0de-1234-7abc-8def-0123456789ab")).toBe(new Date(0x01_98_c0_de_12_34).toISOString());
  });
});
