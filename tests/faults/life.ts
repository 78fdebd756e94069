/** The steps of a task's life, of which a test kills one. */

import { DeleteMessageBatchCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as z from "zod";
import { toSqsRecord } from "../../localstack/mapping/record.ts";
import { replayOrHeal } from "../../shared/canvas/heal.ts";
import { revokeWorkflow } from "../../shared/canvas/revoke.ts";
import { sendWorkflow } from "../../shared/canvas/send.ts";
import { changeEntry, deleteEntry, putEntry, readEntry, setEnabled } from "../../shared/entries/edit.ts";
import { runNow } from "../../shared/entries/fire.ts";
import {
  type App,
  AsyncResult,
  chord,
  createDeadLetterWorker,
  createRegistry,
  createTick,
  createTimerSweep,
  createWorker,
  Reject,
  ScheduleNotFoundError,
  TaskUnfinishedError,
  task,
  useApp,
} from "../../shared/index.ts";
import { makeBulkAct, startBulkAct } from "../../shared/task/bulk.ts";
import type { ApplyOptions } from "../../shared/task/options.ts";
import { redrive } from "../../shared/task/redrive.ts";
import type { RegisteredTask } from "../../shared/task/registered-task.ts";
import { replay } from "../../shared/task/replay.ts";
import { sendTask } from "../../shared/task/send.ts";
import { readNode } from "../../shared/workflows/read-node.ts";

/** Where a step is taken. */
export interface Surroundings {
  app: App;
  deadLetterUrl: string;
  functionMilliseconds: number;
  print: (line: string) => void;
}

const NUMBERS = z.object({ x: z.number(), y: z.number(), filling: z.string().optional() });

/** More than fits into a message. */
const FILLING = "f".repeat(40_000);

const totalOf = (print: (line: string) => void) =>
  task({
    name: "total",
    payload: z.object({ numbers: z.array(z.number()) }),
    run: ({ numbers }) => {
      print("total");
      return numbers.reduce((all, one) => all + one, 0);
    },
  });

function tasksOf(print: (line: string) => void): Record<string, RegisteredTask> {
  const sum = ({ x, y }: { x: number; y: number }): number => {
    print("ran");
    return x + y;
  };
  const failsOnce = (message: string) => ({
    payload: NUMBERS,
    retry: { maxRetries: 1, backoff: { base: 0 } },
    run: (numbers: { x: number; y: number }, { attempt }: { attempt: number }) => {
      if (attempt === 1) throw new Error(message);
      return sum(numbers);
    },
  });
  const tasks = [
    task({ name: "add", payload: NUMBERS, run: sum }),
    task({
      name: "once_twice",
      payload: NUMBERS,
      run: async (numbers, { once }) => {
        const [sum1, sum2] = await Promise.all([once("one", () => sum(numbers)), once("other", () => sum(numbers))]);
        return (sum1 + sum2) / 2;
      },
    }),
    task({ name: "once", payload: NUMBERS, run: (numbers, context) => context.once("sum", () => sum(numbers)) }),
    task({ name: "fails_once", ...failsOnce("the first time") }),
    task({ name: "fails_large", ...failsOnce(FILLING) }),
    task({
      name: "fails",
      payload: NUMBERS,
      hooks: { onFailure: (error) => print(`told ${String(error)}`) },
      run: ({ x }) => {
        if (x === 4) throw new Error("for good");
        return 10;
      },
    }),
    task({ name: "expiring", payload: NUMBERS, expires: 60, run: sum }),
    task({ name: "large", payload: NUMBERS, run: (numbers) => ({ sum: sum(numbers), filling: FILLING }) }),
    task({ name: "limited", payload: NUMBERS, rateLimit: "10/s", concurrency: 1, run: sum }),
    task({
      name: "requeues",
      payload: NUMBERS,
      rateLimit: "10/s",
      run: async (numbers, { once }) => {
        let isFirst = false;
        await once("turn", () => {
          isFirst = true;
        });
        if (isFirst) throw new Reject("not now", { requeue: true, countdown: 1 });
        return sum(numbers);
      },
    }),
    totalOf(print),
    task({ name: "spread", run: () => [1, 2, 3, 4] }),
    task({
      name: "becomes",
      run: (_, { replace }) =>
        replace({
          node: {
            chain: [
              { task: "add", payload: { x: 1, y: 2 } },
              { task: "add", payload: { x: 7 }, into: "y" },
            ],
          },
        }),
    }),
    task({
      name: "grows",
      run: async (_, { addToGroup }) => {
        const members = [
          { x: 1, y: 2 },
          { x: 3, y: 4 },
        ];
        await addToGroup(members.map((payload) => ({ node: { task: "add", payload }, tasks: [] })));
        return 0;
      },
    }),
    task({
      name: "mends",
      payload: NUMBERS,
      run: (numbers, { attempt }) => {
        if (attempt === 1) throw new Error("until it is replayed");
        return sum(numbers);
      },
    }),
    task({
      name: "slow",
      run: (_, { attempt, retry }) => {
        if (attempt === 1) throw retry({ countdown: 20 * 86_400 });
        return 10;
      },
    }),
    task({ name: "untracked", payload: NUMBERS, trackStarted: false, run: sum }),
  ];
  return Object.fromEntries(tasks.map((one) => [one.name, one]));
}

/** The schedule entry of the steps. */
export const ENTRY = "entry";

type Fields = Parameters<typeof putEntry>[3]["fields"];

/** An entry of this schedule, or one whose runs wait for each other; it adds, unless other fields say what it sends. */
function fieldsOf(schedule: string, others: Fields): Fields {
  const overlap = schedule.startsWith("at(") ? {} : { overlap: "queueOne" };
  const adds = "workflow" in others ? {} : { task: "add", payload: { x: 4, y: 6 } };
  return { ...adds, schedule, ...overlap, ...others };
}

type Handle = (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;

/** Receives, handles and deletes, as Lambda's poller does. */
async function poll(
  QueueUrl: string,
  functionMilliseconds: number,
  handle: Handle,
  MaxNumberOfMessages = 1,
): Promise<void> {
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages,
      WaitTimeSeconds: 6,
      MessageSystemAttributeNames: ["All"],
    }),
  );
  const source = { queueArn: "arn:aws:sqs:us-east-1:000000000000:q", region: "us-east-1" };
  const Records = Messages.map((message) => toSqsRecord(message, source));
  const deadline = Date.now() + functionMilliseconds;
  const { batchItemFailures } = await handle({ Records }, { getRemainingTimeInMillis: () => deadline - Date.now() });
  const Entries = Records.filter(
    ({ messageId }) => !batchItemFailures.some(({ itemIdentifier }) => itemIdentifier === messageId),
  ).map(({ receiptHandle }, index) => ({ Id: String(index), ReceiptHandle: receiptHandle }));
  const [first] = Entries;
  if (first === undefined) return;
  await (MaxNumberOfMessages === 1
    ? sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle }))
    : sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));
}

/** Takes the step that `args` name: its name, and what it is about. */
export async function takeStep(args: readonly string[], surroundings: Surroundings): Promise<void> {
  const { app, deadLetterUrl, functionMilliseconds, print } = surroundings;
  const tasks = tasksOf(print);
  const modules = [{ file: "life.ts", exports: tasks }];
  const registry = createRegistry(modules);
  const [step = "", first = "", options = "{}"] = args;
  switch (step) {
    case "send": {
      const payload = { x: 4, y: 6, ...(first === "large" && { filling: FILLING }) };
      const { id: callerId, ...given }: ApplyOptions & { id?: string } = JSON.parse(options);
      print(`sent ${(await sendTask(app, registry.get(first), payload, { options: given, callerId })).id}`);
      break;
    }
    case "send-workflow": {
      print(`sent ${(await sendWorkflow(app, registry, readNode(JSON.parse(first)), JSON.parse(options))).id}`);
      break;
    }
    // Each call reads its members anew: those of a sender that has died are gone with it.
    case "send-members": {
      useApp(app);
      const numbers = [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ];
      const add = task({ name: "add", payload: NUMBERS, run: ({ x, y }) => x + y });
      const given = numbers.map((one) => add.si({ ...one, filling: FILLING.repeat(4) })).values();
      print(`sent ${(await chord(given, totalOf(print).s().into("numbers")).applyAsync(JSON.parse(first))).id}`);
      break;
    }
    case "heal": {
      const record = await app.results.read(first);
      if (record === undefined) throw new Error(`Task ${first} has no record.`);
      await replayOrHeal(app, registry, record).catch((error: unknown) => {
        // An earlier call has come to its end.
        if (!(error instanceof TaskUnfinishedError)) throw error;
      });
      break;
    }
    case "revoke-workflow":
      await revokeWorkflow(app, first);
      break;
    case "send-three": {
      const keys = ["one", "two", "three"].map((name) => `${options} ${name}`);
      const sent = keys.map((idempotencyKey) =>
        sendTask(app, registry.get(first), { x: 4, y: 6 }, { options: { idempotencyKey } }),
      );
      for (const { id } of await Promise.all(sent)) print(`sent ${id}`);
      break;
    }
    case "work-together":
      await poll(app.config.queueUrl("default"), functionMilliseconds, createWorker(modules, app), 10);
      break;
    case "work":
      await poll(app.config.queueUrl("default"), functionMilliseconds, createWorker(modules, app));
      break;
    // A function that has time for more than one step of a bulk act, on a busy machine too.
    case "work-long":
      await poll(app.config.queueUrl("default"), 60_000, createWorker(modules, app));
      break;
    case "bulk-make": {
      const wanted = { act: "replay", rate: 1000, start: true, source: null, ids: [], ...JSON.parse(options) };
      await makeBulkAct(app, { ...wanted, id: first, by: "a test", target: null, digest: options });
      break;
    }
    case "bulk-start":
      await startBulkAct(app, first);
      break;
    case "work-unsettled": {
      const results = { ...app.results, succeed: () => Promise.reject(new Error("The store refuses.")) };
      const worker = createWorker(modules, { ...app, results });
      await poll(app.config.queueUrl("default"), functionMilliseconds, worker);
      break;
    }
    case "bury":
      await poll(deadLetterUrl, functionMilliseconds, createDeadLetterWorker(app));
      break;
    case "sweep":
      await createTimerSweep(app)(undefined, { getRemainingTimeInMillis: () => 60_000 });
      break;
    case "revoke":
      await new AsyncResult(first, app).revoke();
      break;
    case "revoke-tag":
      await app.control.revoke("tag", first);
      break;
    case "pause":
      await app.control.pause("task", first);
      break;
    case "resume":
      await app.control.resume("task", first);
      break;
    case "replay": {
      const record = await app.results.read(first);
      if (record === undefined) throw new Error(`Task ${first} has no record.`);
      print(`sent ${(await replay(app, registry, record, { payload: { x: 5, y: 5 } })).id}`);
      break;
    }
    case "schedule-put":
      await putEntry(app, registry, ENTRY, { fields: fieldsOf(first, JSON.parse(options)) });
      break;
    case "schedule-change":
      await changeEntry(app, registry, ENTRY, { fields: { schedule: first } });
      break;
    case "schedule-pause":
      await setEnabled(app, ENTRY, false);
      break;
    case "schedule-resume":
      await setEnabled(app, ENTRY, true);
      break;
    case "schedule-delete":
      await deleteEntry(app, ENTRY).catch((error: unknown) => {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      });
      break;
    case "schedule-run":
      print(`sent ${(await runNow(app, registry, await readEntry(app, ENTRY), "a test")).id}`);
      break;
    case "tick":
      await createTick(modules, app)(undefined, { getRemainingTimeInMillis: () => 60_000 });
      break;
    case "redrive":
      await redrive(app, registry, { queue: "default", rate: 100, limit: 100, from: new Date(Date.now() - 3_600_000) });
      break;
    default:
      throw new Error(`Step '${step}' is unknown.`);
  }
}
