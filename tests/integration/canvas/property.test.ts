import fc from "fast-check";
import { afterAll, beforeEach, expect, it, onTestFailed } from "vitest";
import { readGraph } from "../../../shared/canvas/graph.ts";
import { replayOrHeal } from "../../../shared/canvas/heal.ts";
import { outcomeAt, valueAt } from "../../../shared/canvas/results.ts";
import { sendWorkflow } from "../../../shared/canvas/send.ts";
import { createMemoryTable } from "../../../shared/testing/table.ts";
import type { Node } from "../../../shared/workflows/definition.ts";
import { createChance } from "../../faults/chance.ts";
import { startEngine } from "../../helpers/engine.ts";
import {
  createChaos,
  interpret,
  mended,
  nodes,
  registry,
  repairs,
  sizeOf,
  strict,
  withoutErrors,
} from "./random-canvas.ts";

/** Canvases of one run; `LOVAGE_CANVASES` makes more. */
const CANVASES = Number(process.env.LOVAGE_CANVASES ?? 500);
const SEED = Number(process.env.LOVAGE_SEED ?? 20_261_127);
const MAX_NODES = 200;
const RULES = { numRuns: CANVASES, seed: SEED, endOnFailure: true };

const engine = await startEngine();
afterAll(() => engine.stop());
beforeEach(() => {
  onTestFailed(() => console.error(`To bring the same canvases again: LOVAGE_SEED=${SEED}`));
});

/** A random canvas that was sent, on a table and queues of its own. */
async function sent(root: Node, chance: number) {
  repairs.level = 0;
  const app = engine.appOn(createMemoryTable());
  const random = createChance(chance);
  const chaos = createChaos(app, random.next);
  const { id } = await sendWorkflow(app, registry, root);
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new Error("The definition is gone.");
  const reading = { app, definition };
  return {
    random,
    chaos,
    outcome: () => outcomeAt(reading, ""),
    value: async () => withoutErrors(await valueAt(reading, "")),
    /** Replays one of the tasks that have not ended well; what has meanwhile is refused. */
    async replay(): Promise<void> {
      const { nodes } = await readGraph(app, id);
      const bad = nodes.filter(({ state, attempt }) => attempt !== undefined && /FAILURE|REVOKED/.test(state));
      const { id: task = id } = bad.at(Math.floor(random.next() * bad.length)) ?? {};
      const record = await app.results.kept(task);
      if (record?.state === "FAILURE" || record?.state === "REVOKED") await replayOrHeal(app, registry, record);
    },
  };
}

it(`${CANVASES} random canvases end as a plain interpreter says, with messages in no order and twice`, {
  timeout: 300_000,
}, async () => {
  let largest = 0;
  const sized = nodes(4, true).filter((node) => sizeOf(node) <= MAX_NODES);
  await fc.assert(
    fc.asyncProperty(sized, fc.nat(), async (root, chance) => {
      largest = Math.max(largest, sizeOf(root));
      const { chaos, outcome, value } = await sent(root, chance);
      await chaos.run();

      const expected = interpret(root);
      expect((await outcome())?.state).toBe(expected.ok ? "SUCCESS" : "FAILURE");
      if (expected.ok) expect(await value()).toEqual(expected.value);
    }),
    RULES,
  );
  expect(largest).toBeGreaterThan(50);
});

it(`${CANVASES} random canvases that fail come to what they would have been, mended and replayed a task at a time`, {
  timeout: 300_000,
}, async () => {
  let healed = 0;
  const sized = nodes(3, true)
    .filter((node) => sizeOf(node) <= MAX_NODES)
    .map(strict);
  await fc.assert(
    fc.asyncProperty(sized, fc.nat(), async (root, chance) => {
      const { random, chaos, outcome, value, replay } = await sent(root, chance);
      // In the middle of it all, and when nothing goes on by itself.
      await chaos.run(random.between(0, 20));
      await replay();
      await chaos.run();
      if ((await outcome())?.state === "FAILURE") healed += 1;
      for (let round = 0; (await outcome())?.state !== "SUCCESS"; round++) {
        expect([round < 100, (await outcome())?.state]).toEqual([true, expect.stringMatching(/FAILURE|REVOKED/)]);
        if (random.happens(0.5)) repairs.level += 1;
        chaos.repeat(0.1);
        await replay();
        await chaos.run(random.between(1, 10));
        await replay();
        await chaos.run();
      }
      expect({ ok: true, value: await value() }).toEqual(interpret(mended(root)));
    }),
    RULES,
  );
  expect(healed).toBeGreaterThan(CANVASES / 10);
});
