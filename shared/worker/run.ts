import {
  describeError,
  InvalidOnceResultError,
  InvalidOptionError,
  SoftTimeLimitError,
  TaskRevokedError,
  TaskTimeLimitError,
} from "../errors.ts";
import type { Log } from "../log.ts";
import { type Jsonified, parseJson } from "../message/json.ts";
import { isKey } from "../message/labels.ts";
import type { Message } from "../message/message.ts";
import { onceResultText, progressText } from "../message/user-values.ts";
import type { Claim } from "../results/claims.ts";
import { closeEntry, openEntry } from "../results/ledger.ts";
import { UNFINISHED_SECONDS } from "../results/lifetime.ts";
import { isFinal } from "../results/record.ts";
import type { CurrentRun, TaskContext } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import { Retry } from "../task/signals.ts";
import type { RegisteredTask } from "../task/task.ts";
import { MAX_TIMER_SECONDS } from "../timers/timers.ts";

/** Milliseconds kept of the function's time to store the outcome of a task that used up the rest. */
export const RESERVE_MILLISECONDS = 1_500;

/** A ledger entry outlives the longest wait for a retry. */
const LEDGER_SECONDS = MAX_TIMER_SECONDS + UNFINISHED_SECONDS;

const MAX_FIFO_RETRY_SECONDS = 12 * 86_400;

const PROGRESS_MILLISECONDS = 1_000;

/** A running task looks this often whether it was revoked or taken over; one that is quicker reads nothing. */
const WATCH_MILLISECONDS = 5_000;

/** One run of one task: its context, its signal and its time limits. */
export interface Run extends CurrentRun {
  /**
   * Waits for `work`, at most for the time limit and never longer than the function has.
   * JavaScript cannot stop code that ignores its signal: it goes on in the background, but its claim is settled.
   * @throws TaskTimeLimitError
   */
  within<T>(task: RegisteredTask, functionMilliseconds: number, work: () => Promise<T>): Promise<T>;
  /** The reason, if a revoke has reached this run. */
  revoked(): TaskRevokedError | undefined;
  /** What went wrong that is not the task's doing: the ledger did not answer. */
  trouble(): { error: unknown } | undefined;
  /** Ends a run that failed, so that what it left behind stops and can send no more. */
  abandon(): void;
  /** Stops watching the record. */
  end(): void;
}

/** @param fifo its message stays in the queue until it has ended, and a FIFO queue keeps it for 14 days */
export function createRun(app: App, claim: Claim, log: Log, fifo: boolean): Run {
  const { message } = claim;
  const signal = new AbortController();
  const over = new AbortController();
  let lastWrite = Number.NEGATIVE_INFINITY;
  let revoked: TaskRevokedError | undefined;
  let trouble: { error: unknown } | undefined;

  const stop = (reason: Error): void => {
    over.abort(reason);
    signal.abort(reason);
  };
  const lose = (): void => stop(new TaskRevokedError(message.id, "another worker has taken it over"));
  const revoke = (why: string): void => {
    revoked ??= new TaskRevokedError(message.id, why);
    stop(revoked);
  };
  /** A call of the ledger. One that fails ends the run, but not the task: nobody can say what the task has done once. */
  const ask = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      trouble ??= { error };
      stop(new Error("The ledger did not answer.", { cause: error }));
      throw error;
    }
  };
  const watch = async (): Promise<void> => {
    const decided = (await app.control.decisions()).revokedBy(message);
    if (decided !== undefined) return revoke(decided.why);
    const record = await app.results.read(message.id);
    if (record?.revokeRequestedAt !== undefined || record?.state === "REVOKED") revoke("it was revoked while it ran");
    else if (claim.tracked ? record?.fence !== claim.fence : record && isFinal(record.state)) lose();
  };
  const watcher = setInterval(() => {
    // A look that fails is made again soon; the run itself must not suffer from it.
    watch().catch((error: unknown) => log.warn("The record could not be watched", { error: describeError(error) }));
  }, WATCH_MILLISECONDS);

  const context: TaskContext = {
    ...identityOf(message),
    signal: signal.signal,
    log,
    async progress(meta) {
      over.signal.throwIfAborted();
      const json = parseJson(progressText(meta));
      const now = app.clock().getTime();
      if (now - lastWrite < PROGRESS_MILLISECONDS) return;
      lastWrite = now;
      try {
        if (await app.results.progress(claim, json)) return;
      } catch (error) {
        // What is shown meanwhile is not worth a run.
        log.warn("Progress could not be stored", { error: describeError(error) });
        return;
      }
      lose();
      over.signal.throwIfAborted();
    },
    async once<Result>(key: string, work: () => Result | Promise<Result>) {
      if (!isKey(key)) throw new InvalidOptionError("key", key, "1 to 256 characters");
      over.signal.throwIfAborted();
      const ttl = Math.floor(app.clock().getTime() / 1_000) + LEDGER_SECONDS;
      const entry = await ask(openEntry(app.table, message.id, key, claim.fence, ttl));
      if (entry.state === "taken") lose();
      over.signal.throwIfAborted();
      // The one place where the ledger's JSON gets its type back: the same work of an earlier attempt wrote it.
      if (entry.state === "done") return entry.result as Jsonified<Result>;
      if (entry.state === "lost") throw new InvalidOnceResultError(message.task, key, entry.reason);
      const result = await work();
      // Dying here leaves the entry open: the work is done again.
      const kept = onceOutcome(message.task, key, result);
      await ask(closeEntry(app.table, message.id, key, claim.fence, kept));
      if ("error" in kept) throw kept.error;
      return parseJson(kept.resultJson) as Jsonified<Result>;
    },
    retry({ countdown, cause } = {}) {
      const longest = fifo ? MAX_FIFO_RETRY_SECONDS : MAX_TIMER_SECONDS;
      if (countdown !== undefined && !(countdown >= 0 && countdown <= longest)) {
        throw new InvalidOptionError("countdown", countdown, `0 to ${longest} seconds`);
      }
      return new Retry(countdown, cause);
    },
  };

  return {
    context,
    over: over.signal,
    async within(task, functionMilliseconds, work) {
      const limits = timeLimits(task, message);
      const available = Math.max(0, functionMilliseconds - RESERVE_MILLISECONDS);
      const hard = Math.min(available, limits.hard * 1_000);
      const timers: NodeJS.Timeout[] = [];
      const expired = new Promise<never>((_, reject) => {
        const end = (): void => {
          const error = new TaskTimeLimitError(task.name, Math.round(hard / 100) / 10);
          stop(error);
          reject(error);
        };
        timers.push(setTimeout(end, hard));
      });
      if (limits.soft * 1_000 < hard) {
        const reason = new SoftTimeLimitError(task.name, limits.soft);
        timers.push(setTimeout(() => signal.abort(reason), limits.soft * 1_000));
      }
      try {
        return await Promise.race([work(), expired]);
      } finally {
        for (const timer of timers) clearTimeout(timer);
      }
    },
    revoked: () => revoked,
    trouble: () => trouble,
    end: () => clearInterval(watcher),
    abandon: () => stop(new TaskRevokedError(message.id, "its run has failed")),
  };
}

/** Seconds that one run may take: as its call says, or else its task. */
export function timeLimits(task: RegisteredTask, message: Message): { hard: number; soft: number } {
  return {
    hard: message.timeLimit ?? task.timeLimit ?? Number.POSITIVE_INFINITY,
    soft: message.softTimeLimit ?? task.softTimeLimit ?? Number.POSITIVE_INFINITY,
  };
}

/** What a hook is called with: what it sends is the task's child, though the run itself is over. */
export function hookRun({ context }: Run): CurrentRun {
  const { signal } = new AbortController();
  return { context: { ...context, signal }, over: signal };
}

type Identity = "id" | "attempt" | "rootId" | "parentId" | "groupId" | "headers" | "tags";

function identityOf(message: Message): Pick<TaskContext, Identity> {
  const { id, attempt, rootId, parentId, groupId, headers = {}, tags = [] } = message;
  return { id, attempt, rootId, parentId, groupId, headers, tags };
}

/** The work is done by then: what cannot be kept closes its entry all the same. */
function onceOutcome(
  task: string,
  key: string,
  result: unknown,
): { resultJson: string } | { lost: string; error: InvalidOnceResultError } {
  try {
    return { resultJson: onceResultText(task, key, result) };
  } catch (error) {
    if (!(error instanceof InvalidOnceResultError)) throw error;
    return { lost: error.reason, error };
  }
}
