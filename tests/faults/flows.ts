/** The flows of a task's life whose every AWS call is a place to die. */

import { expect } from "vitest";
import type { Message } from "../../shared/message/message.ts";
import { uniqueName } from "../helpers/engine.ts";
import { type Scenario, sentId } from "./harness.ts";

/** The work that a flow's step leaves, and the sign of its end. */
export interface Flow {
  /** The calls that the step makes when nothing goes wrong, in any order; repeated queries once. */
  operations: readonly string[];
  /** Everything before the step that is killed; answers with the task's id, if it exists by then. */
  prepare?: (scenario: Scenario) => Promise<string>;
  step: (id: string) => readonly string[];
  /** Everything after it, without faults; answers with the id of the task that is looked at. */
  finish: (scenario: Scenario, id: string) => Promise<string>;
  expected: object;
  /** The clock of the whole scenario, after `prepare`. */
  clockOffsetSeconds?: number;
  /** How many tasks there must be in the end, of which none may be unfinished. */
  tasks?: number;
}

const RECEIVE = "SQS.ReceiveMessage";
const SEND = "SQS.SendMessageBatch";
const DELETE = "SQS.DeleteMessage";
const UPDATE = "DynamoDB.UpdateItem";
const STATEMENTS = "DynamoDB.BatchExecuteStatement";
const DELETE_BATCH = "SQS.DeleteMessageBatch";
const GET = "DynamoDB.GetItem";
const QUERY = "DynamoDB.Query";
const PUT_OBJECT = "S3.PUT";
const GET_OBJECT = "S3.GET";

const THREE_WEEKS = 21 * 86_400;

const SUCCESS = { state: "SUCCESS", result: 10 };
const REVOKED = { state: "REVOKED" };
const CRASHED = { state: "FAILURE", error: { code: "TASK_CRASHED" } };

const send = async (scenario: Scenario, task: string, options: object = {}): Promise<string> =>
  sentId(await scenario.take("send", task, JSON.stringify({ idempotencyKey: uniqueName("key"), ...options })));
const drain = async (scenario: Scenario, id: string): Promise<string> => {
  await scenario.drain();
  return id;
};
/** The caller, who got no answer, asks again. */
const again =
  (...args: readonly string[]) =>
  async (scenario: Scenario, id: string): Promise<string> => {
    const output = await scenario.take(...args.map((arg) => (arg === "<id>" ? id : arg)));
    return drain(scenario, sentId(output) || id);
  };
const never =
  (finish: Flow["finish"]): Flow["finish"] =>
  async (scenario, id) => {
    const finished = await finish(scenario, id);
    expect((await scenario.read(finished))?.startedAt).toBeUndefined();
    return finished;
  };

const work = { step: () => ["work"], finish: drain, expected: { ...SUCCESS, attempt: 1 }, tasks: 1 };
const together = { ...work, step: () => ["work-together"], tasks: 3 };
const sendWithKey = JSON.stringify({ idempotencyKey: "order-7" });
const sendLater = JSON.stringify({ idempotencyKey: "order-8", countdown: 1000 });
const sendDebounced = JSON.stringify({ debounce: { key: "doc", wait: 6 } });

/** A task whose worker has died `deaths` times, given up by SQS. */
const givenUp = async (scenario: Scenario, deaths: number): Promise<string> => {
  const id = scenario.app.newId();
  const sentAt = new Date().toISOString();
  const message: Message = {
    v: 1,
    id,
    task: "add",
    attempt: 1,
    queue: "default",
    sentAt,
    rootId: id,
    payload: { x: 4, y: 6 },
  };
  await scenario.app.results.pending(message);
  for (let death = 0; death < deaths; death++) {
    const delivery = { messageId: id, receiveCount: death + 1 };
    expect(await scenario.app.results.claim(message, delivery, 1)).toMatchObject({ claimed: true });
  }
  // It has been here once, when its last run was seen.
  await scenario.giveUp({ ...message, seen: deaths });
  return id;
};

/** A worker that is faster than their sender: three messages, and no record. */
const threeWithoutRecords = async ({ app }: Scenario): Promise<string> => {
  const ids = [app.newId(), app.newId(), app.newId()];
  const messages = ids.map(
    (id): Message => ({
      v: 1,
      id,
      task: "add",
      attempt: 1,
      queue: "default",
      sentAt: new Date().toISOString(),
      rootId: id,
      payload: { x: 4, y: 6 },
    }),
  );
  await Promise.all(messages.map((message) => app.broker.send(message, 0)));
  return ids[0] ?? "";
};

export const flows: Record<string, Flow> = {
  "sending with an idempotency key": {
    ...work,
    operations: [UPDATE, SEND, UPDATE],
    step: () => ["send", "add", sendWithKey],
    finish: again("send", "add", sendWithKey),
  },
  "sending with an id of the caller's": {
    ...work,
    operations: [SEND, UPDATE],
    prepare: async ({ app }) => app.newId(),
    step: (id) => ["send", "add", JSON.stringify({ id })],
    finish: async (scenario, id) => {
      await again("send", "add", JSON.stringify({ id }))(scenario, id);
      return id;
    },
  },
  "sending three at once": {
    ...together,
    operations: [STATEMENTS, SEND, STATEMENTS],
    step: () => ["send-three", "add", "key"],
    finish: again("send-three", "add", "key"),
  },
  "running three at once": {
    ...together,
    operations: [RECEIVE, GET, STATEMENTS, STATEMENTS, UPDATE, DELETE_BATCH],
    prepare: async (scenario) => sentId(await scenario.take("send-three", "add", uniqueName("key"))),
  },
  "running three at once whose records are not there yet": {
    ...together,
    operations: [RECEIVE, GET, STATEMENTS, STATEMENTS, STATEMENTS, UPDATE, DELETE_BATCH],
    prepare: (scenario) => threeWithoutRecords(scenario),
  },
  "retrying three at once": {
    ...together,
    operations: [RECEIVE, GET, STATEMENTS, STATEMENTS, SEND, UPDATE, DELETE_BATCH],
    prepare: async (scenario) => sentId(await scenario.take("send-three", "fails_once", uniqueName("key"))),
    expected: { ...SUCCESS, attempt: 2 },
  },
  "sending with a long delay": {
    operations: [UPDATE, UPDATE, UPDATE, UPDATE],
    step: () => ["send", "add", sendLater],
    finish: again("send", "add", sendLater),
    expected: { state: "PENDING" },
  },
  "sending a large payload": {
    operations: [UPDATE, PUT_OBJECT, SEND, UPDATE],
    step: () => ["send", "large", sendWithKey],
    finish: again("send", "large", sendWithKey),
    expected: { state: "SUCCESS", attempt: 1, refs: { payload: {}, result: {} } },
    tasks: 1,
  },
  "sending the newest of a burst": {
    operations: [UPDATE, UPDATE, SEND, UPDATE, UPDATE],
    prepare: async (scenario) => sentId(await scenario.take("send", "add", sendDebounced)),
    step: () => ["send", "add", sendDebounced],
    finish: again("send", "add", sendDebounced),
    expected: SUCCESS,
  },
  "sending the first of a burst that follows another": {
    operations: [UPDATE, UPDATE, UPDATE, SEND, UPDATE],
    prepare: async (scenario) => sentId(await scenario.take("send", "add", sendDebounced)),
    clockOffsetSeconds: 7,
    step: () => ["send", "add", sendDebounced],
    finish: again("send", "add", sendDebounced),
    expected: SUCCESS,
  },
  running: {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "add"),
  },
  "running with ctx.once": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "once"),
  },
  "running with two of ctx.once at once": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, STATEMENTS, STATEMENTS, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "once_twice"),
  },
  "giving back an outcome that the store refuses": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, SEND, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "add"),
    step: () => ["work-unsettled"],
  },
  "running without a claim": {
    ...work,
    operations: [RECEIVE, GET, GET, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "untracked"),
  },
  "running with a large payload and result": {
    ...work,
    operations: [RECEIVE, GET, GET_OBJECT, UPDATE, PUT_OBJECT, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "large"),
    expected: { state: "SUCCESS", attempt: 1, refs: { payload: {}, result: {} } },
  },
  "running under a rate limit and a concurrency": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, UPDATE, UPDATE, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "limited"),
  },
  "requeueing under a rate limit": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, UPDATE, UPDATE, UPDATE, SEND, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "requeues"),
  },
  "recording what another writer sent": {
    operations: [RECEIVE, STATEMENTS, STATEMENTS, UPDATE, STATEMENTS, DELETE],
    prepare: (scenario) => scenario.write('{"v":1,"task":"add"}'),
    step: () => ["work"],
    finish: drain,
    expected: { state: "FAILURE", error: { code: "MESSAGE_INVALID" } },
    tasks: 1,
  },
  "the sweep of a timer whose queue is gone": {
    ...work,
    operations: [GET, QUERY, SEND, "DynamoDB.DeleteItem"],
    async prepare({ app }) {
      const id = app.newId();
      const eta = new Date(Date.now() + 1_000_000);
      const message: Message = {
        v: 1,
        id,
        task: "add",
        attempt: 1,
        rootId: id,
        queue: "gone",
        sentAt: new Date().toISOString(),
        eta: eta.toISOString(),
        payload: { x: 4, y: 6 },
      };
      await app.timers.put(message, eta);
      await app.results.pending(message);
      return id;
    },
    step: () => ["sweep"],
    finish: again("sweep"),
    clockOffsetSeconds: 1000,
  },
  retrying: {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, SEND, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "fails_once"),
    expected: { ...SUCCESS, attempt: 2 },
  },
  "retrying after three weeks in the queue": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, UPDATE, SEND, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "fails_once"),
    expected: { ...SUCCESS, attempt: 2 },
    clockOffsetSeconds: THREE_WEEKS,
  },
  "retrying after a large error": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, PUT_OBJECT, UPDATE, SEND, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "fails_large"),
    expected: { ...SUCCESS, attempt: 2 },
  },
  "the sweep of timers": {
    ...work,
    operations: [GET, QUERY, SEND, "DynamoDB.DeleteItem"],
    prepare: (scenario) => send(scenario, "add", { countdown: 1000 }),
    step: () => ["sweep"],
    finish: again("sweep"),
    clockOffsetSeconds: 1000,
  },
  "a revoke": {
    operations: [UPDATE],
    prepare: (scenario) => send(scenario, "add"),
    step: (id) => ["revoke", id],
    finish: never(again("revoke", "<id>")),
    expected: REVOKED,
    tasks: 1,
  },
  "a revoke by tag": {
    operations: [QUERY, UPDATE, UPDATE],
    prepare: (scenario) => send(scenario, "add", { tags: ["t"] }),
    step: () => ["revoke-tag", "t"],
    finish: never(again("revoke-tag", "t")),
    expected: REVOKED,
    tasks: 1,
  },
  "meeting a revoke by tag": {
    operations: [RECEIVE, GET, QUERY, UPDATE, UPDATE, DELETE],
    prepare: async (scenario) => {
      const id = await send(scenario, "add", { tags: ["t"] });
      await scenario.take("revoke-tag", "t");
      return id;
    },
    step: () => ["work"],
    finish: never(drain),
    expected: REVOKED,
    tasks: 1,
  },
  expiring: {
    operations: [RECEIVE, GET, UPDATE, UPDATE, DELETE],
    prepare: (scenario) => send(scenario, "expiring"),
    step: () => ["work"],
    finish: never(drain),
    expected: REVOKED,
    clockOffsetSeconds: 61,
    tasks: 1,
  },
  "meeting a pause": {
    ...work,
    operations: [RECEIVE, GET, QUERY, SEND, DELETE],
    prepare: async (scenario) => {
      const id = await send(scenario, "add");
      await scenario.take("pause", "add");
      return id;
    },
    finish: again("resume", "add"),
  },
  "ending a dead letter": {
    operations: [RECEIVE, GET, UPDATE, UPDATE, SEND, STATEMENTS, DELETE],
    prepare: (scenario) => givenUp(scenario, 3),
    step: () => ["bury"],
    finish: drain,
    expected: CRASHED,
    tasks: 1,
  },
  "telling a task of its crash": {
    operations: [RECEIVE, DELETE],
    prepare: async (scenario) => {
      const id = await givenUp(scenario, 3);
      await scenario.take("bury");
      return id;
    },
    step: () => ["work"],
    finish: drain,
    expected: CRASHED,
    tasks: 1,
  },
  "returning a dead letter": {
    ...work,
    operations: [RECEIVE, GET, UPDATE, SEND, DELETE],
    prepare: (scenario) => givenUp(scenario, 1),
    step: () => ["bury"],
  },
  "a replay": {
    operations: [GET, UPDATE, SEND, UPDATE, UPDATE],
    prepare: async (scenario) => drain(scenario, await send(scenario, "fails")),
    step: (id) => ["replay", id],
    finish: again("replay", "<id>"),
    expected: SUCCESS,
  },
  "a redrive": {
    operations: [QUERY, GET, UPDATE, UPDATE, SEND, UPDATE, UPDATE],
    prepare: async (scenario) => drain(scenario, await send(scenario, "fails")),
    step: () => ["redrive"],
    finish: again("redrive"),
    expected: { state: "FAILURE" },
    // The failure, and its one rerun.
    tasks: 2,
  },
};
