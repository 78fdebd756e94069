import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../log.ts";

/** What a task's `run` is told about its own run. */
export interface TaskContext {
  /** The task's id: the same in every attempt. */
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly groupId: string | undefined;
  /**
   * Aborts at the time limit, and when another worker has taken this task over. Pass it on to `fetch`, streams and
   * timers; afterwards the run can no longer store a result or send tasks.
   */
  readonly signal: AbortSignal;
  /** Structured log whose lines carry the task's name, id and attempt. */
  readonly log: Log;
  /**
   * Stores `meta` (any JSON value) as the record's `progress`. At most one write per second: what comes sooner is
   * written with the next call after that second.
   */
  progress(meta: unknown): Promise<void>;
  /**
   * Ends this run and asks for another, within the task's `maxRetries`: `throw ctx.retry({ countdown: 60 })`.
   * @param options `countdown`: seconds until the next run, up to 400 days, by default the task's backoff; `cause`: why
   */
  retry(options?: { countdown?: number; cause?: unknown }): Error;
}

const running = new AsyncLocalStorage<TaskContext>();

/** Runs `work` as the run of `context`, so that what it sends becomes its child. */
export function withContext<T>(context: TaskContext, work: () => T): T {
  return running.run(context, work);
}

/** The run that this code is part of, if any. */
export function currentContext(): TaskContext | undefined {
  return running.getStore();
}
