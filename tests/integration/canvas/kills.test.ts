import fc from "fast-check";
import { beforeEach, expect, it, onTestFailed } from "vitest";
import * as z from "zod";
import { readGraph } from "../../../shared/canvas/graph.ts";
import { replayOrHeal } from "../../../shared/canvas/heal.ts";
import { revokeWorkflow } from "../../../shared/canvas/revoke.ts";
import { sendWorkflow } from "../../../shared/canvas/send.ts";
import { WorkflowEndedError } from "../../../shared/errors.ts";
import { type App, type Json, task } from "../../../shared/index.ts";
import { createRegistry } from "../../../shared/task/registry.ts";
import { Canvas } from "../../../shared/task/signature.ts";
import type { Node } from "../../../shared/workflows/definition.ts";
import { readNode } from "../../../shared/workflows/read-node.ts";
import { type Chance, createChance } from "../../faults/chance.ts";
import { createMortalCrew } from "./mortal-crew.ts";
import { nodes, repairs, sizeOf, spread, step } from "./random-canvas.ts";

/** Canvases of one run; `LOVAGE_CANVASES` makes more. */
const CANVASES = Number(process.env.LOVAGE_CANVASES ?? 300);
const SEED = Number(process.env.LOVAGE_SEED ?? 20_261_127);
const MAX_NODES = 100;
const MAX_KILLS = 12;

beforeEach(() => {
  repairs.level = 0;
  onTestFailed(() => console.error(`To bring the same canvases again: LOVAGE_SEED=${SEED}`));
});

/** A task that becomes the workflow of its payload. */
const grows = task({
  name: "grows",
  payload: z.object({ node: z.json() }),
  run: ({ node }, { replace }): Json => replace(new Canvas<Json, never, never>(readNode(node), [])),
});
const modules = [{ file: "tests.ts", exports: { step, spread, grows } }];
const registry = createRegistry(modules);

/** The same, with some of its steps as tasks that become them, or a group of them. */
function grown(node: Node, random: Chance): Node {
  if ("chain" in node) return { ...node, chain: node.chain.map((one) => grown(one, random)) };
  if ("group" in node) return { ...node, group: node.group.map((one) => grown(one, random)) };
  if ("each" in node) return { ...node, each: grown(node.each, random) };
  if (node.task !== "step" || !random.happens(0.15)) return node;
  const { into: _, ...own } = node;
  const inner: Node = random.happens(0.5)
    ? own
    : { group: Array.from({ length: Math.floor(random.between(0, 13)) }, () => own) };
  return { task: "grows", payload: { node: JSON.parse(JSON.stringify(grown(inner, random))) }, immutable: true };
}

/** Replays a task that has not ended well. */
async function replayOne(app: App, id: string, random: Chance): Promise<void> {
  const { nodes: all } = await readGraph(app, id);
  const bad = all.filter(({ state, attempt }) => attempt !== undefined && /FAILURE|REVOKED/.test(state));
  const record = await app.results.kept(bad.at(Math.floor(random.between(0, bad.length)))?.id ?? id);
  if (record?.state !== "FAILURE" && record?.state !== "REVOKED") return;
  await replayOrHeal(app, registry, record).catch((error: unknown) => {
    // The workflow bears this failure, and has gone on without it.
    if (!(error instanceof WorkflowEndedError)) throw error;
  });
}

it(`${CANVASES} random canvases come to their end, though their workers die at any call`, {
  timeout: 300_000,
}, async () => {
  let kills = 0;
  const sized = nodes(3, true).filter((node) => sizeOf(node) <= MAX_NODES);
  const act = fc.constantFrom<"revoke" | "replay" | undefined>(undefined, undefined, "revoke", "replay");
  await fc.assert(
    fc.asyncProperty(sized, fc.nat(), fc.nat({ max: MAX_KILLS }), act, async (root, chance, deaths, meanwhile) => {
      const random = createChance(chance);
      const crew = createMortalCrew(modules, random, deaths);
      const { app } = crew;
      const { id } = await sendWorkflow(app, registry, grown(root, random));
      const at = 3 * Math.floor(random.between(0, 20));
      await crew.run(async (deliveries) => {
        if (deliveries !== at) return;
        if (meanwhile === "revoke") await revokeWorkflow(app, id);
        if (meanwhile === "replay") await replayOne(app, id, random);
      });
      kills += crew.kills;

      for (const one of crew.workflows()) {
        const { state } = await readGraph(app, one);
        expect([one, state]).toEqual([one, expect.stringMatching(/SUCCESS|FAILURE|REVOKED/)]);
      }
    }),
    { numRuns: CANVASES, seed: SEED, endOnFailure: true },
  );
  expect(kills).toBeGreaterThan(CANVASES);
});
