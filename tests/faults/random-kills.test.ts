import { afterEach, expect, it } from "vitest";
import { createChance, SEED, size } from "./chance.ts";
import { startKiller } from "./crew.ts";
import { failsOnce, plain } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";

const TASKS = size(20_000, 100_000);
const KILLS = size(100, 500);

let trial: Trial;
afterEach(() => trial?.stop());

it("loses no task and records none twice while workers are killed at any time", async () => {
  trial = await startTrial({ workers: [{}, {}] });
  const { accepted, witness } = trial;
  const killer = startKiller(trial.crew.workers, createChance(SEED), KILLS);

  await trial.load(
    (x) => (x % 10 === 0 ? failsOnce : plain).delay({ x }),
    () => accepted.size >= TASKS && killer.kills() >= KILLS,
  );
  await killer.stop();
  await trial.drain();

  const { lost, wrong, ends } = await trial.audit();
  console.log(
    `Workers killed at random: ${accepted.size} tasks, ${killer.kills()} kills: ${lost.length} lost, ${witness.overwritten.length} recorded twice; ${JSON.stringify(ends)} (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: witness.overwritten }, `seed ${SEED}`).toEqual({ lost: [], wrong: [], twice: [] });
});
