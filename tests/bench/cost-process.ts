/** Sender and worker of what is to be priced, as one process, so that it knows when all is done without asking AWS. */

import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { answer, cpuMilliseconds } from "./child.ts";
import { connect } from "./connection.ts";
import { COST_CASES, type CostCase } from "./cost-cases.ts";
import * as tasks from "./cost-tasks.ts";
import { createWorkerSide } from "./lovage.ts";

/** How one case went. */
export interface Drained {
  /** Messages that were received: more than tasks, where some had to wait. */
  deliveries: number;
  /** Calls of the worker function. */
  invocations: number;
  /** Of this process, sending included. */
  cpuMilliseconds: number;
  /** By the clock, the emulators' time included. */
  milliseconds: number;
}

/** Longer than any task has to wait here, so that no receive comes back empty: those are the price of idling, not of a task. */
const POLL_SECONDS = 20;

const { sqs, queueUrl: QueueUrl } = connect();
const handle = createWorkerSide([{ file: "tests/bench/cost-tasks.ts", exports: tasks }]);

/** Sends `count` tasks, then receives, runs and deletes until all their outcomes are stored. */
async function run({ send, batch }: CostCase, count: number): Promise<Drained> {
  const drained = { deliveries: 0, invocations: 0, cpuMilliseconds: 0, milliseconds: 0 };
  const [before, began] = [cpuMilliseconds(), performance.now()];
  const lots = batch === 1 ? count : 1;
  const size = count / lots;
  for (let lot = 0; lot < lots; lot += 1) {
    for (let sent = 0; sent < size; sent += batch) {
      await Promise.all(Array.from({ length: batch }, (_, index) => send(lot * size + sent + index, count)));
    }
    const wanted = tasks.storedOutcomes() + size;
    while (tasks.storedOutcomes() < wanted) await drainBatch(batch, drained);
  }
  return { ...drained, cpuMilliseconds: cpuMilliseconds() - before, milliseconds: performance.now() - began };
}

/** In one lane, so that every batch is full as long as there is a backlog. */
async function drainBatch(MaxNumberOfMessages: number, drained: Drained): Promise<void> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages,
      WaitTimeSeconds: POLL_SECONDS,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  const done = await handle(Messages);
  if (Messages.length === 0 || done.length < Messages.length) {
    throw new Error(`Of ${Messages.length} messages received, ${done.length} were done: a task got lost or was kept.`);
  }
  drained.deliveries += Messages.length;
  drained.invocations += 1;
  const Entries = done.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
}

export type CostCommands = Record<string, (count: number) => Promise<Drained>>;

const commands: CostCommands = Object.fromEntries(
  COST_CASES.map((one) => [one.name, (count: number) => run(one, count)]),
);
answer(commands, () => process.exit());
