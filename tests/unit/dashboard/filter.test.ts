import { describe, expect, it } from "vitest";
import { readFilter, toSearch, withTerm, writeFilter } from "../../../shared/dashboard/filter.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";

const record: TaskRecord = {
  id: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
  task: "send_email",
  state: "FAILURE",
  queue: "low",
  attempt: 2,
  payload: { to: "team@example.com", big: 7 },
  error: { name: "SmtpError", message: "no such mailbox", code: "550" },
  createdAt: "2026-11-27T16:00:00.000Z",
  rootId: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
  tags: ["customer-7", "a b"],
  headers: { locale: "de" },
};
const keeps = (text: string): boolean => toSearch(readFilter(text).terms).keep?.(record) ?? true;

describe("the search", () => {
  it.each([
    "state:FAILURE,RETRY",
    "state:failure,retry -task:add",
    "-state:SUCCESS",
    "task:send_email,add",
    'tag:"a b",x',
    "error:mailbox",
    'error:"no such"',
    "error:550",
    "payload:team@example.com",
    "header:locale=de",
    "mailbox",
    "CUSTOMER",
    "id:267ed5dd",
    "mailbox -result:10",
  ])("'%s' finds the task", (text) => {
    expect(keeps(text)).toBe(true);
  });

  it.each([
    "-error:mailbox",
    "-state:FAILURE,RETRY",
    "tag:customer,x",
    "-tag:customer-7",
    "result:1",
    "nothing",
    "-mailbox",
  ])("'%s' does not", (text) => {
    expect(keeps(text)).toBe(false);
  });

  it("asks the service for what it can say, and keeps the rest for itself", () => {
    const { query, keep, needsValues } = toSearch(readFilter("state:failure task:a task:b -queue:low payload:x").terms);

    expect(query).toEqual({ state: "FAILURE", task: "a" });
    expect(keep).toBeDefined();
    expect(needsValues).toBe(true);
    expect(toSearch(readFilter("state:FAILURE tag:x").terms)).toEqual({
      query: { state: "FAILURE", tag: "x" },
      keep: undefined,
      needsValues: false,
      hasStates: true,
    });
  });

  it("tells a field that there is not, and leaves out one without a value", () => {
    expect(readFilter("stat:FAILURE")).toEqual({ terms: [], unknown: ["stat"] });
    expect(readFilter("state: task:,")).toEqual({ terms: [], unknown: [] });
    expect(readFilter("  ")).toEqual({ terms: [], unknown: [] });
  });

  it("is written as it is read", () => {
    const text = 'state:FAILURE,RETRY -tag:"a b" word';
    expect(writeFilter(readFilter(text).terms)).toBe(text);
  });

  it("changes one field and leaves the others", () => {
    expect(withTerm("state:FAILURE task:add x", "state", "RETRY")).toBe("task:add x state:RETRY");
    expect(withTerm("state:FAILURE x", "state", undefined)).toBe("x");
    expect(withTerm("task:add -task:b", "task", "c", true)).toBe("task:add -task:b -task:c");
  });
});
