/**
 * The SQS event source mapping of the local Lambda: polls a queue, invokes a function with batches, deletes what succeeded.
 *
 * ```text
 * gather --batch--> invoke --ok--------> delete what the answer does not list as failed
 *   ^                 |  |---error-----> delete nothing; the queue's visibility timeout brings the messages back
 *   |                 |  |---throttled-> the same batch again with backoff, dropped when its visibility timeout would pass
 *   +--- next batch --+
 * ```
 *
 * One loop is one slot of concurrency: it polls, then hands the polling to another loop and runs its batch. So the queue is polled
 * while batches run, never with all slots busy, and by one long poll when it is empty. While all sandboxes of the function are
 * busy, a loop waits for its turn before it polls: no message is received only to wait while its visibility timeout runs.
 * AWS's behaviour: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and its pages on error handling and scaling.
 */

import type { SQSEvent } from "aws-lambda";
import { type Clock, systemClock } from "../clock.ts";
import type { InvocationResult } from "../lambda/sandbox.ts";
import { checkMapping, isFifoQueue } from "./checks.ts";
import { createPollerConcurrency } from "./concurrency.ts";
import { createMessageDeleter, handBackMessages } from "./deleter.ts";
import { compileEventFilter, type FilterPattern, keysBesideBody } from "./filter.ts";
import { createBatchGatherer, type PendingMessage } from "./gatherer.ts";
import type { QueueCalls } from "./queue-calls.ts";
import { createMessageReceiver } from "./receiver.ts";
import { type BatchCounts, createBatchRunner } from "./runner.ts";
import { createTurns, type EndTurn, type Turns } from "./turns.ts";

export interface EventSourceMappingOptions {
  readonly queue: QueueCalls;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly region: string;
  readonly functionName: string;
  /** 1–10 000; more than 10 needs a window; FIFO at most 10. */
  readonly batchSize: number;
  /** 0–300; 0 for FIFO. */
  readonly maximumBatchingWindowSeconds: number;
  /** 2–1000. @defaultValue 1250, what AWS reaches without one */
  readonly maximumConcurrency?: number | undefined;
  /** The most that the function pool can run at once: a local ceiling, which AWS does not have, of a mapping without a maximum. */
  readonly poolLimit?: number | undefined;
  /** Shared by the mappings of one function: each batch runs in a turn. @defaultValue no limit */
  readonly turns?: Turns | undefined;
  /** `FunctionResponseTypes: [ReportBatchItemFailures]`. */
  readonly reportBatchItemFailures: boolean;
  readonly filterPatterns?: readonly FilterPattern[] | undefined;
  /** @defaultValue read from the queue */
  readonly visibilityTimeoutSeconds?: number | undefined;
  readonly functionTimeoutSeconds: number;
  readonly invoke: (functionName: string, event: SQSEvent) => Promise<InvocationResult>;
  readonly log: (line: string) => void;
  readonly clock?: Clock | undefined;
}

/** Counted since the start. */
interface EventSourceMappingMetrics extends BatchCounts {
  readonly polls: number;
  readonly outages: number;
  /** Messages put into batches. */
  readonly received: number;
  readonly filtered: number;
  readonly deleted: number;
  /** The cap of concurrent batches, as it stands. */
  readonly concurrency: number;
}

export interface EventSourceMapping {
  /** Ends polling at once, waits for running invocations, deletes what succeeded and hands back what was not begun. */
  stop(): Promise<void>;
  metrics(): EventSourceMappingMetrics;
  readonly queueUrl: string;
  /** Whether a batch runs, or its messages are being deleted. */
  isWorking(): boolean;
}

const ROUND_TRIP_LIMIT_MILLISECONDS = 500;

/**
 * Creates the mapping and begins to poll.
 *
 * @throws InvalidParameterValueException (an Error of that name) for settings that AWS refuses.
 */
export async function startEventSourceMapping(options: EventSourceMappingOptions): Promise<EventSourceMapping> {
  const { queue, queueUrl, functionName, clock = systemClock, turns = createTurns(Number.POSITIVE_INFINITY) } = options;
  const visibilityTimeoutSeconds =
    options.visibilityTimeoutSeconds ?? Number((await queue.attribute("VisibilityTimeout")) ?? 30);
  checkMapping({ ...options, visibilityTimeoutSeconds });
  const matches = compileEventFilter(options.filterPatterns ?? []);

  const log = (line: string) => options.log(`[${functionName}] ${line}`);
  const others = keysBesideBody(options.filterPatterns ?? []);
  if (others.length > 0) log(`Filter patterns test ${others.join(", ")}: AWS documents filters on body only.`);
  const stopping = new AbortController();
  const { signal } = stopping;
  const receiver = createMessageReceiver({ queue, queueUrl, clock, log, signal });
  const deleter = createMessageDeleter({ queue, clock, log });
  const concurrency = createPollerConcurrency(options, clock.now);
  /** Received, and not begun when the mapping stopped. */
  const unbegun: PendingMessage[] = [];
  const leave = (messages: readonly PendingMessage[]) => void unbegun.push(...messages);
  const isFifo = isFifoQueue(options.queueArn);
  const runner = createBatchRunner({ ...options, isFifo, deleter, concurrency, leave, clock, log, signal });
  let received = 0;
  let filtered = 0;
  const gatherer = createBatchGatherer({
    receiver,
    source: options,
    isFifo,
    batchSize: options.batchSize,
    windowMilliseconds: options.maximumBatchingWindowSeconds * 1000,
    visibilityTimeoutSeconds,
    matches,
    discard(messages) {
      filtered += messages.length;
      void deleter.delete(messages);
    },
    clock,
    signal,
  });
  const loops = new Set<Promise<void>>();
  let polling = 0;
  let isWaitingToGrow = false;

  /** Starts another loop when there is a slot and a reason to poll. */
  function pollMore(): void {
    if (signal.aborted || (polling > 0 && !gatherer.hasBacklog())) return;
    const isStarved = loops.size >= concurrency.limit() && polling === 0 && gatherer.hasBacklog();
    const growsInMilliseconds = isStarved ? concurrency.saturated() : undefined;
    if (loops.size < concurrency.limit()) {
      const loop = pollAndRun().finally(() => {
        loops.delete(loop);
        // Loops that end in the same moment each count the others as left.
        if (loops.size === 0) pollMore();
      });
      loops.add(loop);
    } else if (growsInMilliseconds !== undefined && !isWaitingToGrow) {
      void growLater(growsInMilliseconds);
    }
  }

  async function growLater(ms: number): Promise<void> {
    isWaitingToGrow = true;
    await clock.sleep(ms, signal);
    isWaitingToGrow = false;
    pollMore();
  }

  /** Reaches its poll, if it does not wait for a turn first, without a pause: no other loop starts for the same reason. */
  async function pollAndRun(): Promise<void> {
    do {
      const turn = gatherer.hasBacklog() || turns.areTaken() ? await awaitTurn() : undefined;
      if (turn === "not needed") return;
      polling += 1;
      const batch = await gatherer.gather();
      polling -= 1;
      await runInTurn(batch, turn);
      // Somebody else polls, or the cap came down: one loop fewer. The loops that are left keep the queue polled.
    } while (!signal.aborted && !isSpare() && loops.size <= concurrency.limit());
  }

  const isSpare = (): boolean => polling > 0 && !gatherer.hasBacklog();

  /** Keeps the turn when there is a batch for it at once: a long poll or a window would hold it from the other mappings. */
  async function awaitTurn(): Promise<EndTurn | "not needed" | undefined> {
    const turn = await turns.take(signal);
    if (gatherer.hasBacklog() && options.maximumBatchingWindowSeconds === 0 && turn !== undefined) return turn;
    turn?.();
    return signal.aborted || isSpare() ? "not needed" : undefined;
  }

  async function runInTurn(batch: readonly PendingMessage[], taken: EndTurn | undefined): Promise<void> {
    if (batch.length > 0 && !signal.aborted) {
      received += batch.length;
      pollMore();
      const turn = taken ?? (await turns.take(signal));
      if (turn === undefined) leave(batch);
      else await runner.run(batch).finally(turn);
      return;
    }
    taken?.();
    leave(batch);
    if (!signal.aborted && !gatherer.hasBacklog()) concurrency.idle();
  }

  async function drain(): Promise<void> {
    stopping.abort();
    while (loops.size > 0) await Promise.all(loops);
    unbegun.push(...(await gatherer.leftover()));
    await letQueueNotice(queue);
    await handBackMessages(queue, unbegun);
    await deleter.close();
  }

  let drained: Promise<void> | undefined;
  pollMore();
  return {
    queueUrl,
    isWorking: () => loops.size > polling,
    stop: () => (drained ??= drain()),
    metrics: () => ({
      ...runner.counts(),
      received,
      filtered,
      polls: receiver.polls(),
      outages: receiver.outages(),
      deleted: deleter.deleted(),
      concurrency: concurrency.limit(),
    }),
  };
}

/**
 * One round trip, after which the queue has seen that the aborted poll's connection is closed. Before, it may still answer that
 * poll with the next message, which nobody would get until its visibility timeout.
 */
async function letQueueNotice(queue: QueueCalls): Promise<void> {
  await queue.attribute("QueueArn", AbortSignal.timeout(ROUND_TRIP_LIMIT_MILLISECONDS)).catch(() => {});
}
