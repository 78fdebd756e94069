import { describe, expect, it } from "vitest";
import { createConcurrency, isConcurrency } from "../../../shared/limits/concurrency.ts";
import { concurrencyKey } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const ground = () => {
  const table = createMemoryTable();
  const clock = { now: new Date(0) };
  const { enter } = createConcurrency({ table, clock: () => clock.now });
  const run = (id: string, heldUntil = 60_500) =>
    enter({ task: "add", key: undefined, limit: 2, id, heldUntil: new Date(heldUntil) });
  return { table, clock, enter, run };
};

describe("a concurrency limit", () => {
  it.each([1, 2, 100])("may be %j", (value) => {
    expect(isConcurrency(value)).toBe(true);
  });

  it.each([0, -1, 101, 1.5, Number.NaN, "2", undefined])("may not be %j", (value) => {
    expect(isConcurrency(value)).toBe(false);
  });

  it("has so many places, and a place that was left is free", async () => {
    const { run } = ground();
    const first = await run("a");
    expect(await run("b")).toBeDefined();
    expect(await run("c")).toBeUndefined();

    await first?.leave();

    expect(await run("c")).toBeDefined();
    expect(await run("d")).toBeUndefined();
  });

  it("has places for each key", async () => {
    const { run, enter } = ground();
    await run("a");
    await run("b");

    expect(await enter({ task: "add", key: "k", limit: 1, id: "c", heldUntil: new Date(60_000) })).toBeDefined();
  });

  it("does not give the place of one copy of a message away with the other", async () => {
    const { run } = ground();
    const copy = await run("same");
    await run("same");
    await copy?.leave();
    await run("other");

    expect(await run("third")).toBeUndefined();
  });

  it("frees the place of a worker that died 30 seconds after its function's time, rounded up", async () => {
    const { run, clock } = ground();
    await run("dead");
    await run("alive", 900_000);

    clock.now = new Date(91_000);
    expect(await run("next")).toBeUndefined();
    clock.now = new Date(91_001);
    expect(await run("next", 900_000)).toBeDefined();
    expect(await run("one more")).toBeUndefined();
  });

  it("keeps its item for a day after the last run", async () => {
    const { run, table } = ground();
    await run("a");

    expect(await table.get(concurrencyKey("add", undefined))).toMatchObject({ ttl: 61 + 86_400 });
  });

  it("gives a run its place when the answer to its asking was lost, though that filled the last one", async () => {
    const { table, run } = ground();
    await run("a");
    const twice = createConcurrency({
      table: {
        ...table,
        update: async (change) => {
          await table.update(change);
          return table.update(change);
        },
      },
      clock: () => new Date(0),
    });

    expect(
      await twice.enter({ task: "add", key: undefined, limit: 2, id: "b", heldUntil: new Date(60_000) }),
    ).toBeDefined();
  });
});
