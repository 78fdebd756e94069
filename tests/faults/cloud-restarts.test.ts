import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type Chance, createChance, SEED, size } from "./chance.ts";
import { effect, failsOnce, plain } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";

const RESTARTS = size(20, 200);

let trial: Trial;
let dataDir: string;
afterEach(async () => {
  await trial?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Kills the cloud `times` times, each after it has taken 50 to 300 states: in the middle of the work, on any machine. */
async function killAgainAndAgain({ cloud, witness }: Trial, chance: Chance, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const enough = witness.writes() + chance.between(50, 300);
    await witness.until(() => witness.writes() >= enough);
    await cloud.kill();
    await cloud.start();
  }
}

it("loses nothing that the local cloud has acknowledged when it is killed under load", async () => {
  dataDir = await mkdtemp(join(tmpdir(), "lovage-faults-"));
  trial = await startTrial({ workers: [{}, {}], dataDir, backlog: 500 });
  const { accepted, witness } = trial;
  const tasks = [plain, effect, failsOnce] as const;

  let isOver = false;
  const over = killAgainAndAgain(trial, createChance(SEED), RESTARTS).finally(() => {
    isOver = true;
  });
  await trial.load(
    (x) => (tasks[x % 3] ?? plain).delay({ x }),
    () => isOver,
  );
  await over;
  await trial.drain();

  const { lost, wrong, ends } = await trial.audit();
  console.log(
    `Cloud killed: ${accepted.size} tasks accepted and ${trial.rejected.length} refused, ${RESTARTS} restarts: ${lost.length} lost, ${witness.overwritten.length} recorded twice; ${JSON.stringify(ends)} (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: witness.overwritten }, `seed ${SEED}`).toEqual({ lost: [], wrong: [], twice: [] });
});
