import { randomUUID } from "node:crypto";
import { afterAll, expect, it } from "vitest";
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
