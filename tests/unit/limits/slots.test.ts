import { describe, expect, it } from "vitest";
import { type Seen, takeSlots } from "../../../shared/limits/slots.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const key = { pk: "line", sk: "one" };
const line = { key, attribute: "gate", stepMicroseconds: 10, ttl: 99 } as const;
const unseen = (): Seen => ({ gate: Number.NEGATIVE_INFINITY, next: Number.NEGATIVE_INFINITY });

describe("a line of slots", () => {
  it("gives as many as are free until its end, that of the end itself included", async () => {
    const table = createMemoryTable();

    expect(await takeSlots(table, line, { count: 9, from: 100, until: 120 }, unseen())).toEqual({
      count: 3,
      first: 100,
    });
    expect(await table.get(key)).toEqual({ ...key, gate: 130, ttl: 99 });
  });

  it("gives no more than are asked for, and goes on after them", async () => {
    const table = createMemoryTable();
    const seen = unseen();

    expect(await takeSlots(table, line, { count: 2, from: 100, until: 190 }, seen)).toEqual({ count: 2, first: 100 });
    expect(seen).toEqual({ gate: 120, next: Number.NEGATIVE_INFINITY });
    expect(await takeSlots(table, { ...line, ttl: 100 }, { count: 2, from: 100, until: 190 }, seen)).toEqual({
      count: 2,
      first: 120,
    });
    expect(await table.get(key)).toEqual({ ...key, gate: 140, ttl: 100 });
  });

  it("begins again where it fell behind: slots before `from` are lost", async () => {
    const table = createMemoryTable();
    const seen = unseen();
    await takeSlots(table, line, { count: 1, from: 100, until: 100 }, seen);

    expect(await takeSlots(table, line, { count: 1, from: 500, until: 500 }, seen)).toEqual({ count: 1, first: 500 });
    expect(await table.get(key)).toMatchObject({ gate: 510 });
  });

  it("goes on from a slot that is free just at `from`, with one that has seen it", async () => {
    const table = createMemoryTable();
    const seen = unseen();
    await takeSlots(table, line, { count: 1, from: 100, until: 100 }, seen);
    await takeSlots(table, line, { count: 1, from: 100, until: 200 }, unseen());

    expect(await takeSlots(table, line, { count: 1, from: 110, until: 200 }, seen)).toEqual({ count: 1, first: 120 });
    expect(table.calls.writes).toBe(4);
  });

  it("learns from a refusal what others have taken", async () => {
    const table = createMemoryTable();
    await takeSlots(table, line, { count: 3, from: 100, until: 190 }, unseen());
    const late = unseen();

    expect(await takeSlots(table, line, { count: 1, from: 100, until: 190 }, late)).toEqual({ count: 1, first: 130 });
    expect(late.gate).toBe(140);
  });

  it("writes nothing when it has seen that none is free", async () => {
    const table = createMemoryTable();
    const seen = { ...unseen(), gate: 101 };

    expect(await takeSlots(table, line, { count: 1, from: 90, until: 100 }, seen)).toEqual({ count: 0, first: 101 });
    expect(table.calls.writes).toBe(0);
  });

  it("takes fewer when others have taken some meanwhile", async () => {
    const table = createMemoryTable();
    const behind = unseen();
    await takeSlots(table, line, { count: 1, from: 100, until: 140 }, behind);
    await takeSlots(table, line, { count: 2, from: 100, until: 140 }, unseen());

    expect(await takeSlots(table, line, { count: 4, from: 100, until: 140 }, behind)).toEqual({ count: 2, first: 130 });
  });

  it("begins anew when its item is gone", async () => {
    const table = createMemoryTable();
    const seen = unseen();
    await takeSlots(table, line, { count: 2, from: 100, until: 190 }, seen);
    await table.remove(key);

    expect(await takeSlots(table, line, { count: 1, from: 100, until: 190 }, seen)).toEqual({ count: 1, first: 100 });
  });

  it("keeps its other attribute, and learns it", async () => {
    const table = createMemoryTable();
    const seen = unseen();
    await takeSlots(table, line, { count: 1, from: 100, until: 190 }, seen);
    await takeSlots(table, { ...line, attribute: "next" }, { count: 1, from: 300, until: 390 }, seen);

    expect(seen).toEqual({ gate: 110, next: 310 });
  });
});
