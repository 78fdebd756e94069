import { describe, expect, it } from "vitest";
import type { Table } from "../../../shared/aws/dynamodb.ts";
import { neededUntil } from "../../../shared/lifetimes.ts";
import { createBursts, replacedReason } from "../../../shared/limits/debounce.ts";
import { debounceKey, pastBurstKey } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000);

const ground = (table: Table = createMemoryTable()) => {
  const bursts = createBursts({ table });
  const join = (second: number, id: string, maxWait?: number) =>
    bursts.join(at(second), { task: "add", key: "k", id, wait: 10, maxWait });
  const newerThan = (burst: string, id: string) => bursts.callsAfter({ task: "add", key: "k", burst, id });
  return { table, join, newerThan };
};

describe("a burst", () => {
  it("begins with a call that has none before it", async () => {
    const { table, join } = ground();

    expect(await join(0, "a")).toEqual({ burst: "a", eta: at(10), replaces: undefined });
    expect(await table.get(debounceKey("add", "k"))).toEqual({
      ...debounceKey("add", "k"),
      id: "a",
      burst: "a",
      begunAt: at(0).toISOString(),
      eta: at(10).toISOString(),
      calls: "a",
      joins: 1,
      ttl: Math.ceil(neededUntil(at(0), at(10)) / 1000),
    });
  });

  it("moves its start on with each call, which takes the place of the one before", async () => {
    const { table, join } = ground();
    await join(0, "a");

    expect(await join(4, "b")).toEqual({ burst: "a", eta: at(14), replaces: "a" });
    expect(await join(13, "c")).toEqual({ burst: "a", eta: at(23), replaces: "b" });
    expect(await table.get(debounceKey("add", "k"))).toMatchObject({
      calls: "a b c",
      joins: 3,
      eta: at(23).toISOString(),
      ttl: Math.ceil(neededUntil(at(13), at(23)) / 1000),
    });
  });

  it("waits no longer than `maxWait` from its first call", async () => {
    const { join } = ground();
    await join(0, "a", 15);

    expect((await join(6, "b", 15)).eta).toEqual(at(15));
    expect((await join(7, "c", 100)).eta).toEqual(at(17));
  });

  it("is over at its start: the next call begins another, and the old one stays to be found", async () => {
    const { table, join, newerThan } = ground();
    await join(0, "a");
    await join(1, "b");

    expect(await join(11, "c")).toEqual({ burst: "c", eta: at(21), replaces: undefined });
    expect(await table.get(pastBurstKey("add", "k", "a"))).toEqual({
      ...pastBurstKey("add", "k", "a"),
      id: "b",
      eta: at(11).toISOString(),
      calls: "a b",
      joins: 2,
      ttl: Math.ceil(neededUntil(at(1), at(11)) / 1000),
    });
    expect(await newerThan("a", "a")).toEqual({ ids: ["b"], eta: at(11) });
    expect(await newerThan("c", "c")).toEqual({ ids: [], eta: at(21) });
  });

  it("says which calls came after one, the newest first, and of ten at most", async () => {
    const { join, newerThan } = ground();
    for (let index = 0; index < 12; index++) await join(index, `call${index}`);

    expect((await newerThan("call0", "call9")).ids).toEqual(["call11", "call10"]);
    expect((await newerThan("call0", "call11")).ids).toEqual([]);
    expect((await newerThan("call0", "call0")).ids).toHaveLength(10);
    expect((await newerThan("call0", "call0")).ids.at(-1)).toBe("call2");
    expect((await newerThan("unknown", "unknown")).ids).toEqual([]);
  });

  it("knows the newest call alone where an older version wrote the item", async () => {
    const { table, join, newerThan } = ground();
    await join(0, "a");
    await table.update({ key: debounceKey("add", "k"), set: { id: "b" } });
    expect(await newerThan("a", "a")).toMatchObject({ ids: ["b"] });
    await table.update({ key: debounceKey("add", "k"), remove: ["calls"] });

    expect((await newerThan("a", "a")).ids).toEqual(["b"]);
    expect(await join(1, "c")).toMatchObject({ replaces: "b" });
    expect((await newerThan("a", "b")).ids).toEqual(["c"]);
  });

  it("takes a call that the SDK repeats for itself, whether it began the burst or joined it", async () => {
    const table = createMemoryTable();
    const { join } = ground({
      ...table,
      update: async (change) => {
        await table.update(change);
        return table.update(change);
      },
    });

    expect(await join(0, "a")).toEqual({ burst: "a", eta: at(10), replaces: undefined });
    expect(await join(5, "b")).toEqual({ burst: "a", eta: at(15), replaces: "a" });
    expect(await join(15, "c")).toEqual({ burst: "c", eta: at(25), replaces: undefined });
  });

  it("is joined after another that was faster", async () => {
    const table = createMemoryTable();
    const other = ground(table);
    await other.join(0, "a");
    let raced = false;
    const { join } = ground({
      ...table,
      update: async (change) => {
        if (change.add !== undefined && !raced) {
          raced = true;
          await other.join(1, "fast");
        }
        return table.update(change);
      },
    });

    expect(await join(2, "slow")).toEqual({ burst: "a", eta: at(12), replaces: "fast" });
  });

  it("is begun by one of two calls that find the last one over", async () => {
    const table = createMemoryTable();
    const other = ground(table);
    await other.join(0, "a");
    let raced = false;
    const { join } = ground({
      ...table,
      update: async (change) => {
        if (change.set?.begunAt !== undefined && change.when?.[0]?.[0]?.test === "=" && !raced) {
          raced = true;
          await other.join(20, "fast");
        }
        return table.update(change);
      },
    });

    expect(await join(20, "slow")).toEqual({ burst: "fast", eta: at(30), replaces: "fast" });
  });

  it("keeps the longer of two copies that are made of it when it is over", async () => {
    const table = createMemoryTable();
    await ground(table).join(0, "a");
    await table.update({
      key: pastBurstKey("add", "k", "a"),
      set: { id: "longer", eta: at(12).toISOString(), calls: "a longer", joins: 2 },
    });
    await ground(table).join(20, "b");

    expect(await ground(table).newerThan("a", "a")).toEqual({ ids: ["longer"], eta: at(12) });
  });

  it("tells a call that was revoked who took its place", () => {
    expect(replacedReason("b")).toBe("a newer call of its debounce key took its place: b");
  });
});
