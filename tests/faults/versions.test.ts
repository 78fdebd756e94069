import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { createChance, SEED, size } from "./chance.ts";
import { newer, older } from "./changed-tasks.ts";
import { startKiller } from "./crew.ts";
import { failsOnce, plain } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";

const TASKS = size(3000, 30_000);
const KILLS = size(20, 200);

/** A worker with all of the last version of Lovage, which that version was bundled to. */
const LAST_VERSION = { module: join(import.meta.dirname, "../fixtures/versions/worker.js") };
const OLDER_CODE = { code: "older" } as const;
const NEWER_CODE = { code: "newer" } as const;

let trial: Trial;
afterEach(() => trial?.stop());

it("loses nothing while the last version of Lovage and this one are deployed together, nor on the way back", async () => {
  trial = await startTrial({ workers: [{ deployed: LAST_VERSION }, {}] });
  const { accepted, crew } = trial;
  const send = (x: number) => (x % 10 === 0 ? failsOnce : plain).delay({ x });
  const killer = startKiller(crew.workers, createChance(SEED), KILLS);
  await trial.load(send, () => accepted.size >= TASKS && killer.kills() >= KILLS);
  await killer.stop();

  const together = accepted.size;
  for (const worker of crew.workers) await worker.replace(LAST_VERSION);
  await trial.load(send, () => accepted.size >= together + TASKS);
  await trial.drain();

  await expectWhole(
    `Two versions of Lovage: ${together} tasks together, ${accepted.size - together} after a roll-back`,
  );
});

it("loses nothing while old and new code of a task are deployed together, nor on the way back", async () => {
  trial = await startTrial({ workers: [{ deployed: OLDER_CODE }, { deployed: NEWER_CODE }] });
  const { accepted, crew } = trial;
  const send = (x: number) => (x % 2 === 0 ? older.delay({ x }) : newer.delay({ value: x }));
  const killer = startKiller(crew.workers, createChance(SEED), KILLS);
  await trial.load(send, () => accepted.size >= TASKS && killer.kills() >= KILLS);
  await killer.stop();

  const together = accepted.size;
  // Nobody is left who knows the newer payload: it waits.
  for (const worker of crew.workers) await worker.replace(OLDER_CODE);
  await trial.load(send, () => accepted.size >= together + TASKS / 10);
  for (const worker of crew.workers) await worker.replace(NEWER_CODE);
  await trial.drain();

  await expectWhole(
    `Two versions of a payload: ${together} tasks together, ${accepted.size - together} in a roll-back`,
  );
});

async function expectWhole(title: string): Promise<void> {
  const { lost, wrong, ends } = await trial.audit();
  const { overwritten } = trial.witness;
  console.log(
    `${title}: ${lost.length} lost, ${overwritten.length} recorded twice; ${JSON.stringify(ends)} (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: overwritten }, `seed ${SEED}`).toEqual({ lost: [], wrong: [], twice: [] });
  expect(Object.keys(ends), `seed ${SEED}`).toEqual(["SUCCESS"]);
}
