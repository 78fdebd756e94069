/** The flows of a workflow: sent, gone on with, fanned out, joined, failed, healed and revoked. */

import { expect } from "vitest";
import { idAt, type Node } from "../../shared/workflows/definition.ts";
import { uniqueName } from "../helpers/engine.ts";
import type { Flow } from "./flows.ts";
import { type Scenario, sentId } from "./harness.ts";

const [RECEIVE, SEND, DELETE] = ["SQS.ReceiveMessage", "SQS.SendMessageBatch", "SQS.DeleteMessage"];
const [GET, BATCH_GET] = ["DynamoDB.GetItem", "DynamoDB.BatchGetItem"];
const PUT_OBJECT = "S3.PUT";
const [UPDATE, STATEMENTS] = ["DynamoDB.UpdateItem", "DynamoDB.BatchExecuteStatement"];

const add = (x: number, y: number): Node => ({ task: "add", payload: { x, y } });
const total: Node = { task: "total", into: "numbers" };
const chord = (...header: Node[]): Node => ({ chain: [{ group: header }, total] });

const CHAIN: Node = { chain: [add(1, 2), { task: "add", payload: { x: 7 }, into: "y" }] };
const CHORD = chord(add(1, 2), add(3, 4));
const NESTED = chord(chord(add(1, 2)), add(3, 4));
const EACH: Node = { chain: [{ task: "spread" }, { each: { task: "add", payload: { x: 0 }, into: "y" } }, total] };
const FAILING = chord({ task: "fails", payload: { x: 4, y: 6 } }, add(3, 4));
const MENDING = chord({ task: "mends", payload: { x: 1, y: 2 } }, add(3, 4));

/** A workflow whose end is put off for three weeks. */
const SLOW: Node = { chain: [add(1, 2), { task: "slow", immutable: true }] };

/** A group whose one member adds two. */
const GROWING = chord({ task: "grows" });

/** The workflow around a task that becomes a chain. */
const BECOMING: Node = { chain: [{ task: "becomes" }, { task: "add", payload: { x: 0 }, into: "y" }] };

const DONE = { state: "SUCCESS", result: 10 };
const COULD_NOT_RUN = { state: "FAILURE", error: { code: "WORKFLOW_STEP_FAILED" } };

/** Later the record of a task that ended at once would be gone before the next look. */
const FIVE_DAYS = 5 * 86_400;

const args = (node: Node, key: string): string[] => [
  "send-workflow",
  JSON.stringify(node),
  JSON.stringify({ idempotencyKey: key }),
];

/** Sends a workflow and takes so many of its messages. */
const begun =
  (node: Node, messages: number) =>
  async (scenario: Scenario): Promise<string> => {
    const id = sentId(await scenario.take(...args(node, uniqueName("key"))));
    for (let taken = 0; taken < messages; taken++) await scenario.take("work");
    return id;
  };

/** Runs what waits, whatever has become of it. */
async function idle(scenario: Scenario, id: string): Promise<string> {
  await scenario.drain();
  return id;
}

/** Everything else runs. The last task has had one attempt, however often its messages came. */
async function drained(scenario: Scenario, id: string): Promise<string> {
  await scenario.drain();
  expect((await scenario.read(id))?.attempt).toBe(1);
  return id;
}

const repeated = (operation: string, times: number): string[] => Array.from({ length: times }, () => operation);

const work = { step: () => ["work"], finish: drained, expected: DONE };

/** The task at a place. */
const at = (node: Node, id: string, place: string): string => idAt({ id, root: node }, place);

const KEY = "workflow-1";

export const canvasFlows: Record<string, Flow> = {
  "sending a chain": {
    operations: [UPDATE, UPDATE, SEND, UPDATE, UPDATE],
    step: () => args(CHAIN, KEY),
    async finish(scenario, id) {
      const again = sentId(await scenario.take(...args(CHAIN, KEY)));
      expect(id === "" || id === again).toBe(true);
      return drained(scenario, again);
    },
    expected: DONE,
    tasks: 2,
  },
  "sending members that are read one by one": {
    operations: [PUT_OBJECT, UPDATE, PUT_OBJECT, UPDATE, SEND, UPDATE],
    step: () => ["send-members", JSON.stringify({ idempotencyKey: KEY })],
    async finish(scenario, id) {
      const again = sentId(await scenario.take("send-members", JSON.stringify({ idempotencyKey: KEY })));
      expect(id === "" || id === again).toBe(true);
      return drained(scenario, again);
    },
    expected: DONE,
    tasks: 3,
  },
  "a step of a chain": {
    ...work,
    operations: [RECEIVE, BATCH_GET, UPDATE, UPDATE, SEND, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: begun(CHAIN, 0),
    tasks: 2,
  },
  "the last step of a chain": {
    ...work,
    operations: [RECEIVE, BATCH_GET, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: begun(CHAIN, 1),
    tasks: 2,
  },
  "the fan-out of a group": {
    ...work,
    operations: [RECEIVE, GET, GET, UPDATE, SEND, STATEMENTS, DELETE],
    prepare: begun(CHORD, 0),
    tasks: 3,
  },
  "the last member of a chord": {
    ...work,
    operations: [RECEIVE, BATCH_GET, UPDATE, UPDATE, UPDATE, GET, GET, SEND, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: begun(CHORD, 2),
    tasks: 3,
  },
  "the body of a chord": {
    ...work,
    operations: [RECEIVE, BATCH_GET, GET, BATCH_GET, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: begun(CHORD, 3),
    tasks: 3,
  },
  "the body of an inner chord": {
    ...work,
    operations: [RECEIVE, ...repeated(BATCH_GET, 2), ...repeated(GET, 3), ...repeated(UPDATE, 6), SEND, DELETE],
    prepare: begun(NESTED, 3),
    tasks: 4,
  },
  "a list that is fanned out": {
    ...work,
    operations: [RECEIVE, BATCH_GET, UPDATE, UPDATE, UPDATE, UPDATE, SEND, STATEMENTS, UPDATE, DELETE],
    prepare: begun(EACH, 0),
    tasks: 6,
  },
  "a member that fails its group": {
    ...work,
    operations: [RECEIVE, BATCH_GET, GET, ...repeated(UPDATE, 6), ...repeated(STATEMENTS, 2), DELETE],
    prepare: begun(FAILING, 1),
    finish: idle,
    expected: COULD_NOT_RUN,
  },
  "a replay that heals": {
    operations: [...repeated(GET, 10), ...repeated(BATCH_GET, 2), ...repeated(UPDATE, 11), ...repeated(SEND, 2)],
    async prepare(scenario) {
      const id = await begun(MENDING, 0)(scenario);
      await scenario.drain();
      expect(await scenario.read(id)).toMatchObject(COULD_NOT_RUN);
      return id;
    },
    step: (id) => ["heal", at(MENDING, id, "0.0")],
    async finish(scenario, id) {
      // The caller, who got no answer, asks again.
      await scenario.take("heal", at(MENDING, id, "0.0"));
      return drained(scenario, id);
    },
    expected: DONE,
  },
  "a task that becomes a workflow": {
    ...work,
    operations: [RECEIVE, BATCH_GET, GET, GET, ...repeated(UPDATE, 5), SEND, DELETE],
    prepare: begun(BECOMING, 0),
    finish: idle,
    tasks: 4,
  },
  "the end of what a task has become": {
    ...work,
    operations: [RECEIVE, BATCH_GET, BATCH_GET, GET, ...repeated(UPDATE, 5), SEND, UPDATE, DELETE],
    prepare: begun(BECOMING, 2),
    finish: idle,
    tasks: 4,
  },
  "a task that adds members to its group": {
    ...work,
    operations: [RECEIVE, BATCH_GET, ...repeated(UPDATE, 8), SEND, DELETE],
    prepare: begun(GROWING, 1),
    tasks: 4,
  },
  "the fan-out of members that were added": {
    ...work,
    operations: [RECEIVE, GET, GET, BATCH_GET, GET, ...repeated(UPDATE, 2), SEND, STATEMENTS, DELETE],
    prepare: begun(GROWING, 2),
    tasks: 4,
  },
  "the end of members that were added": {
    ...work,
    operations: [RECEIVE, ...repeated(BATCH_GET, 2), ...repeated(GET, 7), ...repeated(UPDATE, 8), SEND, DELETE],
    prepare: begun(GROWING, 4),
    tasks: 4,
  },
  "a retry that outlives the records of its workflow": {
    ...work,
    operations: [RECEIVE, BATCH_GET, GET, ...repeated(UPDATE, 6), SEND, DELETE],
    prepare: begun(SLOW, 1),
    expected: { state: "RETRY" },
    finish: idle,
    tasks: 2,
  },
  "a look at the records of a workflow": {
    ...work,
    operations: [RECEIVE, ...repeated(GET, 3), BATCH_GET, ...repeated(UPDATE, 3), DELETE],
    clockOffsetSeconds: FIVE_DAYS,
    prepare: begun(SLOW, 2),
    expected: { state: "RETRY" },
    finish: idle,
    tasks: 2,
  },
  "revoking a workflow": {
    operations: [GET, UPDATE, UPDATE],
    prepare: begun(CHORD, 0),
    step: (id) => ["revoke-workflow", id],
    async finish(scenario, id) {
      await scenario.take("revoke-workflow", id);
      await scenario.drain();
      return id;
    },
    expected: { state: "REVOKED" },
  },
};
