import { describeError, InvalidOptionError, Retry, TaskRevokedError, TaskTimeLimitError } from "../errors.ts";
import type { Log } from "../log.ts";
import { byteLength, type Json, type Jsonified, parseJson, toJsonText } from "../message/json.ts";
import { MAX_RESULT_BYTES, type Message } from "../message/message.ts";
import { closeEntry, openEntry } from "../results/ledger.ts";
import { type Claim, UNFINISHED_SECONDS } from "../results/store.ts";
import type { TaskContext } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import type { RegisteredTask } from "../task/task.ts";
import { MAX_TIMER_SECONDS } from "../timers/timers.ts";

/** Milliseconds kept of the function's time to store the outcome of a task that used up the rest. */
export const RESERVE_MILLISECONDS = 1_500;

/** A ledger entry outlives the longest wait for a retry. */
const LEDGER_SECONDS = MAX_TIMER_SECONDS + UNFINISHED_SECONDS;

const MAX_PROGRESS_BYTES = 16 * 1_024;
const PROGRESS_MILLISECONDS = 1_000;

/** A running task looks this often whether it was revoked or taken over; one that is quicker reads nothing. */
const WATCH_MILLISECONDS = 5_000;

/** One run of one task: its context, its signal and its time limit. */
export interface Run {
  context: TaskContext;
  /**
   * Waits for `work`, at most for the task's time limit and never longer than the function has.
   * JavaScript cannot stop code that ignores its signal: it goes on in the background, but its claim is settled.
   * @throws TaskTimeLimitError
   */
  within<T>(task: RegisteredTask, functionMilliseconds: number, work: () => Promise<T>): Promise<T>;
  /** The reason, if a revoke has reached this run. */
  revoked(): TaskRevokedError | undefined;
  /** Aborts the signal of a run that failed, so that what it left behind stops and can send no more. */
  abandon(): void;
  /** Stops watching the record. */
  end(): void;
}

export function createRun(app: App, message: Message, claim: Claim, log: Log): Run {
  const controller = new AbortController();
  let lastWrite = Number.NEGATIVE_INFINITY;
  let revoked: TaskRevokedError | undefined;

  const watch = async (): Promise<void> => {
    const record = await app.results.read(message.id);
    if (record?.fence !== claim.fence) return lose();
    if (record.revokeRequestedAt === undefined) return;
    revoked = new TaskRevokedError(message.id, "it was revoked while it ran");
    controller.abort(revoked);
  };
  const lose = (): void => controller.abort(new TaskRevokedError(message.id, "another worker has taken it over"));
  const watcher = setInterval(() => {
    // A look that fails is made again soon; the run itself must not suffer from it.
    watch().catch((error: unknown) => log.warn("The record could not be watched", { error: describeError(error) }));
  }, WATCH_MILLISECONDS);

  const context: TaskContext = {
    id: message.id,
    attempt: message.attempt,
    rootId: message.rootId,
    parentId: message.parentId,
    groupId: message.groupId,
    signal: controller.signal,
    log,
    async progress(meta) {
      controller.signal.throwIfAborted();
      const json = toProgress(meta);
      const now = app.clock().getTime();
      if (now - lastWrite < PROGRESS_MILLISECONDS) return;
      lastWrite = now;
      if (await app.results.progress(claim, json)) return;
      lose();
      controller.signal.throwIfAborted();
    },
    async once<Result>(key: string, work: () => Result | Promise<Result>) {
      if (typeof key !== "string" || key.length === 0 || key.length > 256) {
        throw new InvalidOptionError("key", key, "1 to 256 characters");
      }
      controller.signal.throwIfAborted();
      const ttl = Math.floor(app.clock().getTime() / 1_000) + LEDGER_SECONDS;
      const entry = await openEntry(app.table, message.id, key, claim.fence, ttl);
      if (entry.state === "taken") lose();
      controller.signal.throwIfAborted();
      // The one place where the ledger's JSON gets its type back: the same work of an earlier attempt wrote it.
      if (entry.state === "done") return entry.result as Jsonified<Result>;
      const result = await work();
      // Dying here leaves the entry open: the work is done again.
      const json = toLedgerJson(result);
      await closeEntry(app.table, message.id, key, claim.fence, json ?? "null");
      if (json === undefined)
        throw new InvalidOptionError("once", key, `a result of at most ${MAX_RESULT_BYTES} bytes of JSON`);
      return parseJson(json) as Jsonified<Result>;
    },
    retry({ countdown, cause } = {}) {
      if (countdown !== undefined && !(countdown >= 0 && countdown <= MAX_TIMER_SECONDS)) {
        throw new InvalidOptionError("countdown", countdown, `0 to ${MAX_TIMER_SECONDS} seconds`);
      }
      return new Retry(countdown, cause);
    },
  };

  return {
    context,
    async within(task, functionMilliseconds, work) {
      const available = Math.max(0, functionMilliseconds - RESERVE_MILLISECONDS);
      const limit = Math.min(available, (task.timeLimit ?? Number.POSITIVE_INFINITY) * 1_000);
      let timer: NodeJS.Timeout | undefined;
      const expired = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          const error = new TaskTimeLimitError(task.name, Math.round(limit / 100) / 10);
          controller.abort(error);
          reject(error);
        }, limit);
      });
      try {
        return await Promise.race([work(), expired]);
      } finally {
        clearTimeout(timer);
      }
    },
    revoked: () => revoked,
    end: () => clearInterval(watcher),
    abandon() {
      controller.abort(new TaskRevokedError(message.id, "its run has failed"));
    },
  };
}

/** Undefined for what cannot be kept. The work is done by then, so its entry is closed all the same. */
function toLedgerJson(result: unknown): string | undefined {
  try {
    const json = toJsonText(result);
    return byteLength(json) > MAX_RESULT_BYTES ? undefined : json;
  } catch {
    return undefined;
  }
}

/** @throws InvalidOptionError for what is no JSON, or too large to keep beside the record */
function toProgress(meta: unknown): Json {
  const text = toJsonText(meta);
  if (byteLength(text) > MAX_PROGRESS_BYTES) {
    throw new InvalidOptionError(
      "progress",
      `${byteLength(text)} bytes`,
      `at most ${MAX_PROGRESS_BYTES} bytes of JSON`,
    );
  }
  return parseJson(text);
}
