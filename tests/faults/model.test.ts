/**
 * The record of one task under 2,000 random histories (10,000 with `LOVAGE_FAULTS=long`): messages that come late, twice or
 * again, three workers with claims that are live, stale or lost, revokes, expiry, and time. After each step the real store
 * and the model in `model/rules.ts` must agree.
 *
 * A failure prints the shortest history that shows it, and the seed that finds it again: `LOVAGE_SEED=<seed>`.
 */

import fc from "fast-check";
import { afterAll, beforeAll, it } from "vitest";
import { type Engine, startEngine } from "../helpers/engine.ts";
import { Command } from "./model/history.ts";
import { createRealTask } from "./model/real-task.ts";
import { steps } from "./model/step.ts";
import { createModel, type Setup } from "./model/task-model.ts";

const HISTORIES = process.env.LOVAGE_FAULTS === "long" ? 10_000 : 2000;
const MAX_STEPS = 30;

/** Histories at once. Each lane has a seed of its own, so what it does does not depend on how fast the others are. */
const LANES = 8;
const SEED = Number(process.env.LOVAGE_SEED ?? Math.floor(Math.random() * 2 ** 30));

const sometimes = (seconds: number) => fc.constantFrom(undefined, undefined, undefined, seconds);
const setups: fc.Arbitrary<Setup> = fc.record({
  tracked: fc.constantFrom(true, true, true, false),
  ignoreResult: fc.constantFrom(false, false, true),
  countStarts: fc.boolean(),
  keepSeconds: sometimes(17 * 86_400),
  delaySeconds: sometimes(20 * 86_400),
});
// Without fast-check's bias towards the shortest.
const histories = fc.noBias(
  fc.commands([steps.map((step) => new Command(step))], {
    maxCommands: MAX_STEPS,
    size: "max",
    disableReplayLog: true,
  }),
);

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

it("a task's record is what the model says, whatever happens to it", { timeout: 900_000 }, async () => {
  const { table, app } = engine;
  const { largeValues } = app;
  let taken = 0;
  let begun = 0;
  let failed = Number.POSITIVE_INFINITY;
  const live = async (lane: number, setup: Setup, commands: Parameters<typeof fc.asyncModelRun>[1]) => {
    // The first lane that finds something is told of, so that its seed finds the same again: no other is before it then.
    if (lane > failed) return;
    if (failed === Number.POSITIVE_INFINITY) begun += 1;
    const task = createRealTask({ table, largeValues }, setup);
    const count = () => {
      taken += 1;
    };
    const history = { task, item: undefined, ledger: undefined, grants: [], count };
    try {
      await fc.asyncModelRun(() => ({ model: createModel(setup), real: history }), commands);
    } catch (error) {
      failed = Math.min(failed, lane);
      throw error;
    }
  };

  const lanes = await Promise.all(
    Array.from({ length: LANES }, (_, lane) =>
      fc.check(
        fc.asyncProperty(setups, histories, (setup, commands) => live(lane, setup, commands)),
        { seed: SEED + lane, numRuns: HISTORIES / LANES },
      ),
    ),
  );

  const found = lanes[failed];
  if (found) {
    const command = `LOVAGE_SEED=${found.seed} npx vitest run tests/faults/model.test.ts`;
    const report = `${await fc.asyncDefaultReportMessage(found)}\n\nHistory ${begun} of ${HISTORIES}. Again: ${command}`;
    throw new Error(report, { cause: found.errorInstance });
  }
  const steps = taken.toLocaleString("en");
  console.log(
    `${HISTORIES.toLocaleString("en")} histories of a task, ${steps} steps: store and model agree (seed ${SEED}).`,
  );
});
