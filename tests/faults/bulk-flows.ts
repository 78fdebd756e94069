/** The flows of bulk acts: made, started, collected and acted on. */

import { expect } from "vitest";
import { newId } from "../../shared/message/id.ts";
import type { Flow } from "./flows.ts";
import { type Scenario, sentId } from "./harness.ts";

const [RECEIVE, SEND, DELETE] = ["SQS.ReceiveMessage", "SQS.SendMessageBatch", "SQS.DeleteMessage"];
const [UPDATE, GET, QUERY] = ["DynamoDB.UpdateItem", "DynamoDB.GetItem", "DynamoDB.Query"];

/** A timer, which nobody sends here. */
const LATER = JSON.stringify({ countdown: 1000 });

const waiting = async (scenario: Scenario): Promise<string> => sentId(await scenario.take("send", "add", LATER));
const failed = async (scenario: Scenario): Promise<string> => {
  const id = sentId(await scenario.take("send", "fails"));
  await scenario.drain();
  return id;
};
const make = async (scenario: Scenario, wanted: object): Promise<string> => {
  const id = newId();
  await scenario.take("bulk-make", id, JSON.stringify(wanted));
  return id;
};
/** Works until the act has ended. */
const toItsEnd = async (scenario: Scenario, act: string, counts: object): Promise<void> => {
  await scenario.drain();
  expect(await scenario.app.bulk.read(act)).toMatchObject({ state: "done", skipped: 0, failed: 0, ...counts });
};

/** The tasks of the acts, by the id of the act. */
const tasksOf = new Map<string, string[]>();

export const bulkFlows: Record<string, Flow> = {
  "making a bulk act": {
    operations: [UPDATE, UPDATE, SEND],
    async prepare(scenario) {
      const id = newId();
      tasksOf.set(id, [await waiting(scenario)]);
      return id;
    },
    step: (id) => ["bulk-make", id, JSON.stringify({ act: "revoke", ids: tasksOf.get(id) })],
    async finish(scenario, id) {
      const [task = ""] = tasksOf.get(id) ?? [];
      await scenario.take("bulk-make", id, JSON.stringify({ act: "revoke", ids: [task] }));
      await toItsEnd(scenario, id, { total: 1, done: 1 });
      return task;
    },
    expected: { state: "REVOKED" },
    tasks: 1,
  },
  "starting a bulk act": {
    operations: [UPDATE, SEND],
    async prepare(scenario) {
      const task = await waiting(scenario);
      const id = await make(scenario, { act: "revoke", ids: [task], start: false });
      await scenario.drain();
      tasksOf.set(id, [task]);
      return id;
    },
    step: (id) => ["bulk-start", id],
    async finish(scenario, id) {
      await scenario.take("bulk-start", id);
      await toItsEnd(scenario, id, { total: 1, done: 1 });
      return tasksOf.get(id)?.[0] ?? "";
    },
    expected: { state: "REVOKED" },
    tasks: 1,
  },
  "a step of a bulk act that revokes, and asks for the next": {
    operations: [RECEIVE, GET, UPDATE, GET, UPDATE, UPDATE, UPDATE, SEND, UPDATE, DELETE],
    async prepare(scenario) {
      const tasks = [await waiting(scenario), await waiting(scenario)];
      const id = await make(scenario, { act: "revoke", ids: tasks, rate: 0.2 });
      tasksOf.set(id, tasks);
      return id;
    },
    step: () => ["work-long"],
    async finish(scenario, id) {
      await toItsEnd(scenario, id, { total: 2, done: 2 });
      return tasksOf.get(id)?.[1] ?? "";
    },
    expected: { state: "REVOKED" },
    tasks: 2,
  },
  "a bulk act that collects a failure and replays it": {
    operations: [
      ...[RECEIVE, GET, QUERY, UPDATE, UPDATE, GET, GET, GET, UPDATE, UPDATE, SEND, UPDATE],
      ...[UPDATE, UPDATE, GET, UPDATE, DELETE],
    ],
    async prepare(scenario) {
      const tasks = [await failed(scenario)];
      const id = await make(scenario, { act: "replay", source: { filter: { state: "FAILURE" } } });
      tasksOf.set(id, tasks);
      return id;
    },
    step: () => ["work-long"],
    async finish(scenario, id) {
      await toItsEnd(scenario, id, { total: 1, done: 1 });
      return (await scenario.read(tasksOf.get(id)?.[0] ?? ""))?.replayedBy ?? "";
    },
    expected: { state: "FAILURE" },
    tasks: 2,
  },
};
