/** The ground of a test's tasks: settings, a cloud in memory, and notes of what was sent, run, mailed and logged. */

import { createApp } from "../app.ts";
import { type Config, type Environment, loadConfig, queueVariable } from "../config.ts";
import { createLog } from "../log.ts";
import type { Mail, Mailer } from "../mail/mailer.ts";
import { decodeMessage } from "../message/encoding.ts";
import { type Json, parseJson } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { publicRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import type { TaskModule } from "../task/registry.ts";
import { isTask } from "../task/task.ts";
import { createMemoryBucket, type MemoryBucket } from "./bucket.ts";
import { TasksFailedError } from "./failures.ts";
import { createQueues, type Queued, type QueueRules, type Queues } from "./queues.ts";
import { createMemoryTable, type MemoryTable } from "./table.ts";

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

/** Queues beside those that every service has, as in `custom.lovage.queues`. One that a task names needs no word, unless it is a FIFO queue. */
export type TestQueues = Readonly<Record<string, { fifo?: boolean; workers?: number }>>;

export interface GroundOptions {
  tasks: Readonly<Record<string, unknown>>;
  queues: TestQueues;
  environment: Environment;
  clock: () => Date;
  newId: () => string;
  /** Done with each message that has come to its queue. */
  arrived?: (message: Queued) => void;
  /** Does the work of a run. @defaultValue as it is */
  around?: (run: TestRun, work: () => Promise<unknown>) => Promise<unknown>;
}

export interface Ground {
  config: Config;
  table: MemoryTable;
  bucket: MemoryBucket;
  queues: Queues;
  /** The dead-letter queue. */
  dead: string;
  /** Messages of tasks, each as it was first sent. */
  sent: ReadonlyMap<string, Message>;
  runs: TestRun[];
  logged: Record<string, Json>[];
  outbox: ReadonlyMap<string, Mail & { key: string }>;
  mailer: Mailer;
  /** The tasks as they are, and those that note their runs. */
  modules: readonly TaskModule[];
  watched: readonly TaskModule[];
  /** An app on this cloud. */
  createApp(parts: Parameters<typeof createApp>[1]): App;
  sentTasks(task?: { readonly name: string }): SentTask[];
  waiting(): WaitingTask[];
  /** The tasks among `ids` that ended as a FAILURE, each told once. @throws TasksFailedError unless they are to be kept */
  report(app: App, ids: Iterable<string>, options: DrainOptions): Promise<void>;
  /** No failure of this task is told. */
  forgive(id: string): void;
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
export const FUNCTION_MILLISECONDS = 28_000;
const VISIBILITY_SECONDS = 90;
const DEAD_VISIBILITY_SECONDS = 30;
const MAX_RECEIVES = 3;

export function createGround({ tasks, queues: own, environment, clock, newId, ...hooks }: GroundOptions): Ground {
  const settings = { ...ENVIRONMENT, ...queueSettings(tasks, own), ...environment };
  const config = loadConfig(settings);
  const dead = config.deadLetterQueueUrl;
  const sent = new Map<string, Message>();
  const told = new Set<string>();
  const note = (body: string): void => {
    const message = messageIn(body);
    if (message === undefined || sent.has(message.id)) return;
    const isHelper = message.workflow?.ended === true || message.workflow?.fanOut !== undefined;
    if (!isHelper) sent.set(message.id, message);
  };
  const arrived = (message: Queued): void => {
    note(message.body);
    hooks.arrived?.(message);
  };
  const queues = createQueues({ clock, newId, rules: rulesOf(config), arrived });
  const [memory, bucket] = [createMemoryTable(), createMemoryBucket(clock)];
  const table: MemoryTable = {
    ...memory,
    async update(change) {
      const outcome = await memory.update(change);
      if (outcome.applied && change.key.pk.startsWith("timer#")) note(String(outcome.attributes.body));
      return outcome;
    },
  };
  const runs: TestRun[] = [];
  const logged: Record<string, Json>[] = [];
  const outbox = new Map<string, Mail & { key: string }>();
  const mailer: Mailer = {
    async send(mail, key) {
      outbox.set(key, { ...mail, key });
      return { messageId: key };
    },
  };
  const around = hooks.around ?? ((_, work) => work());
  const watch = (task: RegisteredTask): RegisteredTask => ({
    ...task,
    async execute(payload, context, shape) {
      const { id, attempt } = context;
      const run: TestRun = { id, task: task.name, attempt, payload, at: clock(), result: undefined, error: undefined };
      runs.push(run);
      try {
        run.result = await around(run, () => task.execute(payload, context, shape));
        return run.result;
      } catch (error) {
        run.error = error;
        throw error;
      }
    },
  });
  const watched = Object.entries(tasks).map(([name, value]) => [name, isTask(value) ? watch(value) : value] as const);
  const file = "the tasks of the test";
  const nameOf = (url: string): string =>
    url === dead ? "dead-letter" : (config.queueNamed(url.split("/").at(-1) ?? "") ?? url);

  return {
    config,
    table,
    bucket,
    queues,
    dead,
    sent,
    runs,
    logged,
    outbox,
    mailer,
    modules: [{ file, exports: tasks }],
    watched: [{ file, exports: oneOfEach(watched) }],
    createApp: (parts) =>
      createApp(settings, {
        clock,
        newId,
        table,
        bucket,
        mailer,
        sqs: queues.sqs,
        log: createLog({}, (line) => logged.push(readLine(line))),
        ...parts,
      }),
    sentTasks: (task) =>
      [...sent.values()]
        .filter((message) => task === undefined || message.task === task.name)
        .map((message) => toSent(message, bucket.textOf)),
    waiting() {
      const queued = queues.all().map(({ body, url, visibleAt }) => ({ body, queue: nameOf(url), at: visibleAt }));
      const timers = table.items("timer#").map(({ body, eta }) => ({
        body: String(body),
        queue: "timer",
        at: Date.parse(String(eta)),
      }));
      return [...queued, ...timers]
        .toSorted((a, b) => a.at - b.at)
        .map(({ body, queue, at }) => {
          const { id, task, attempt } = decodeMessage(body);
          return { id, task, attempt, queue, at: new Date(at) };
        });
    },
    async report(app, ids, { failures = "throw" }) {
      const ended = await Promise.all([...ids].map((id) => app.results.read(id)));
      const failed = ended.flatMap((record) => (record?.state === "FAILURE" ? [publicRecord(record)] : []));
      const fresh = failed.filter(({ id }) => !told.has(id));
      for (const { id } of fresh) told.add(id);
      if (failures === "throw" && fresh.length > 0) throw new TasksFailedError(fresh, runs);
    },
    forgive: (id) => told.add(id),
  };
}

/** Variables of the queues that no service has by itself. */
function queueSettings(tasks: Readonly<Record<string, unknown>>, own: TestQueues): Environment {
  const named = Object.values(tasks)
    .filter(isTask)
    .map(({ queue }) => [queue, {}] as const);
  const queues = Object.entries<TestQueues[string]>({ ...Object.fromEntries(named), ...own });
  const variables = queues.map(([name, { fifo }]) => [queueVariable(name), `${ADDRESS}/${name}${fifo ? ".fifo" : ""}`]);
  return Object.fromEntries(variables.filter(([variable = ""]) => !(variable in ENVIRONMENT)));
}

function rulesOf(config: Config): ReadonlyMap<string, QueueRules> {
  const rules = new Map<string, QueueRules>(
    config.queues.map((queue) => {
      const url = config.queueUrl(queue);
      const redrive = { maxReceives: MAX_RECEIVES, to: config.deadLetterQueueUrl };
      // On a FIFO queue a message stays until its task has ended.
      return [url, { visibilitySeconds: VISIBILITY_SECONDS, ...(!url.endsWith(".fifo") && { redrive }) }];
    }),
  );
  return rules.set(config.deadLetterQueueUrl, { visibilitySeconds: DEAD_VISIBILITY_SECONDS });
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

/** A line of the log, which is an object. */
function readLine(line: string): Record<string, Json> {
  const parsed = parseJson(line);
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : {};
}

/** The message of a body; undefined for one that cannot be read. */
export function messageIn(body: string): Message | undefined {
  try {
    return decodeMessage(body);
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
