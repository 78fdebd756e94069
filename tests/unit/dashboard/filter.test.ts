import { describe, expect, it } from "vitest";
import { toSearch, withTerm } from "../../../shared/dashboard/filter.ts";
import type { TaskRecord } from "../../../shared/results/record.ts";
import { fits, readSearch, textsOf, writeSearch } from "../../../shared/search.ts";

const record: TaskRecord = {
  id: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
  task: "send_email",
  state: "FAILURE",
  queue: "low",
  attempt: 2,
  payload: { to: "team@example.com", big: 7 },
  error: { name: "SmtpError", message: "no such mailbox, it says", code: "550" },
  createdAt: "2026-11-27T16:00:00.000Z",
  rootId: "01a21de8-a77d-7966-8c1d-267ed5dd377e",
  tags: ["customer-7", "a b"],
  headers: { locale: "de" },
};
/** Divided between the service and the page, as they do it. */
const keeps = (text: string): boolean => {
  const { query, keep } = toSearch(readSearch(text).terms);
  const asked = Object.entries(query).map(([name, value]) => (name === "search" ? value : `${name}:${value}`));
  const terms = asked.flatMap((one) => readSearch(one).terms);
  return terms.every((term) => fits(term, textsOf(record, term.field))) && (keep?.(record) ?? true);
};

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
    'error:"mailbox, it"',
    '-error:"x, y"',
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
    'error:"such, it"',
    "mailbox nothing",
  ])("'%s' does not", (text) => {
    expect(keeps(text)).toBe(false);
  });

  it("asks the service for all but values, which the page looks into", () => {
    const { query, keep } = toSearch(readSearch("state:failure task:a task:b -queue:low x payload:y").terms);

    expect(query).toEqual({ state: "FAILURE", task: "a", search: "task:b -queue:low x" });
    expect(keep).toBeDefined();
    expect(toSearch(readSearch("state:FAILURE tag:x").terms)).toEqual({
      query: { state: "FAILURE", tag: "x" },
      keep: undefined,
      hasStates: true,
    });
  });

  it("tells a field that there is not, and leaves out one without a value", () => {
    expect(readSearch("stat:FAILURE")).toEqual({ terms: [], unknown: ["stat"] });
    expect(readSearch("state: task:,")).toEqual({ terms: [], unknown: [] });
    expect(readSearch("  ")).toEqual({ terms: [], unknown: [] });
  });

  it.each(['state:FAILURE,RETRY -tag:"a b" word', '"-word" "http://x/" -"a:b"', 'tag:"a,b",c', 'error:"x: y"'])(
    "is written as it is read: %s",
    (text) => {
      expect(writeSearch(readSearch(text).terms)).toBe(text);
      expect(readSearch(text).unknown).toEqual([]);
    },
  );

  it("changes one field and leaves the others", () => {
    expect(withTerm("state:FAILURE task:add x", "state", "RETRY")).toBe("task:add x state:RETRY");
    expect(withTerm("state:FAILURE x", "state", undefined)).toBe("x");
    expect(withTerm("task:add -task:b", "task", "c", true)).toBe("task:add -task:b -task:c");
  });
});
