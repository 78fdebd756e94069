import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import { createWorkflows } from "../../../shared/workflows/store.ts";

/** A look takes time, as on a real clock. */
function workflowsOfSlowReads() {
  let now = Date.UTC(2026, 0, 1);
  const clock = (): Date => {
    now += 5;
    return new Date(now);
  };
  const nothing = { store: async () => ({ text: "" }), load: async () => "", mayHave: () => false };
  return createWorkflows({ table: createMemoryTable(), clock, largeValues: Object(nothing), resultExpires: () => 0 });
}

it("a look at what was stopped comes to its end, though time goes by meanwhile", async () => {
  const workflows = workflowsOfSlowReads();
  const id = randomUUID();
  await workflows.stop(id, "1");
  expect(await workflows.isStopped(id, "1.0")).toBe(true);
  expect(await workflows.isStopped(id, "1.1")).toBe(true);
  expect(await workflows.isStopped(id, "0.1")).toBe(false);
});
