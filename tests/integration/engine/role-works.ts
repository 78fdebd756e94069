/** Everything that a task may call, with a use of each. The tables are complete by their types. */

import * as z from "zod";
import type { Files } from "../../../shared/files/files.ts";
import {
  type ApplyOptions,
  type AsyncResult,
  chain,
  chord,
  files,
  group,
  Ignore,
  InvalidWorkflowError,
  mailer,
  Reject,
  type TaskContext,
  task,
} from "../../../shared/index.ts";
import type { Mailer } from "../../../shared/mail/mailer.ts";
import type { TaskOptions } from "../../../shared/task/task-options.ts";
import { scheduleWorks } from "./schedule-works.ts";

export type Work = (context: TaskContext) => unknown;

export const LARGE = "x".repeat(20_000);
export const EARLIER = "01a20545-3078-75ef-b431-9dde9371f6cf";
const mail = { to: "ada@example.com", subject: "Hello", text: "Hello" };
const derived = (id: string): string => `derived/${id}/a.txt`;

export const FILES: { [K in keyof Files]: Work } = {
  presignUpload: ({ id }) => files.presignUpload(id, { filename: "a.csv", contentType: "text/csv" }),
  describe: async ({ id }) => [await files.describe(`uploads/${EARLIER}`), await files.describe(derived(id))],
  open: async ({ id }) => {
    await files.saveDerived(id, "a.txt", "a", "text/plain");
    for await (const _ of await files.open(derived(id)));
    // Of an upload that is gone: what counts is the call.
    await files.open(`uploads/${EARLIER}`).catch(() => undefined);
  },
  saveDerived: ({ id }) => files.saveDerived(id, "a.txt", "a", "text/plain"),
  linkOriginal: () => files.linkOriginal(`uploads/${EARLIER}`, "a.csv"),
  linkDerived: ({ id }) => files.linkDerived(id, "a.txt"),
};
export const MAILER: { [K in keyof Mailer]: Work } = { send: ({ id }) => mailer.send(mail, id) };
export const CONTEXT: {
  [K in keyof TaskContext as TaskContext[K] extends (...args: never) => unknown ? K : never]: Work;
} = {
  progress: (context) => context.progress({ part: LARGE.slice(0, 1000) }),
  once: async (context) => [await context.once("a", () => 1), await context.once("a", () => 2)],
  results: async ({ results }) => {
    for await (const _ of results());
  },
  replace: ({ replace }) => replace(chain(child.si({ text: LARGE }), child.si({}))),
  addToGroup: async ({ replace, addToGroup }) => {
    try {
      await addToGroup([child.si({ text: LARGE })]);
    } catch (error) {
      if (!(error instanceof InvalidWorkflowError)) throw error;
      // By itself it is in no group.
      replace({ node: { group: [{ task: "caller", payload: { name: "ctx.addToGroup" } }] } });
    }
  },
  retry: (context) => {
    if (context.attempt === 1) throw context.retry({ countdown: 0 });
    if (context.attempt === 2) throw context.retry({ countdown: 1200 });
  },
};
/** Of a task that waits long enough to be seen as it is. */
export const RESULT: { [K in Exclude<keyof AsyncResult, "id">]: (result: AsyncResult) => Promise<unknown> } = {
  get: (result) => result.get({ timeout: 0 }).catch(() => undefined),
  fetch: (result) => result.fetch(),
  ready: (result) => result.ready(),
  successful: (result) => result.successful(),
  failed: (result) => result.failed(),
  revoke: (result) => result.revoke(),
};
export const OPTIONS: { [K in keyof Required<ApplyOptions>]: () => ApplyOptions } = {
  countdown: () => ({ countdown: 3600 }),
  eta: () => ({ eta: new Date(Date.now() + 100_000_000) }),
  expires: () => ({ expires: 3600 }),
  queue: () => ({ queue: "fifo", messageGroupId: "a" }),
  idempotencyKey: () => ({ idempotencyKey: "a" }),
  idempotencyExpires: () => ({ idempotencyKey: "b", idempotencyExpires: 60 }),
  debounce: () => ({ debounce: { key: "a", wait: 1 } }),
  throttle: () => ({ throttle: { key: "a", period: 60 } }),
  tags: () => ({ tags: ["a"], queue: "high" }),
  headers: () => ({ headers: { by: "ada" }, queue: "low" }),
  messageGroupId: () => ({ messageGroupId: "a" }),
  timeLimit: () => ({ timeLimit: 5 }),
  softTimeLimit: () => ({ softTimeLimit: 5 }),
  ignoreResult: () => ({ ignoreResult: true }),
};

export const payload = z.object({ text: z.string().optional() });
export const child = task({ name: "child", payload, run: ({ text }) => text });
type Declared = Omit<TaskOptions<typeof payload, unknown>, "name" | "payload" | "run">;
const twice: Declared = { retry: { maxRetries: 1, backoff: { base: 0.01, max: 0.01 } } };
/** Options of a task, each with the call that shows it. */
export const DECLARED: { [K in keyof Required<Declared>]: { options: Declared; work?: Work } } = {
  aliases: { options: { aliases: ["earlier"] } },
  versions: { options: {} },
  oldestVersion: { options: { oldestVersion: 2 } },
  // Of no type that tasks share: its test is tests/unit/task/result.test.ts.
  result: { options: {} },
  queue: { options: { queue: "high" } },
  retry: { options: twice, work: ({ attempt }) => attempt > 1 || failure() },
  timeLimit: { options: { timeLimit: 0.1 }, work: () => new Promise(() => {}) },
  softTimeLimit: { options: { softTimeLimit: 0.05, timeLimit: 5 }, work: ({ signal }) => aborted(signal) },
  expires: { options: { expires: 60 } },
  rateLimit: { options: { rateLimit: "1/s" } },
  concurrency: { options: { concurrency: 1 } },
  concurrencyKey: { options: { concurrency: 1, concurrencyKey: "a" } },
  messageGroupId: { options: { messageGroupId: "a" } },
  tags: { options: { tags: ["a"] } },
  ignoreResult: { options: { ignoreResult: true } },
  trackStarted: { options: { trackStarted: false } },
  throws: { options: { throws: [Error] }, work: () => failure() },
  secrets: { options: { secrets: ["result"] } },
  hooks: {
    options: { ...twice, hooks: { beforeStart() {}, onSuccess() {}, onFailure() {}, onRetry() {} } },
    work: () => failure(),
  },
};
/** Canvases of each shape, small and with a definition that lies in S3. */
export const CANVAS: Record<string, Work> = {
  "chain, small": () => chain(child.s({ text: "a" }), child.si({})).delay(),
  "chord, large": () => chord([child.s({ text: LARGE }), child.si({})], child.si({})).delay(),
  "group, its handle": async () => {
    const handle = await group([child.si({ text: LARGE }), child.si({})]).applyAsync({ idempotencyKey: "canvas" });
    await handle.revoke();
    return [await handle.ready(), await handle.successful(), await handle.counts(), await handle.completed()];
  },
};
export const SCHEDULES = scheduleWorks(child);
export const OTHERS: Record<string, Work> = {
  "delay, small": () => child.delay({}),
  "delay, large": () => child.delay({ text: LARGE }),
  "applyAsync, large and later": () => child.applyAsync({ text: LARGE }, { countdown: 3600 }),
  "applyAsync, the same key again": async () => {
    await child.applyAsync({}, { idempotencyKey: "twice" });
    return (await child.applyAsync({}, { idempotencyKey: "twice" })).id;
  },
  "a large result": () => LARGE,
  "a large error": () => failure(LARGE),
  Reject: () => {
    throw new Reject("no");
  },
  Requeue: () => {
    requeued = !requeued;
    if (requeued) throw new Reject("later", { requeue: true, countdown: 0 });
  },
  Ignore: () => {
    throw new Ignore("no");
  },
};

function failure(message = "no"): never {
  throw new Error(message);
}
let requeued = false;
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}
