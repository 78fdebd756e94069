import { firingId } from "../../shared/schedules/name.ts";
/** The flows of a schedule entry: made, changed, paused, deleted, run by hand, and found by a tick. */

import { expect } from "vitest";
import { readEntry } from "../../shared/entries/edit.ts";
import { historyOf } from "../../shared/entries/history.ts";
import { nextFireTime } from "../../shared/schedules/timing.ts";
import { idAt, type Node } from "../../shared/workflows/definition.ts";
import type { Flow } from "./flows.ts";
import { type Scenario, sentId } from "./harness.ts";
import { ENTRY } from "./life.ts";

const [SEND, UPDATE, GET, QUERY] = [
  "SQS.SendMessageBatch",
  "DynamoDB.UpdateItem",
  "DynamoDB.GetItem",
  "DynamoDB.Query",
];
const [DELETE, BATCH_GET] = ["DynamoDB.DeleteItem", "DynamoDB.BatchGetItem"];
const STATEMENTS = "DynamoDB.BatchExecuteStatement";

const SUCCESS = { state: "SUCCESS", result: 10 };

/** A time that has just passed, which a new one-off still counts. */
const ago = ({ app }: Scenario, seconds: number): string =>
  `at(${new Date(app.clock().getTime() - seconds * 1000).toISOString().slice(0, 19)})`;

/** The task of the entry's first fire time. */
async function firstTask({ app }: Scenario): Promise<string> {
  const entry = await readEntry(app, ENTRY);
  const time = nextFireTime(entry.timing, entry.since);
  return time === undefined ? "" : firingId(entry, time);
}

/** Nothing but a plain task runs after this. */
async function onlyAnother(scenario: Scenario): Promise<string> {
  await scenario.take("tick");
  const id = sentId(await scenario.take("send", "add"));
  await scenario.drain();
  return id;
}

const put = async (scenario: Scenario): Promise<string> => {
  await scenario.take("schedule-put", ago(scenario, 10));
  return "";
};

/** Each day, first in a minute or two: the entry is stored by then, however slow the machine is. */
const daily = ({ app }: Scenario): string => {
  const next = new Date(app.clock().getTime() + 120_000);
  return `${next.getUTCMinutes()} ${next.getUTCHours()} * * *`;
};

/** In each hour, first ten minutes from now. */
const hourly = ({ app }: Scenario): string => `${new Date(app.clock().getTime() + 600_000).getUTCMinutes()} * * * *`;

const CHAIN = {
  chain: [
    { task: "add", payload: { x: 1, y: 2 } },
    { task: "add", payload: { x: 7 }, into: "y" },
  ],
};

const GROUP: Node = {
  group: [
    { task: "add", payload: { x: 1, y: 2 } },
    { task: "add", payload: { x: 4, y: 6 } },
  ],
};

/** The tick comes once more, and finds nothing to do. */
async function tickAgain(scenario: Scenario, id: string): Promise<string> {
  await scenario.take("tick");
  await scenario.drain();
  await scenario.take("tick");
  return id;
}

/** The step of a run by hand: whatever became of it, another one runs. */
const runByHand = {
  step: () => ["schedule-run"],
  async finish(scenario: Scenario) {
    const id = sentId(await scenario.take("schedule-run"));
    await scenario.drain();
    return id;
  },
  expected: SUCCESS,
};

export const scheduleFlows: Record<string, Flow> = {
  "making a schedule entry": {
    operations: [GET, UPDATE, UPDATE, UPDATE],
    prepare: async (scenario) => ago(scenario, 10),
    step: (schedule) => ["schedule-put", schedule],
    async finish(scenario, schedule) {
      await scenario.take("schedule-put", schedule);
      const id = await firstTask(scenario);
      await scenario.take("tick");
      await scenario.drain();
      return id;
    },
    expected: SUCCESS,
    tasks: 1,
  },
  "changing a schedule entry": {
    operations: [GET, UPDATE, UPDATE, UPDATE],
    async prepare(scenario) {
      await put(scenario);
      return ago(scenario, 5);
    },
    step: (schedule) => ["schedule-change", schedule],
    async finish(scenario, schedule) {
      await scenario.take("schedule-change", schedule);
      const id = await firstTask(scenario);
      await scenario.take("tick");
      await scenario.drain();
      return id;
    },
    expected: SUCCESS,
    tasks: 1,
  },
  "pausing a schedule entry": {
    operations: [GET, GET, UPDATE],
    prepare: put,
    step: () => ["schedule-pause"],
    async finish(scenario) {
      await scenario.take("schedule-pause");
      return onlyAnother(scenario);
    },
    expected: SUCCESS,
    tasks: 1,
  },
  "deleting a schedule entry": {
    operations: [GET, UPDATE],
    prepare: put,
    step: () => ["schedule-delete"],
    async finish(scenario) {
      await scenario.take("schedule-delete");
      return onlyAnother(scenario);
    },
    expected: SUCCESS,
    tasks: 1,
  },
  "running a schedule entry by hand": {
    // The entry; its line of history, the task, its record.
    operations: [GET, UPDATE, SEND, UPDATE],
    prepare: put,
    ...runByHand,
  },
  "a tick": {
    // Its position, what is due, the entry and the run before; the run, the task, its record, the next time; the position.
    operations: [GET, QUERY, GET, GET, UPDATE, SEND, UPDATE, UPDATE, DELETE, UPDATE, UPDATE],
    async prepare(scenario) {
      await scenario.take("schedule-put", daily(scenario));
      return firstTask(scenario);
    },
    clockOffsetSeconds: 180,
    step: () => ["tick"],
    async finish(scenario, id) {
      await scenario.take("tick");
      await scenario.drain();
      return id;
    },
    expected: { ...SUCCESS, attempt: 1 },
    tasks: 1,
  },
  "a tick that sends a workflow": {
    // As above; in the place of the task: what there is of it, the definition, the first task, its record and that of the end.
    operations: [GET, QUERY, GET, GET, UPDATE, BATCH_GET, UPDATE, SEND, UPDATE, UPDATE, UPDATE, DELETE, UPDATE, UPDATE],
    async prepare(scenario) {
      await scenario.take("schedule-put", daily(scenario), JSON.stringify({ workflow: CHAIN }));
      return firstTask(scenario);
    },
    clockOffsetSeconds: 180,
    step: () => ["tick"],
    finish: tickAgain,
    expected: { ...SUCCESS, attempt: 1 },
    tasks: 2,
  },
  "a tick that sends a group": {
    // Its members are sent by a worker, and there is no record of its end.
    operations: [GET, QUERY, GET, GET, UPDATE, BATCH_GET, UPDATE, SEND, UPDATE, DELETE, UPDATE, UPDATE],
    async prepare(scenario) {
      await scenario.take("schedule-put", daily(scenario), JSON.stringify({ workflow: GROUP }));
      return idAt({ id: await firstTask(scenario), root: GROUP }, "1");
    },
    clockOffsetSeconds: 180,
    step: () => ["tick"],
    finish: tickAgain,
    expected: { ...SUCCESS, attempt: 1 },
    tasks: 2,
  },
  "running a schedule entry of a workflow by hand": {
    operations: [GET, BATCH_GET, UPDATE, UPDATE, SEND, UPDATE, UPDATE],
    prepare: async (scenario) => {
      await scenario.take("schedule-put", daily(scenario), JSON.stringify({ workflow: CHAIN }));
      return "";
    },
    ...runByHand,
  },
  "resuming a schedule entry": {
    // The position, the due item, the entry, and a note of the pause.
    operations: [GET, GET, UPDATE, UPDATE, UPDATE, UPDATE],
    async prepare(scenario) {
      await scenario.take("schedule-put", hourly(scenario));
      await scenario.take("schedule-pause");
      return "";
    },
    step: () => ["schedule-resume"],
    async finish(scenario) {
      await scenario.take("schedule-resume");
      const lines = await historyOf(scenario.app, await readEntry(scenario.app, ENTRY), 5);
      expect(lines.map(({ outcome }) => outcome)).toEqual(["paused"]);
      return onlyAnother(scenario);
    },
    expected: SUCCESS,
    tasks: 1,
  },
  "the first tick after three hours": {
    // The three tasks share their calls.
    operations: [GET, QUERY, GET, SEND, STATEMENTS, UPDATE, DELETE, UPDATE, UPDATE],
    async prepare(scenario) {
      await scenario.take("schedule-put", hourly(scenario), JSON.stringify({ catchUp: "all", overlap: "allow" }));
      return firstTask(scenario);
    },
    clockOffsetSeconds: 10_800,
    step: () => ["tick"],
    finish: tickAgain,
    expected: { ...SUCCESS, attempt: 1 },
    tasks: 3,
  },
};
