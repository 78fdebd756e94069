import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import { before, play, steps } from "../../helpers/change-histories.ts";
import { type Engine, startEngine } from "../../helpers/engine.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

describe("the table of the test kit", () => {
  it("makes and refuses changes as DynamoDB does", { timeout: 60_000 }, async () => {
    const memory = createMemoryTable();
    await fc.assert(
      fc.asyncProperty(before, steps, async (items, changes) => {
        const history = { pk: randomUUID(), items, steps: changes, together: false };
        expect(await play(memory, history)).toEqual(await play(engine.table, history));
      }),
      { numRuns: 60 },
    );
  });
});
