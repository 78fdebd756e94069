import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createAuditTrail } from "./audit/trail.ts";
import { createTable, type Table } from "./aws/dynamodb.ts";
import { createBucket } from "./aws/s3.ts";
import { createSqs, type Sqs } from "./aws/sqs.ts";
import { handleBeat } from "./beat/beat.ts";
import { readDeadFiring, recordDeadFiring } from "./beat/dead-firing.ts";
import { nextTick } from "./beat/look-ahead.ts";
import { collectSchedule, isOnScheduler, staticEntry } from "./beat/schedule-entries.ts";
import { readTickTime, type Ticked, tick } from "./beat/tick.ts";
import { createBroker } from "./broker/broker.ts";
import { createBulkActs } from "./bulk/acts.ts";
import { startCanvas } from "./canvas/send.ts";
import { type Environment, loadConfig } from "./config.ts";
import { createControl } from "./control/decisions.ts";
import { createCounts } from "./counts/counts.ts";
import { describeError, TaskUndeliveredError } from "./errors.ts";
import { createFailures } from "./failures/groups.ts";
import { createFiles, type Files } from "./files/files.ts";
import { createConcurrency } from "./limits/concurrency.ts";
import { createBursts } from "./limits/debounce.ts";
import { createRateLimiter } from "./limits/rate-limit.ts";
import { createLog } from "./log.ts";
import { createMailer, type Mailer } from "./mail/mailer.ts";
import { type Delivery, NO_DELIVERY } from "./message/delivery.ts";
import { newId } from "./message/id.ts";
import { createLargeValues } from "./message/large-values.ts";
import type { Message } from "./message/message.ts";
import { readTime } from "./message/time.ts";
import { createReservations } from "./results/idempotency-keys.ts";
import { createLedger } from "./results/once-ledger.ts";
import { createResultStore } from "./results/store.ts";
import { createSchedules } from "./schedules/store.ts";
import { type App, currentApp, provideApp } from "./task/current-app.ts";
import { createFifoOrder } from "./task/fifo-send-order.ts";
import { createRegistry, type TaskModule } from "./task/registry.ts";
import { provideStart } from "./task/signature.ts";
import { createTaskLoader, type LazyTaskModule } from "./task/task-loader.ts";
import { createTimers } from "./timers/timers.ts";
import { handleArrival, readArrival } from "./uploads/arrival.ts";
import { recordDeadArrival } from "./uploads/dead-arrival.ts";
import { isNotification, readNotification } from "./uploads/notification.ts";
import type { Verdict } from "./worker/acknowledgement.ts";
import { handleBatch } from "./worker/batch.ts";
import { handleDeadLetter } from "./worker/dead-letter.ts";
import { handleDelivery } from "./worker/handle-delivery.ts";
import { onKnownQueue, orderOf, readTaskDelivery } from "./worker/task-delivery.ts";
import { tellWorker } from "./worker/workflow.ts";
import { createWorkflows } from "./workflows/store.ts";

/**
 * The composition root. Builds an app from the environment; nothing is connected, and no setting is read, until it is
 * used.
 * @param parts what to put in the place of a default, for tests: a clock, chance, ids, a log, a mailer, and the calls of the cloud
 */
export function createApp(
  environment: Environment,
  parts: Partial<
    Pick<App, "clock" | "random" | "newId" | "log" | "bucket" | "mailer"> & {
      table: Table;
      sqs: Sqs;
      later: (milliseconds: number, act: () => void) => void;
    }
  > = {},
): App {
  const config = loadConfig(environment);
  // Nothing chooses a serializer, for there is one; a setting that asks for another is refused at the start.
  void config.taskSerializer;
  const clock = parts.clock ?? (() => new Date());
  const log = parts.log ?? createLog();
  const table = parts.table ?? createTable(() => config.resultTable, log);
  const bucket = parts.bucket ?? createBucket(() => config.uploadsBucket);
  const largeValues = createLargeValues({ bucket, clock });
  const failures = createFailures({ table, clock, version: () => config.version, log });
  const counts = createCounts({ table, clock, newId: parts.newId ?? newId, log, later: parts.later });
  return {
    config,
    failures,
    counts,
    timers: createTimers({ table, clock }),
    workflows: createWorkflows({ table, clock, largeValues, resultExpires: () => config.resultExpires }),
    schedules: createSchedules({ table, newId: parts.newId ?? newId }),
    clock,
    broker: createBroker({
      sqs: parts.sqs ?? createSqs(),
      queueUrl: (queue) => config.queueUrl(queue),
      deadLetterQueueUrl: () => config.deadLetterQueueUrl,
    }),
    results: createResultStore({
      table,
      clock,
      largeValues,
      resultExpires: () => config.resultExpires,
      failed: (failure) => failures.note(failure),
      ended: counts.note,
      version: () => config.version,
    }),
    largeValues,
    reservations: createReservations({ table, clock }),
    ledger: createLedger({ table, clock }),
    concurrency: createConcurrency({ table, clock }),
    bursts: createBursts({ table }),
    rateLimiter: createRateLimiter({ table, clock, random: parts.random ?? Math.random }),
    control: createControl({ table, clock }),
    audit: createAuditTrail({ table, clock, newId: parts.newId ?? newId }),
    bulk: createBulkActs({ table, clock }),
    fifoOrder: createFifoOrder(),
    bucket,
    mailer: parts.mailer,
    log,
    random: parts.random ?? Math.random,
    newId: parts.newId ?? newId,
  };
}

/** Kept of a sweep's time for the page of timers that is under way. */
const SWEEP_RESERVE_MILLISECONDS = 5000;

// Nothing waits for it: a process that has nothing else to do ends.
const later = (milliseconds: number, act: () => void): void => void setTimeout(act, milliseconds).unref();

provideApp(() => createApp(process.env, { later }));
provideStart(startCanvas);

// Not parts of the app, so that a bundle whose function uses neither carries neither.

/** The files of uploads and what tasks make of them, in `UPLOADS_BUCKET`. */
export const files: Files = /* @__PURE__ */ createFiles({
  bucket: () => currentApp().bucket,
  uploadMaxBytes: () => currentApp().config.uploadMaxBytes,
});

/** Sends mail as `MAIL_URL` says. */
export const mailer: Mailer = /* @__PURE__ */ createMailer({
  instead: () => currentApp().mailer,
  url: () => currentApp().config.mailUrl,
  from: () => currentApp().config.mailFrom,
});

/**
 * Writes down, when a function is done, which tasks it has ended: none of them waits for it, and together they are few writes.
 * @param isBacklog whether an event tells that more work waits
 */
export function noting<Event, Invocation, Answer>(
  app: App,
  handle: (event: Event, context: Invocation) => Promise<Answer>,
  isBacklog: (event: Event) => boolean = () => false,
): (event: Event, context: Invocation) => Promise<Answer> {
  return async (event, context) => {
    try {
      return await handle(event, context);
    } finally {
      await Promise.all([app.failures.flush(), app.counts.flush(isBacklog(event))]);
    }
  };
}

/** The batch size of serverless.yml: where a batch is full, SQS may have more. */
const FULL_BATCH = 10;

/** Makers of what AWS invokes; each file in `handlers/` is one of them. */
type Batch = (event: SQSEvent, context: Pick<Context, "getRemainingTimeInMillis">) => Promise<SQSBatchResponse>;

/** Runs tasks from a queue. */
export function createWorker(modules: readonly (TaskModule | LazyTaskModule)[], app = currentApp()): Batch {
  const tasks = createTaskLoader(modules);
  return noting(
    app,
    (event, context) =>
      handleBatch(app, event, context, {
        read: (delivery) => readTaskDelivery(app, delivery),
        orderOf,
        handle: (delivery, invocation) => handleDelivery(app, tasks, delivery, invocation),
      }),
    ({ Records }) => Records.length >= FULL_BATCH,
  );
}

/** Ends, or returns to their queue, the messages that SQS gave up on. Knows no tasks, so that it works when they do not. */
export function createDeadLetterWorker(app = currentApp()): Batch {
  return noting(app, (event, context) =>
    handleBatch(app, event, context, { read: (delivery) => readDead(app, delivery), handle: (dead) => dead() }),
  );
}

/** Beside messages, an event that asked for a task and failed for good ends in the dead-letter queue. */
function readDead(app: App, delivery: Delivery): () => Promise<Verdict> {
  const firing = readDeadFiring(delivery);
  if (firing) return () => recordDeadFiring(app, firing).then(() => "acknowledge");
  if (isNotification(delivery.body)) {
    const objects = readNotification(delivery.body);
    return () => recordDeadArrival(app, objects).then(() => "acknowledge");
  }
  const dead = readTaskDelivery(app, delivery);
  return async () => {
    const verdict = await handleDeadLetter(app, dead);
    // Dying before this keeps the message; it finds the task ended, and tells again.
    if (verdict === "acknowledge") await tellWorker(app, dead.message);
    return verdict;
  };
}

/** Sends the upload task for each file that arrives in the bucket. */
export function createUploadListener(modules: readonly TaskModule[], app = currentApp()): Batch {
  const registry = createRegistry(modules);
  return noting(app, (event, context) =>
    handleBatch(app, event, context, {
      read: readArrival,
      handle: (arrival) => handleArrival(app, registry, arrival, (key) => app.bucket.remove(key)),
    }),
  );
}

/** Sends the task of a schedule entry when EventBridge Scheduler says so. */
export function createBeat(
  modules: readonly TaskModule[],
  app = currentApp(),
): (event: unknown) => Promise<{ id: string }> {
  const [entries, registry] = [collectSchedule(modules), createRegistry(modules)];
  const handle = noting(app, (event: unknown) => handleBeat(app, registry, entries, event));
  return (event) => handle(event, undefined);
}

/** A function that runs once a minute. To a local clock that is turned it says instead when it has something to do next. */
type Minutely<Done> = (
  event: unknown,
  context: Pick<Context, "getRemainingTimeInMillis">,
) => Promise<Done & { next?: string }>;

/** Once a minute: sends the tasks of entries that are due, of those made at run time and those that EventBridge cannot fire. */
export function createTick(modules: readonly TaskModule[], app = currentApp()): Minutely<Ticked> {
  const [entries, registry] = [collectSchedule(modules), createRegistry(modules)];
  const names = new Set(entries.map(({ name }) => name));
  return noting(app, async (event, context) => {
    const ticked = entries
      .filter((entry) => !isOnScheduler(entry))
      .map((entry) => staticEntry(entry, app.config.timezone));
    const until = readNextUntil(event);
    if (until !== undefined) return { due: 0, failed: 0, ...toNext(await nextTick(app, { names, ticked }, until)) };
    const done = await tick(
      app,
      registry,
      { names, ticked },
      {
        scheduledTime: readTickTime(event),
        mayGoOn: () => context.getRemainingTimeInMillis() > SWEEP_RESERVE_MILLISECONDS,
      },
    );
    await app.counts.rollUp(readTickTime(event) ?? app.clock());
    return done;
  });
}

/** The event of a local cloud whose clock is turned: it asks for the next time at which there is something to do, up to a time. */
function readNextUntil(event: unknown): Date | undefined {
  if (typeof event !== "object" || event === null || !("nextUntil" in event)) return undefined;
  return readTime(String(event.nextUntil));
}

function toNext(time: Date | undefined): { next?: string } {
  return time ? { next: time.toISOString() } : {};
}

/** Sends the messages of timers that fall due. A run that has no time left leaves the rest to the next one. */
export function createTimerSweep(app = currentApp()): Minutely<{ sent: number; failed: number }> {
  return noting(app, async (event, context) => {
    const until = readNextUntil(event);
    if (until !== undefined) return { sent: 0, failed: 0, ...toNext(await app.timers.next(until)) };
    return app.timers.sweep({
      send: (message, delaySeconds) => app.broker.send(onKnownQueue(app, message), delaySeconds),
      tooLate: (message) => endLate(app, message),
      mayGoOn: () => context.getRemainingTimeInMillis() > SWEEP_RESERVE_MILLISECONDS,
      failed: (timer, error) => app.log.error("A timer could not be sent", { timer, error: describeError(error) }),
    });
  });
}

/** Ends a task whose timer is so late that nobody can say any more whether it was revoked. */
async function endLate(app: App, message: Message): Promise<void> {
  const reason = `its timer was due at ${message.eta}, and was not sent until ${app.clock().toISOString()}`;
  const error = describeError(new TaskUndeliveredError(message.task, reason));
  const { applied } = await app.results.failUnclaimed(message, NO_DELIVERY, error);
  await tellWorker(app, message);
  if (applied) app.log.error("A timer came too late", { id: message.id, task: message.task, eta: message.eta });
}
