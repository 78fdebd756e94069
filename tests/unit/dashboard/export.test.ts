import { describe, expect, it } from "vitest";
import { CSV_HEAD, csvLine, jsonLine } from "../../../shared/dashboard/export.ts";
import { ExactNumber } from "../../../shared/dashboard/json.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const record: TaskRecord = {
  id: "0198c0de-1234-7abc-8def-0123456789ab",
  task: "add",
  state: "FAILURE",
  queue: "default",
  attempt: 2,
  payload: null,
  createdAt: "2026-05-13T08:00:00.000Z",
  rootId: "0198c0de-1234-7abc-8def-0123456789ab",
  tags: ["a", "b"],
  error: { name: "Error", message: 'It said "no",\ntwice.' },
};

describe("an export", () => {
  it("as CSV has a cell for each column of its head, and quotes what holds commas, quotes or lines", () => {
    expect(CSV_HEAD).toBe("id,task,state,queue,attempt,createdAt,startedAt,finishedAt,tags,error,message\r\n");
    expect(csvLine(record)).toBe(
      '0198c0de-1234-7abc-8def-0123456789ab,add,FAILURE,default,2,2026-05-13T08:00:00.000Z,,,a b,Error,"It said ""no"",\ntwice."\r\n',
    );
  });

  it.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])("as CSV has no formula of %j", (message) => {
    expect(csvLine({ ...record, error: { name: "Error", message } })).toContain(`,'${message}`);
  });

  it("as JSON Lines is one line with every digit", () => {
    const large = { ...record, result: new ExactNumber("1970670598291982290") };
    const line = jsonLine(Object.assign(record, large));
    expect(line.trimEnd()).not.toContain("\n");
    expect(line).toContain('"result":1970670598291982290');
  });
});
