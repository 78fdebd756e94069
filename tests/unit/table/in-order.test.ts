import { describe, expect, it } from "vitest";
import { equal, present } from "../../../shared/aws/change.ts";
import { listInOrder, type Order } from "../../../shared/table/in-order.ts";
import { recordKey, recordPartition } from "../../../shared/table/keys.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";

const HOUR = 3_600_000;
const END = Date.parse("2026-05-13T12:00:00Z");

/** An id of this time, whose last digit says its partition. */
function idAt(time: number, number: number): string {
  const stamp = time.toString(16).padStart(12, "0");
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** A table with items at these times; every third is `odd`. */
async function filled(times: readonly number[]) {
  const table = createMemoryTable();
  const ids: { id: string; kind: string }[] = [];
  for (const [index, time] of times.entries()) {
    const one = { id: idAt(time, (index * 7919) % 4093), kind: index % 3 === 0 ? "odd" : "even" };
    await table.update({ key: recordKey(one.id), set: { kind: one.kind } });
    ids.push(one);
  }
  let [read, most] = [0, 0];
  const counting: typeof table = {
    ...table,
    async queryPage(query) {
      const page = await table.queryPage(query);
      read += page.read;
      return page;
    },
  };
  const walk = async (
    kind: string | undefined,
    { limit, pageSize, order = "newest" }: { limit: number; pageSize: number; order?: Order },
  ) => {
    const found: string[] = [];
    const filter = kind === undefined ? present("kind") : equal("kind", kind);
    const [from, to] = [new Date(Math.min(...times)), new Date(END)];
    let cursor: string | undefined;
    let pages = 0;
    do {
      read = 0;
      const page = await listInOrder(
        counting,
        { from, to, cursor, limit, order },
        { partition: recordPartition, filter, pageSize },
      );
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items.map(({ sk }) => String(sk)));
      most = Math.max(most, read);
      pages += 1;
      cursor = page.cursor;
    } while (cursor !== undefined && pages < 10_000);
    return { found, pages, most };
  };
  const wanted = (kind: string | undefined) =>
    ids.flatMap((one) => (kind === undefined || one.kind === kind ? [one.id] : [])).sort((a, b) => (a < b ? 1 : -1));
  return { walk, wanted };
}

describe("a list by pages", () => {
  const times = Array.from({ length: 900 }, (_, index) => END - ((index * 6007) % 240) * HOUR - index);

  it.each([
    [undefined, 7, 3],
    [undefined, 100, 100],
    ["odd", 7, 3],
    ["odd", 50, 500],
    ["none", 50, 2],
  ])("of kind %s has each item once, in either order, by %i with reads of %i", async (kind, limit, pageSize) => {
    const { walk, wanted } = await filled(times);

    expect((await walk(kind, { limit, pageSize })).found).toEqual(wanted(kind));
    expect((await walk(kind, { limit, pageSize, order: "oldest" })).found).toEqual(wanted(kind).toReversed());
  });

  it("ends a page that finds nothing, rather than to read all that there is", async () => {
    const { walk } = await filled(Array.from({ length: 20_000 }, (_, index) => END - index));

    const { found, pages, most } = await walk("none", { limit: 50, pageSize: 500 });
    expect(found).toEqual([]);
    expect(pages).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8000 + 16 * 500);
  });
});
