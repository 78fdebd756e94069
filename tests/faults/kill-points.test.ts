import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFinal } from "../../shared/results/record.ts";
import { type Engine, startEngine } from "../helpers/engine.ts";
import { bulkFlows } from "./bulk-flows.ts";
import { bundleOf } from "./bundle.ts";
import { canvasFlows } from "./canvas-flows.ts";
import { type Flow, flows } from "./flows.ts";
import { createScenario, eachLimited, type KillPoint, killPoints, sentId } from "./harness.ts";
import { scheduleFlows } from "./schedule-flows.ts";

const LIFE = bundleOf("life-process");
let engine: Engine;
let points = 0;
/**
 * Scenarios begin at 12:20 of the day to come. A tick and a sweep make other calls at the turn of a day, and in the minute in which counts
 * are added up; so no scenario may come near either. The clock is ahead, for the emulator deletes by its own what has expired.
 */
const BEGIN_MILLISECONDS = 44_400_000;
const DAY_MILLISECONDS = 86_400_000;
const aheadMilliseconds = (DAY_MILLISECONDS + BEGIN_MILLISECONDS - (Date.now() % DAY_MILLISECONDS)) % DAY_MILLISECONDS;
/** Scenarios that came to the end that they should have. */
let repaired = 0;
let begun = 0;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine.stop();
  console.log(`SIGKILL at ${points} points: ${repaired} of ${begun} scenarios came to their one right end.`);
});

async function runScenario(
  flow: Flow,
  kill: KillPoint | undefined,
): Promise<{ operations: string[]; killed: boolean }> {
  begun += 1;
  let offsetMilliseconds = aheadMilliseconds;
  const scenario = await createScenario(engine, LIFE, () => offsetMilliseconds);
  const id = (await flow.prepare?.(scenario)) ?? "";
  offsetMilliseconds += (flow.clockOffsetSeconds ?? 0) * 1000;
  const outcome = await scenario.run(flow.step(id), kill);
  const finished = await flow.finish(scenario, id);

  const where = JSON.stringify(kill);
  expect(await scenario.messagesLeft(), where).toBe(0);
  expect(await scenario.read(finished), where).toMatchObject(flow.expected);
  const tasks = await scenario.list();
  if (flow.tasks !== undefined) expect(tasks, where).toHaveLength(flow.tasks);
  const unfinished = tasks.filter(({ state }) => !isFinal(state));
  expect(
    unfinished.map(({ id: one }) => one).filter((one) => one !== finished),
    where,
  ).toEqual([]);
  repaired += 1;
  return outcome;
}

/** A sweep asks 8 partitions a day. */
function withoutRepeatedQueries(operations: readonly string[]): string[] {
  const QUERY = "DynamoDB.Query";
  return operations.filter((operation, index) => operation !== QUERY || operations.indexOf(QUERY) === index).toSorted();
}

/** A run may make a call fewer than the clean one, where two reads met in one moment and shared it: it has no such point, and is made again. */
const TRIES = 3;

describe.concurrent("a SIGKILL before and after every AWS call", () => {
  it.each(Object.entries({ ...flows, ...scheduleFlows, ...canvasFlows, ...bulkFlows }))(
    "of %s loses nothing",
    { timeout: 180_000 },
    async (_, flow) => {
      const clean = await runScenario(flow, undefined);
      expect(withoutRepeatedQueries(clean.operations)).toEqual(flow.operations.toSorted());

      await eachLimited(killPoints(clean.operations), 5, async (point) => {
        let killed = false;
        for (let tries = 0; !killed && tries < TRIES; tries += 1) ({ killed } = await runScenario(flow, point));
        expect(killed, JSON.stringify(point)).toBe(true);
        points += 1;
      });
    },
  );
});

describe.concurrent("a worker that is killed", () => {
  it("lets its task run again only if the result was not stored, and records it once", {
    timeout: 90_000,
  }, async () => {
    const runs = async (kill: KillPoint) => {
      const scenario = await createScenario(engine, LIFE);
      const id = sentId(await scenario.take("send", "add"));
      const { output } = await scenario.run(["work"], kill);
      const all = output + (await scenario.drain());
      return { runs: all.match(/^ran$/gm)?.length, fence: (await scenario.read(id))?.fence };
    };

    expect(await runs({ call: 3, moment: "after" })).toEqual({ runs: 1, fence: 2 }); // claimed, not begun
    expect(await runs({ call: 4, moment: "before" })).toEqual({ runs: 2, fence: 2 }); // done, not stored
    expect(await runs({ call: 4, moment: "after" })).toEqual({ runs: 1, fence: 1 }); // stored, not acknowledged
  });

  it("repeats the work of ctx.once only if it died within it", { timeout: 90_000 }, async () => {
    const runs = async (kill: KillPoint) => {
      const scenario = await createScenario(engine, LIFE);
      await scenario.take("send", "once");
      const { output } = await scenario.run(["work"], kill);
      return (output + (await scenario.drain())).match(/^ran$/gm)?.length;
    };

    expect(await runs({ call: 4, moment: "after" })).toBe(1); // entry opened
    expect(await runs({ call: 5, moment: "after" })).toBe(1); // entry closed, result not stored
  });

  it("every time ends its task as a FAILURE by way of the dead-letter queue", { timeout: 90_000 }, async () => {
    const scenario = await createScenario(engine, LIFE);
    const id = sentId(await scenario.take("send", "add"));
    for (let round = 0; round < 30 && (await scenario.read(id))?.state !== "FAILURE"; round++) {
      await scenario.run(["work"], { call: 4, moment: "before" });
      await scenario.take("bury");
    }

    expect(await scenario.read(id)).toMatchObject({ state: "FAILURE", error: { code: "TASK_CRASHED" } });
  });
});
