import { AsyncLocalStorage } from "node:async_hooks";
import type { Log } from "../log.ts";
import type { Json, Jsonified } from "../message/json.ts";
import type { DraftCanvas, Members } from "./draft.ts";

/** The second argument of a task's `run`: its own run. */
export interface TaskContext {
  /** The task's id: the same in every attempt. */
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  readonly rootId: string;
  readonly parentId: string | undefined;
  /** The caller's own metadata. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /**
   * The entry of beat that asked for this task, and the time for which it did: the same however late the run is, on each retry and
   * each replay. `manual` if somebody ran the entry by hand. Undefined for a task that no entry asked for.
   */
  readonly schedule: { readonly name: string; readonly at: Date; readonly manual: boolean } | undefined;
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
   * written with the next call after that second. It need not be awaited; the end of the run waits for it.
   */
  progress(meta: unknown): Promise<void>;
  /**
   * Does `work` once for this task, however often the task runs: its result (JSON) is kept in a ledger, and a later attempt
   * gets it from there. Costs two writes. If the process dies while `work` is under way, the next attempt does it again:
   * nobody can know how far it came. Where that must not be, pass the receiver a key of its own, such as `${ctx.id}:${key}`.
   * Parts of one run that ask with the same key at once share one work. The end of a run waits for what it has open, so that no
   * later attempt begins it a second time.
   * @param key 1 to 256 characters, unique within the task
   * @param options of a result whose shape has changed, see OnceOptions
   * @throws InvalidOptionError for another key; TaskRevokedError if another worker has taken the task over
   */
  once<Result>(
    key: string,
    work: () => Result | Promise<Result>,
    options?: OnceOptions<Result>,
  ): Promise<Jsonified<Result>>;
  /**
   * The results that this task follows in its workflow, one at a time and in their order: those of the group before it, or the one of the
   * task before it; none for a first task. A body that takes them so, and is a `si()` signature, holds no list in memory, however many they
   * are.
   */
  results(): AsyncIterable<Json>;
  /**
   * Ends this run and becomes a workflow: its end is this task's end, under this task's id, for whoever waits for it and for the
   * workflow that it is a part of. The tasks of the canvas must be registered. It throws by itself, as Celery's `self.replace()` does.
   * @throws always
   */
  replace(canvas: Pick<DraftCanvas, "node">): never;
  /**
   * Adds members to the group that this task is a member of, at any depth: the group ends when they have ended, too, and their results
   * stand behind those of its own members. Each gets what its signature says. A run that comes again, after a crash or for a retry, adds
   * in its first call what the first call of the run before has added, and so on: the same members, once. The tasks must be registered.
   * @param members signatures or shapes that lack no field, as a list or as what gives them one by one; a run may call this ten times
   * @throws InvalidWorkflowError for a task that is in no group, and for members that cannot be sent
   */
  addToGroup(members: Members): Promise<void>;
  /**
   * Ends this run and asks for another, within the task's `maxRetries`. It throws by itself, as Celery's `self.retry()` does;
   * `throw ctx.retry({ countdown: 60 })` tells the compiler that the code ends there.
   * @param options `countdown`: seconds until the next run, up to 400 days, by default the task's backoff; `cause`: why
   * @throws always; InvalidOptionError for a countdown out of range
   */
  retry(options?: { countdown?: number; cause?: unknown }): never;
}

/** Of work whose result has another shape than the code before gave it: an earlier attempt may have kept that. */
export interface OnceOptions<Result> {
  /**
   * The number of the result's shape: 1 at first, one more with each change. An attempt of older code that finds a newer one is given back,
   * and waits for a worker with newer code.
   */
  version: number;
  /** Makes a result of this version of one that was kept in an older one, which stays as it is. */
  upgrade: (kept: Json, version: number) => Result | Promise<Result>;
}

/** A run, as the engine sees it. */
export interface CurrentRun {
  context: TaskContext;
  /** Aborts when the run can no longer set anything off. */
  over: AbortSignal;
  /** Has the end of the run wait for a call; answers with the promise that its caller is to hold. */
  add<T>(call: Promise<T>): Promise<T>;
  /** Told for how many milliseconds the task's code has kept the event loop. */
  blocked(milliseconds: number): void;
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
