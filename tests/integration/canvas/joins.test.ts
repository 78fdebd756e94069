import { randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { joinKey } from "../../../shared/table/keys.ts";
import { startEngine } from "../../helpers/engine.ts";

const engine = await startEngine();
afterAll(() => engine.stop());
const { joins } = engine.app.workflows;

/** Each time ten members end at once, as those of one batch do; the answers of the last ten. */
async function finishAll(size: number): Promise<{ group: { workflow: string; place: string }; whole: boolean[] }> {
  const group = { workflow: randomUUID(), place: "0" };
  await joins.create(group, size, { from: 0, to: size });
  let whole: boolean[] = [];
  for (let first = 0; first < size; first += 10) {
    const members = Array.from({ length: Math.min(10, size - first) }, (_, offset) => first + offset);
    whole = (await Promise.all(members.map((index) => joins.finish(group, size, String(index), false)))).map(
      (one) => one.isWhole,
    );
    if (first + 10 < size) expect(whole).not.toContain(true);
  }
  return { group, whole };
}

it.each([10, 100, 130, 1000])("one of the members that end a group of %i together goes on", async (size) => {
  const { whole } = await finishAll(size);
  expect(whole.filter(Boolean)).toHaveLength(1);
});

it("a member whose message comes again finds the group ended, whoever has gone on", async () => {
  const { group } = await finishAll(130);
  for (const index of [0, 125, 129]) expect((await joins.finish(group, 130, String(index), false)).isWhole).toBe(true);
});

/** Bytes of an item, as DynamoDB counts them: names, texts, members of sets; a number has at most as many as its digits. */
const bytesOf = (item: object): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) =>
      sum + name.length + (value instanceof Set ? [...value].join("").length + 3 : String(value).length),
    0,
  );

describe("a shard of the largest group stays below 1 KB", () => {
  const size = 100_000;
  const members = Array.from({ length: 100 }, (_, index) => 99_900 + index);
  const shard = async (group: { workflow: string; place: string }) =>
    (await engine.table.get(joinKey(group.workflow, group.place, 0, 999))) ?? {};

  it("when each of its members adds others, all of them fail, and all wait again", async () => {
    const group = { workflow: randomUUID(), place: "1.0.1" };
    // Those above it were made with their first members.
    for (const from of [0, 90_000, 99_900]) await joins.create(group, size, { from, to: from + 1 });
    const sizes: number[] = [];
    const measure = async (): Promise<void> => void sizes.push(bytesOf(await shard(group)));
    await measure();
    for (let call = 0; call < 3; call++) {
      expect(new Set(await Promise.all(members.map((one) => joins.add(group, `${one}+${call}`))))).toEqual(
        new Set(["waits"]),
      );
    }
    await measure();
    await Promise.all(members.map((one) => joins.finish(group, size, String(one), true)));
    await measure();
    for (let call = 0; call < 3; call++) {
      await Promise.all(members.map((one) => joins.finish(group, size, `${one}+${call}`, true)));
    }
    await measure();
    expect((await joins.unwell(group, size)).length).toBe(400);
    expect(await joins.tally(group, size)).toMatchObject({ ended: 100, failed: 100 });
    for (const one of members) await joins.reopen(group, size, String(one));
    await measure();

    expect(Math.max(...sizes)).toBeLessThan(1024);
    const additions = (await engine.table.get(joinKey(group.workflow, group.place, "added", 99_950))) ?? {};
    expect(bytesOf(additions)).toBeLessThan(200);
  });

  it("and a member's tasks add as often as its item holds", async () => {
    const group = { workflow: randomUUID(), place: "0" };
    await joins.create(group, 1, { from: 0, to: 1 });
    const add = (call: number) => joins.add(group, `0.11.${Math.floor(call / 10)}~0a1b2c3d+${call % 10}`);
    for (let call = 0; call < 25; call++) expect(await add(call)).toBe("waits");
    expect(await add(25)).toBe("full");
    expect(await add(7)).toBe("waits");
    expect(bytesOf((await engine.table.get(joinKey(group.workflow, "0", "added", 0))) ?? {})).toBeLessThan(1024);
  });
});

it("a group whose member waits again while another ends is not taken for ended", async () => {
  const group = { workflow: randomUUID(), place: "0" };
  let meanwhile: (() => Promise<void>) | undefined;
  const other = engine.appOn({
    ...engine.table,
    async update(change) {
      const above = change.key.pk.endsWith("#1#0") && meanwhile;
      if (above) {
        meanwhile = undefined;
        await above();
      }
      return engine.table.update(change);
    },
  }).workflows.joins;
  await joins.create(group, 130, { from: 0, to: 130 });
  for (let index = 0; index < 129; index++) await joins.finish(group, 130, String(index), index === 105);
  // The shard of both is empty, and the shard above not told yet.
  meanwhile = () => joins.reopen(group, 130, "105");
  expect((await other.finish(group, 130, "129", false)).isWhole).toBe(false);
  expect((await joins.state(group, 130)).isWhole).toBe(false);

  expect((await joins.finish(group, 130, "105", false)).isWhole).toBe(true);
});

it("members that were added keep a group open until they and their member have ended", async () => {
  const group = { workflow: randomUUID(), place: "0" };
  await joins.create(group, 2, { from: 0, to: 2 });
  expect(await joins.add(group, "1+0")).toBe("waits");
  expect((await joins.finish(group, 2, "0", false)).isWhole).toBe(false);
  expect((await joins.finish(group, 2, "1+0", false)).isWhole).toBe(false);
  expect(await joins.add(group, "1+1")).toBe("waits");
  expect((await joins.finish(group, 2, "1", false)).isWhole).toBe(false);
  expect([await joins.add(group, "1+2"), await joins.add(group, "1+0")]).toEqual(["ended", "waits"]);
  expect((await joins.finish(group, 2, "1+1", true)).isWhole).toBe(true);
  // Each message may come again.
  for (const member of ["0", "1", "1+0", "1+1"]) {
    expect(await joins.finish(group, 2, member, false)).toMatchObject({ isWhole: true, hasFailures: true });
  }
  expect(await joins.added(group, 2)).toEqual(["1+0", "1+1"]);

  await joins.reopen(group, 2, "1");
  expect(await joins.add(group, "1+3")).toBe("waits");
  expect((await joins.finish(group, 2, "1", false)).isWhole).toBe(false);
  expect((await joins.finish(group, 2, "1+3", false)).isWhole).toBe(true);
  await joins.reopen(group, 2, "1+1");
  expect((await joins.state(group, 2)).isWhole).toBe(false);
  expect((await joins.finish(group, 2, "1+1", false)).isWhole).toBe(true);
});
