import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Engine, startEngine, uniqueName } from "../helpers/engine.ts";
import { bundleOf } from "./bundle.ts";
import { createScenario, eachLimited, type KillPoint, killPoints, type Scenario, sentId } from "./harness.ts";

const LIFE = bundleOf("life");
let engine: Engine;
let points = 0;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine.stop();
  console.log(`SIGKILL at ${points} points: 0 tasks lost, 0 recorded twice.`);
});

/** What a flow's step leaves to be done, and how its end is known. */
interface Flow {
  /** The calls that the step makes when nothing goes wrong. */
  operations: string[];
  /** Everything before the step that is killed; answers with the task's id, if it exists by then. */
  prepare(scenario: Scenario): Promise<string>;
  step: readonly string[];
  /** Everything after it, without faults; answers with the task's id. */
  finish(scenario: Scenario, id: string): Promise<string>;
  expected: object;
  /** The clock of the whole scenario, after `prepare`. */
  clockOffsetSeconds?: number;
}

const send = async (scenario: Scenario, task: string, countdown = 0): Promise<string> =>
  sentId(await scenario.run(["send", task, uniqueName("key"), String(countdown)]));
const drain = async (scenario: Scenario, id: string): Promise<string> => {
  await scenario.drain();
  return id;
};
const UPDATE = "DynamoDB.UpdateItem";
const SUCCESS = { state: "SUCCESS", result: 10 };
const WORK = { step: ["work"], finish: drain, expected: SUCCESS };
const QUERY = "DynamoDB.Query";

const flows: Record<string, Flow> = {
  "sending with an idempotency key": {
    operations: [UPDATE, "SQS.SendMessageBatch", UPDATE],
    prepare: async () => "",
    step: ["send", "add", "order-7"],
    // The client sends again, with the same key.
    finish: async (scenario) => drain(scenario, sentId(await scenario.run(["send", "add", "order-7"]))),
    expected: { ...SUCCESS, attempt: 1 },
  },
  "sending with a long delay": {
    operations: [UPDATE, UPDATE, UPDATE, UPDATE],
    prepare: async () => "",
    step: ["send", "add", "order-8", "1000"],
    finish: async (scenario) => {
      const id = sentId(await scenario.run(["send", "add", "order-8", "1000"]));
      expect(await scenario.read(id)).toMatchObject({ state: "PENDING" });
      return id;
    },
    expected: { state: "PENDING" },
  },
  running: {
    ...WORK,
    operations: ["SQS.ReceiveMessage", UPDATE, UPDATE, "SQS.DeleteMessage"],
    prepare: (scenario) => send(scenario, "add"),
    expected: { ...SUCCESS, attempt: 1 },
  },
  "running with ctx.once": {
    ...WORK,
    operations: ["SQS.ReceiveMessage", UPDATE, UPDATE, UPDATE, UPDATE, "SQS.DeleteMessage"],
    prepare: (scenario) => send(scenario, "once"),
  },
  retrying: {
    ...WORK,
    operations: ["SQS.ReceiveMessage", UPDATE, UPDATE, "SQS.SendMessageBatch", "SQS.DeleteMessage"],
    prepare: (scenario) => send(scenario, "fails_once"),
    expected: { ...SUCCESS, attempt: 2 },
  },
  "the sweep of timers": {
    operations: ["DynamoDB.GetItem", QUERY, "SQS.SendMessageBatch", "DynamoDB.DeleteItem"],
    prepare: (scenario) => send(scenario, "add", 901),
    step: ["sweep"],
    async finish(scenario, id) {
      await scenario.run(["sweep"]);
      return drain(scenario, id);
    },
    expected: { ...SUCCESS, attempt: 1 },
    clockOffsetSeconds: 901,
  },
};

async function runScenario(
  flow: Flow,
  kill: KillPoint | undefined,
): Promise<{ operations: string[]; killed: boolean }> {
  let offsetMilliseconds = 0;
  const scenario = await createScenario(engine, LIFE, () => offsetMilliseconds);
  const id = await flow.prepare(scenario);
  offsetMilliseconds = (flow.clockOffsetSeconds ?? 0) * 1_000;
  const outcome = await scenario.run(flow.step, kill);
  const finished = await flow.finish(scenario, id);

  expect(await scenario.messagesLeft()).toBe(0);
  expect(await scenario.read(finished), JSON.stringify(kill)).toMatchObject(flow.expected);
  return outcome;
}

/** A sweep asks 8 partitions a day, and shortly before midnight those of two days. */
function withoutRepeatedQueries(operations: readonly string[]): string[] {
  return operations.filter((operation, index) => operation !== QUERY || operations.indexOf(QUERY) === index).toSorted();
}

describe.concurrent("a SIGKILL before and after every AWS call", () => {
  it.each(Object.entries(flows))("of %s loses nothing", { timeout: 180_000 }, async (_, flow) => {
    const clean = await runScenario(flow, undefined);
    expect(withoutRepeatedQueries(clean.operations)).toEqual(flow.operations.toSorted());

    await eachLimited(killPoints(clean.operations), 5, async (point) => {
      const { killed } = await runScenario(flow, point);
      expect(killed, JSON.stringify(point)).toBe(true);
      points += 1;
    });
  });
});

describe.concurrent("a worker that is killed", () => {
  it("lets its task run again only if the result was not stored, and records it once", {
    timeout: 90_000,
  }, async () => {
    const runs = async (kill: KillPoint) => {
      const scenario = await createScenario(engine, LIFE);
      const id = await send(scenario, "add");
      const { output } = await scenario.run(["work"], kill);
      const all = output + (await scenario.drain());
      return { runs: all.match(/^ran$/gm)?.length, fence: (await scenario.read(id))?.fence };
    };

    expect(await runs({ call: 2, moment: "after" })).toEqual({ runs: 1, fence: 2 }); // claimed, not begun
    expect(await runs({ call: 3, moment: "before" })).toEqual({ runs: 2, fence: 2 }); // done, not stored
    expect(await runs({ call: 3, moment: "after" })).toEqual({ runs: 1, fence: 1 }); // stored, not acknowledged
  });

  it("repeats the work of ctx.once only if it died within it", { timeout: 90_000 }, async () => {
    const runs = async (kill: KillPoint) => {
      const scenario = await createScenario(engine, LIFE);
      await send(scenario, "once");
      const { output } = await scenario.run(["work"], kill);
      return (output + (await scenario.drain())).match(/^ran$/gm)?.length;
    };

    expect(await runs({ call: 3, moment: "after" })).toBe(1); // entry opened
    expect(await runs({ call: 4, moment: "after" })).toBe(1); // entry closed, result not stored
  });

  it("every time ends its task as a FAILURE by way of the dead-letter queue", { timeout: 90_000 }, async () => {
    const scenario = await createScenario(engine, LIFE);
    const id = await send(scenario, "add");
    for (let round = 0; round < 30 && (await scenario.read(id))?.state !== "FAILURE"; round++) {
      await scenario.run(["work"], { call: 3, moment: "before" });
      await scenario.run(["bury"]);
    }

    expect(await scenario.read(id)).toMatchObject({ state: "FAILURE", error: { code: "TASK_CRASHED" } });
  });
});
