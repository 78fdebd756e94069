import { afterEach, expect, it } from "vitest";
import { createChance, SEED, size } from "./chance.ts";
import { startKiller } from "./crew.ts";
import type { Route } from "./proxy.ts";
import { effect } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";

const TASKS = size(1000, 10_000);
const KILLS = size(10, 100);
const SKEW_MILLISECONDS = 5 * 60_000;
/** Long enough for the other copy of the message to find the task running. */
const TASK_MILLISECONDS = 50;

let trial: Trial;
afterEach(() => trial?.stop());

/** Sends everything twice, so that a task which one worker runs comes to another one too. */
const twice: Route = async (call, forward) => {
  if (call.operation === "SQS.SendMessageBatch") await forward(call);
  return forward(call);
};

it("takes over nothing that still runs, and loses no task, when the clocks of workers are five minutes wrong", async () => {
  trial = await startTrial({
    workers: [-SKEW_MILLISECONDS, 0, SKEW_MILLISECONDS].map((clockOffsetMilliseconds) => ({ clockOffsetMilliseconds })),
    senderRoute: twice,
    // Few, so that the second copies are received while the first are being run.
    backlog: 100,
  });
  const { accepted, crew, witness } = trial;
  const killer = startKiller(crew.workers, createChance(SEED), KILLS);

  await trial.load(
    (x) => effect.delay({ x, milliseconds: TASK_MILLISECONDS }),
    () => accepted.size >= TASKS && killer.kills() >= KILLS,
  );
  await killer.stop();
  await trial.drain();

  const { lost, wrong, ends } = await trial.audit();
  console.log(
    `Clocks 5 minutes slow, right and 5 minutes fast: ${accepted.size} tasks sent twice, ${killer.kills()} kills: ${lost.length} lost, ${witness.overwritten.length} recorded twice, ${witness.takenEarly.length} runs taken over while their function had time; ${JSON.stringify(ends)} (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: witness.overwritten }, `seed ${SEED}`).toEqual({ lost: [], wrong: [], twice: [] });
  expect(witness.takenEarly, `seed ${SEED}`).toEqual([]);
});
