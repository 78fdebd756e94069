import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../log.ts";
import type { Jsonified } from "../message/json.ts";

/** What a task's `run` is told about its own run. */
export interface TaskContext {
  /** The task's id: the same in every attempt. */
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly groupId: string | undefined;
  /** The caller's own metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /**
   * Aborts at the soft time limit, at the time limit, when the task is revoked, and when another worker has taken it over. Pass it on to
   * `fetch`, streams and timers. After the soft limit alone the run may still send tasks and end well; after any other reason it can do
   * neither.
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
   * Does `work` once for this task, however often the task runs: its result (JSON) is kept in a ledger, and a later attempt
   * gets it from there. Costs two writes. If the process dies while `work` is under way, the next attempt does it again:
   * nobody can know how far it came. Where that must not be, pass the receiver a key of its own, such as `${ctx.id}:${key}`.
   * @param key 1 to 256 characters, unique within the task
   * @throws InvalidOptionError for another key; TaskRevokedError if another worker has taken the task over
   */
  once<Result>(key: string, work: () => Result | Promise<Result>): Promise<Jsonified<Result>>;
  /**
   * Ends this run and asks for another, within the task's `maxRetries`: `throw ctx.retry({ countdown: 60 })`.
   * @param options `countdown`: seconds until the next run, up to 400 days, by default the task's backoff; `cause`: why
   */
  retry(options?: { countdown?: number; cause?: unknown }): Error;
}

/** A run, as the engine sees it. */
export interface CurrentRun {
  context: TaskContext;
  /** Aborts when the run can no longer set anything off. */
  over: AbortSignal;
}

const running = new AsyncLocalStorage<CurrentRun>();

/** Does `work` as part of `run`, so that what it sends becomes its child. */
export function withRun<T>(run: CurrentRun, work: () => T): T {
  return running.run(run, work);
}

/** The run that this code is part of, if any. */
export function currentRun(): CurrentRun | undefined {
  return running.getStore();
}
