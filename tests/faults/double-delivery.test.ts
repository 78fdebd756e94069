import { afterEach, expect, it } from "vitest";
import { SEED } from "./chance.ts";
import { effect } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";
import { createTwins } from "./twins.ts";

const TASKS = 10_000;

let trial: Trial;
afterEach(() => trial?.stop());

it("records each task once, and has its effect once, when two workers get every message at once", async () => {
  const twins = createTwins();
  trial = await startTrial({ workers: twins.routes.map((route) => ({ route })) });
  const { accepted, crew, witness } = trial;

  await trial.load(
    (x) => effect.delay({ x }),
    () => accepted.size >= TASKS,
  );
  await trial.drain();

  const { lost, wrong, ends } = await trial.audit();
  const effects = crew.said.filter((line) => line.startsWith("did "));
  const done = new Set(effects);
  const repeated = effects.length - done.size;
  const missing = [...accepted.keys()].filter((id) => !done.has(`did ${id}`));
  console.log(
    `Delivered twice, at once: ${accepted.size} tasks, ${twins.messages()} messages to two workers each: ${lost.length} lost, ${witness.overwritten.length} recorded twice, ${effects.length} effects of ctx.once, ${repeated} of them repeated (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: witness.overwritten, repeated, missing }, `seed ${SEED}`).toEqual({
    lost: [],
    wrong: [],
    twice: [],
    repeated: 0,
    missing: [],
  });
  expect(ends).toEqual({ SUCCESS: accepted.size });
  expect(twins.messages()).toBeGreaterThanOrEqual(accepted.size);
});
