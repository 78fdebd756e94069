import { chain, chord } from "../../shared/index.ts";
import * as tasks from "./cost-tasks.ts";
import type { Priced } from "./prices.ts";

/** One way to send a task, whose cost is measured. */
export interface CostCase {
  name: string;
  /** @param count how many tasks are sent in all; a workflow is sent by the first of its own */
  send(index: number, count: number): Promise<unknown> | undefined;
  /** Tasks that are sent, and messages that are received and deleted, in one call. */
  batch: number;
  /** Absent: as many as of every other. */
  tasks?: number;
  /** The cost of an SQS request. @defaultValue sqsRequest */
  request?: Priced;
}

const KILOBYTE = 1024;
const textOf = (kilobytes: number) => ({ text: "x".repeat(kilobytes * KILOBYTE) });
const full = { batch: 10 };
const sum = (index: number) => ({ x: index, y: 1 });

export const DEFAULT = "default";

/** Steps of each chain; ten chains are sent together, and go on beside each other, so that batches are full. */
const STEPS = 10;

function sendChain(index: number, count: number): Promise<unknown> | undefined {
  if (index >= count / STEPS) return undefined;
  const [first, ...others] = Array.from({ length: STEPS }, (_, step) => tasks.add.si(sum(index + step)));
  return first && chain(first, ...others).delay();
}

/** All tasks but the last are members; that one gets their results. */
function sendChord(index: number, count: number): Promise<unknown> | undefined {
  if (index > 0) return undefined;
  const members = Array.from({ length: count - 1 }, (_, member) => tasks.add.s(sum(member)));
  return chord(members, tasks.total.s().into("numbers")).delay();
}

export const STEP = "step of a chain";
export const MEMBER = "member of a chord";

/** The default first: the others are shown beside it. */
export const COST_CASES: readonly CostCase[] = [
  { ...full, name: DEFAULT, send: (index) => tasks.add.delay(sum(index)) },
  { batch: 1, name: "default, one at a time", send: (index) => tasks.add.delay(sum(index)), tasks: 50 },
  { ...full, name: "ignoreResult", send: (index) => tasks.forgetful.delay(sum(index)) },
  { ...full, name: "trackStarted: false", send: (index) => tasks.unclaimed.delay(sum(index)) },
  { ...full, name: "both of these", send: (index) => tasks.careless.delay(sum(index)) },
  { ...full, name: "failure", send: (index) => tasks.failing.delay(sum(index)) },
  { ...full, name: "success at the second attempt", send: (index) => tasks.retried.delay(sum(index)) },
  { ...full, name: "rateLimit, none waits", send: (index) => tasks.limited.delay(sum(index)) },
  { ...full, name: "rateLimit, some wait", send: (index) => tasks.waiting.delay(sum(index)), tasks: 100 },
  { ...full, name: "concurrency by key", send: (index) => tasks.shared.delay(sum(index)) },
  {
    ...full,
    name: "idempotencyKey",
    send: (index) => tasks.add.applyAsync(sum(index), { idempotencyKey: `order-${index}` }),
  },
  { ...full, name: "one ctx.once", send: (index) => tasks.once.delay(sum(index)) },
  {
    ...full,
    name: "messageGroupId",
    request: "sqsGroupRequest",
    send: (index) => tasks.fair.delay(sum(index)),
  },
  { ...full, name: STEP, send: sendChain, tasks: 100 },
  { ...full, name: MEMBER, send: sendChord, tasks: 1000 },
  { ...full, name: "payload of 7 KB, inline", send: () => tasks.read.delay(textOf(7)) },
  { ...full, name: "payload of 100 KB, in S3", send: () => tasks.read.delay(textOf(100)) },
];
