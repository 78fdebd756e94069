import { afterEach, expect, it } from "vitest";
import { createChance, SEED, size } from "./chance.ts";
import { effect, failsOnce, plain } from "./tasks.ts";
import { startTrial, type Trial } from "./trial.ts";
import { createWeather, type Fault, PARTIAL } from "./weather.ts";

const TASKS = size(2000, 20_000);
const PROBABILITY = 0.3;
const ENDS = ["SUCCESS", "FAILURE of TASK_TIME_LIMIT", "FAILURE of TASK_CRASHED"];

let trial: Trial;
afterEach(() => trial?.stop());

it("loses no task that was accepted while three calls of ten go wrong", async () => {
  const chance = createChance(SEED);
  const weathers = ["sender", "worker 0", "worker 1"].map((name) => createWeather(chance.fork(name), PROBABILITY));
  const [senderRoute, ...routes] = weathers.map(({ route }) => route);
  trial = await startTrial({
    workers: routes.map((route) => ({ route })),
    ...(senderRoute && { senderRoute }),
    // Most of the time each is waiting for a call that is tried again.
    lanes: 16,
    senders: 16,
  });
  const { accepted, witness } = trial;
  const tasks = [plain, effect, failsOnce] as const;

  await trial.load(
    (x) => (tasks[x % 3] ?? plain).delay({ x }),
    () => accepted.size >= TASKS,
  );
  for (const weather of weathers) weather.clear();
  await trial.drain();

  const { lost, wrong, ends } = await trial.audit();
  const count = (fault: Fault): number => weathers.reduce((sum, { faults }) => sum + (faults.get(fault) ?? 0), 0);
  console.log(
    `Bad network: ${accepted.size} tasks accepted and ${trial.rejected.length} refused, ${count("lost")} answers lost, ${count("throttled")} calls throttled, ${count("failed")} failed, ${count("reset")} reset, ${count("partial")} batches taken in part: ${lost.length} lost, ${witness.overwritten.length} recorded twice; ${JSON.stringify(ends)} (seed ${SEED}).`,
  );
  expect({ lost, wrong, twice: witness.overwritten }, `seed ${SEED}`).toEqual({ lost: [], wrong: [], twice: [] });
  // No task failed because of the network; only a run that it held up for too long may have.
  expect(Object.keys(ends), `seed ${SEED}`).toSatisfy((found: string[]) => found.every((end) => ENDS.includes(end)));
  // All four tries of an entry fail for one of ten thousand.
  const untried = trial.rejected.filter((reason) => reason.includes(PARTIAL));
  expect(untried.length, `seed ${SEED}`).toBeLessThan(TASKS * 0.01);
});
