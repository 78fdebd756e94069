import { createApp, createDeadLetterWorker, createWorker } from "../app.ts";
import { type Environment, loadConfig } from "../config.ts";
import { InvalidOptionError } from "../errors.ts";
import { createLog } from "../log.ts";
import type { Mail } from "../mail/mailer.ts";
import { decodeMessage } from "../message/encoding.ts";
import { derivedId } from "../message/id.ts";
import { type Json, parseJson } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { publicRecord, type TaskRecord } from "../results/record.ts";
import { type App, enterApp, useApp, withinApp } from "../task/current-app.ts";
import type { ApplyOptions } from "../task/options.ts";
import type { OptionsCall } from "../task/payload.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { TaskModule } from "../task/registry.ts";
import { sendTask } from "../task/send.ts";
import { isTask, type Task } from "../task/task.ts";
import { createMemoryBucket } from "./bucket.ts";
import { readDuration } from "./duration.ts";
import { TasksFailedError } from "./failures.ts";
import { createQueues, type Queued, type QueueRules } from "./queues.ts";
import { createMemoryTable } from "./table.ts";
import { createTurns } from "./turns.ts";

export interface TestAppOptions {
  /** Exports of task modules: tasks and beat schedules; `import * as tasks from "…"` gives them. */
  tasks: Readonly<Record<string, unknown>>;
  /** Settings beside the kit's own, and in their place. */
  environment?: Environment;
  /** The time at which it begins. @defaultValue 2026-01-01T00:00:00Z */
  now?: Date;
}

/** A task that was sent, once whatever became of it: retries and waits are no further ones. */
export interface SentTask {
  id: string;
  task: string;
  payload: Json;
  queue: string;
  eta: Date | undefined;
  tags: readonly string[];
  headers: Readonly<Record<string, string>>;
}

/** One run of one task. */
export interface TestRun {
  id: string;
  task: string;
  attempt: number;
  payload: Json;
  at: Date;
  /** The returned value; undefined while it runs, and for one that threw. */
  result: unknown;
  /** The thrown value, also of a signal such as `ctx.retry()`. */
  error: unknown;
}

/** A message that waits for a later time. */
interface WaitingTask {
  id: string;
  task: string;
  attempt: number;
  /** Its queue; `timer` for one that is due in more than 15 minutes. */
  queue: string;
  at: Date;
}

export interface Drained {
  /** Runs that were made. */
  ran: number;
  /** The messages that wait for a later time, the next one first. */
  waiting: WaitingTask[];
}

export interface DrainOptions {
  /** `throw`, or `keep` for a test that expects tasks to end as a FAILURE. @defaultValue throw */
  failures?: "throw" | "keep";
}

/** An app on a cloud in memory, whose time passes only when the test says so. */
export interface TestApp {
  /** The engine's app, for what takes one. */
  readonly app: App;
  /** The time, by the kit's clock. */
  readonly now: Date;
  /** Tasks that were sent, in their order; of one task, or all. */
  sent(task?: { readonly name: string }): SentTask[];
  /** Mails that tasks sent. Two of one key are one, as in an outbox. */
  readonly outbox: readonly (Mail & { key: string })[];
  readonly runs: readonly TestRun[];
  /** Lines that the app logged. */
  readonly logged: readonly Json[];
  /** Runs all that is due, and what that sends. @throws TasksFailedError */
  drain(options?: DrainOptions): Promise<Drained>;
  /**
   * Lets time pass, and runs all that falls due on the way: delays, retries, timers, beat, visibility.
   * @param duration seconds, or a text such as `1 day`, `90 minutes`
   * @throws TasksFailedError; InvalidOptionError for a text that is no duration
   */
  advance(duration: number | string, options?: DrainOptions): Promise<Drained>;
  /** Sends a task and makes one attempt, whatever else is due; its record says how that ended. A retry waits for the next drain. */
  run<Input, Result>(task: Task<Input, Result>, ...call: OptionsCall<Input, ApplyOptions>): Promise<TaskRecord>;
  /** Does `work` with this app as the one that `delay` finds. */
  within<T>(work: () => T): T;
}

const ADDRESS = "https://sqs.invalid/000000000000";
const ENVIRONMENT: Environment = {
  BROKER_URL: `${ADDRESS}/default`,
  BROKER_URL_HIGH: `${ADDRESS}/high`,
  BROKER_URL_LOW: `${ADDRESS}/low`,
  BROKER_URL_FIFO: `${ADDRESS}/fifo.fifo`,
  DEAD_LETTER_QUEUE_URL: `${ADDRESS}/dead`,
  RESULT_BACKEND: "dynamodb://tests",
  UPLOADS_BUCKET: "tests",
};
/** As serverless.yml has them. */
const FUNCTION_MILLISECONDS = 28_000;
const VISIBILITY_SECONDS = 90;
const DEAD_VISIBILITY_SECONDS = 30;
const MAX_RECEIVES = 3;
/** More runs of one call are a task that sends itself. */
const MAX_DELIVERIES = 100_000;

/**
 * Makes an app for one test, which `delay` finds from here on in this test alone.
 * @throws InvalidOptionError, TaskAlreadyRegisteredError and its kin for tasks that a service could not have
 */
export function testApp({
  tasks,
  environment = {},
  now = new Date("2026-01-01T00:00:00Z"),
}: TestAppOptions): Promise<TestApp> {
  const settings = { ...ENVIRONMENT, ...environment };
  const config = loadConfig(settings);
  const dead = config.deadLetterQueueUrl;
  const rules = new Map<string, QueueRules>(
    config.queues.map((queue) => {
      const url = config.queueUrl(queue);
      const redrive = { maxReceives: MAX_RECEIVES, to: dead };
      // On a FIFO queue a message stays until its task has ended.
      return [url, { visibilitySeconds: VISIBILITY_SECONDS, ...(!url.endsWith(".fifo") && { redrive }) }];
    }),
  );
  rules.set(dead, { visibilitySeconds: DEAD_VISIBILITY_SECONDS });

  let time = now.getTime();
  let ids = 0;
  const clock = (): Date => new Date(time);
  const newId = (): string => derivedId(clock(), `test ${ids++}`);
  const [table, bucket, queues] = [createMemoryTable(), createMemoryBucket(), createQueues({ clock, newId, rules })];
  const sent = new Map<string, Message>();
  const runs: TestRun[] = [];
  const logged: Json[] = [];
  const outbox = new Map<string, Mail & { key: string }>();
  const app = createApp(settings, {
    ...{ clock, newId, table, bucket, sqs: queues.sqs },
    random: () => 0.5,
    log: createLog({}, (line) => logged.push(parseJson(line))),
    mailer: {
      async send(mail, key) {
        outbox.set(key, { ...mail, key });
        return { messageId: key };
      },
    },
  });
  const { send } = app.broker;
  const { put } = app.timers;
  const note = (message: Message): void => {
    const isHelper = message.workflow?.ended === true || message.workflow?.fanOut !== undefined;
    if (!isHelper && !sent.has(message.id)) sent.set(message.id, message);
  };
  app.broker.send = (message, delaySeconds) => {
    note(message);
    return send(message, delaySeconds);
  };
  app.timers.put = (message, eta) => {
    note(message);
    return put(message, eta);
  };

  const modules: readonly TaskModule[] = [{ file: "the tasks of testApp", exports: tasks }];
  const watch = (task: RegisteredTask): RegisteredTask => ({
    ...task,
    async execute(payload, context) {
      const { id, attempt } = context;
      const run: TestRun = { id, task: task.name, attempt, payload, at: clock(), result: undefined, error: undefined };
      runs.push(run);
      try {
        run.result = await task.execute(payload, context);
        return run.result;
      } catch (error) {
        run.error = error;
        throw error;
      }
    },
  });
  const watched = Object.entries(tasks).map(([name, value]) => [name, isTask(value) ? watch(value) : value] as const);
  const worker = createWorker([{ file: "the tasks of testApp", exports: oneOfEach(watched) }], app);
  const deadLetterWorker = createDeadLetterWorker(app);
  const turns = createTurns(app, modules, table);

  /** Ids whose messages were delivered since the last report. */
  const touched = new Set<string>();
  const told = new Set<string>();
  const deliver = async (wanted?: (message: Queued) => boolean): Promise<boolean> => {
    const Records = queues.receive(wanted);
    const [first] = Records;
    if (first === undefined) return false;
    for (const { body } of Records) {
      const id = idOf(body);
      if (id !== undefined) touched.add(id);
    }
    const handle = first.eventSourceARN.endsWith(`:${dead.split("/").at(-1)}`) ? deadLetterWorker : worker;
    const context = { getRemainingTimeInMillis: () => FUNCTION_MILLISECONDS };
    const { batchItemFailures } = await handle({ Records }, context);
    const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { messageId } of Records) if (!kept.has(messageId)) queues.acknowledge(messageId);
    return true;
  };
  const deliverAll = async (): Promise<void> => {
    for (let count = 0; await deliver(); count++) {
      if (count < MAX_DELIVERIES) continue;
      const { task } = runs.at(-1) ?? {};
      throw new Error(
        `Nothing came to an end in ${MAX_DELIVERIES} deliveries: task '${task}' ran last. Does it send itself?`,
      );
    }
  };
  const report = async (before: number, { failures = "throw" }: DrainOptions): Promise<Drained> => {
    const ended = await Promise.all([...touched].map((id) => app.results.read(id)));
    touched.clear();
    const failed = ended
      .filter((record) => record?.state === "FAILURE")
      .map((record) => record && publicRecord(record));
    const fresh = failed.filter((record) => record !== undefined).filter(({ id }) => !told.has(id));
    for (const { id } of fresh) told.add(id);
    if (failures === "throw" && fresh.length > 0) throw new TasksFailedError(fresh, runs);
    return { ran: runs.length - before, waiting: waitingNow() };
  };
  const waitingNow = (): WaitingTask[] => {
    const queued = queues.all().map(({ body, url, visibleAt }) => ({ body, queue: nameOf(url), at: visibleAt }));
    const timers = table.items("timer#").map(({ body, eta }) => ({
      ...{ body: String(body), queue: "timer", at: Date.parse(String(eta)) },
    }));
    return [...queued, ...timers]
      .toSorted((a, b) => a.at - b.at)
      .map(({ body, queue, at }) => {
        const { id, task, attempt } = decodeMessage(body);
        return { id, task, attempt, queue, at: new Date(at) };
      });
  };
  const nameOf = (url: string): string =>
    url === dead ? "dead-letter" : (config.queueNamed(url.split("/").at(-1) ?? "") ?? url);
  const within = <T>(work: () => T): T => withinApp(app, work);

  const kit: TestApp = {
    app,
    get now() {
      return clock();
    },
    sent: (task) =>
      [...sent.values()]
        .filter((message) => task === undefined || message.task === task.name)
        .map((message) => toSent(message, bucket.textOf)),
    get outbox() {
      return [...outbox.values()];
    },
    runs,
    logged,
    within,
    drain: (options = {}) =>
      within(async () => {
        const before = runs.length;
        await deliverAll();
        return report(before, options);
      }),
    advance: (duration, options = {}) =>
      within(async () => {
        const [before, end] = [runs.length, time + readDuration(duration)];
        await turns.begin();
        for (;;) {
          await deliverAll();
          const next = Math.min(turns.next(), queues.next()?.visibleAt ?? Number.POSITIVE_INFINITY);
          if (next > end) break;
          time = Math.max(time, next);
          await turns.act();
        }
        time = end;
        table.expire(clock());
        queues.expire();
        return report(before, options);
      }),
    run: (task, ...[payload, options]) =>
      within(async () => {
        const { id } = await sendTask(app, task, payload, { options });
        await deliver((message) => idOf(message.body) === id);
        // The test looks at the outcome itself.
        touched.delete(id);
        told.add(id);
        const record = await app.results.read(id);
        if (record === undefined)
          throw new InvalidOptionError("task", task.name, "a task that leaves a record: one without ignoreResult");
        return publicRecord(record);
      }),
  };
  // Before the first pause, so that the caller's own context gets it. A hook such as beforeEach has one of its own: its test finds the newest app.
  enterApp(app);
  useApp(app);
  return Promise.resolve(kit);
}

function oneOfEach(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  // A task that is exported under two names is still one.
  const names = new Set<string>();
  return Object.fromEntries(
    entries.filter(([, value]) => {
      if (!isTask(value)) return true;
      const isNew = !names.has(value.name);
      names.add(value.name);
      return isNew;
    }),
  );
}

function idOf(body: string): string | undefined {
  try {
    return decodeMessage(body).id;
  } catch {
    return undefined;
  }
}

function toSent(message: Message, textOf: (key: string) => string | undefined): SentTask {
  const { id, task, queue, eta, tags = [], headers = {}, payloadRef } = message;
  const stored = payloadRef && textOf(payloadRef.key);
  const payload = stored === undefined ? message.payload : parseJson(stored);
  return { id, task, payload, queue, eta: eta === undefined ? undefined : new Date(eta), tags, headers };
}
