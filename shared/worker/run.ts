import { setTimeout } from "node:timers/promises";
import { addToGroup } from "../canvas/added.ts";
import type { KnownTasks } from "../canvas/flow.ts";
import { resultsBefore } from "../canvas/results.ts";
import { echo } from "../echo.ts";
import {
  describeError,
  InvalidOnceResultError,
  InvalidOptionError,
  SoftTimeLimitError,
  TaskRevokedError,
  WorkflowStoppedError,
} from "../errors.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import type { Log } from "../log.ts";
import { type Json, type Jsonified, parseJson, toJsonText } from "../message/json.ts";
import { isKey } from "../message/labels.ts";
import type { Message } from "../message/message.ts";
import { FIRST_PAYLOAD_VERSION, isPayloadVersion, PAYLOAD_VERSION_EXPECTED } from "../message/payload-version.ts";
import { onceResultText } from "../message/user-values.ts";
import type { Claim } from "../results/claims.ts";
import type { LedgerKey } from "../results/once-ledger.ts";
import { isFinal } from "../results/record.ts";
import { type CurrentRun, type OnceOptions, type TaskContext, withRun } from "../task/context.ts";
import type { App } from "../task/current-app.ts";
import { wholeNode } from "../task/draft.ts";
import type { RegisteredTask } from "../task/registered-task.ts";
import { revokedBy } from "../task/revoked-by.ts";
import { Reject, Replace, Retry } from "../task/signals.ts";
import { createOpenCalls } from "./open-calls.ts";
import { createProgress } from "./progress.ts";
import { RESERVE_MILLISECONDS, timeLimits, withinLimits } from "./time-limit.ts";

const MAX_FIFO_RETRY_SECONDS = 12 * 86_400;

/** An entry of the ledger whose work is done is closed after pauses that double up to this, as long as the run has time. */
const LONGEST_CLOSING_PAUSE_MILLISECONDS = 5000;

/** A running task looks this often whether it was revoked or taken over; one that is quicker reads nothing. */
const WATCH_MILLISECONDS = 5000;

/** Calls of `ctx.addToGroup` in one run: each takes a place in the join. */
const MAX_ADDITIONS = 10;

/** Keeping the event loop for longer than this is told in the log. */
const LONG_BLOCK_MILLISECONDS = 1000;

/** One run of one task: its context, its signal and its time limits. */
export interface Run extends CurrentRun {
  /**
   * Waits for `work` and for what it has left open, at most for the time limit and never longer than the function has.
   * JavaScript cannot stop code that ignores its signal: it goes on in the background, but its claim is settled.
   * @throws TaskTimeLimitError, FunctionEndedError
   */
  within<T>(task: RegisteredTask, functionMilliseconds: number, work: () => Promise<T>): Promise<T>;
  /** The reason, if a revoke has reached this run. */
  revoked(): TaskRevokedError | undefined;
  /** The error of a ledger that did not answer, which is not the task's doing. */
  trouble(): { error: unknown } | undefined;
  /** Stops a run that failed: code that it left behind can send no more. */
  stop(): void;
  /** Stops watching the record. */
  end(): void;
}

/** The ground on which a run takes place. */
interface Ground {
  task: RegisteredTask;
  tasks: KnownTasks;
  /** Its message stays in the queue until it has ended, and a FIFO queue keeps it for 14 days. */
  fifo: boolean;
}

export function createRun(app: App, claim: Claim, log: Log, { task, tasks, fifo }: Ground): Run {
  const { message } = claim;
  const signal = new AbortController();
  /** The run can set off nothing more. */
  const over = new AbortController();
  /** The task's own code has failed: it can begin nothing more, though what it does once may still come to its end. */
  const failed = new AbortController();
  const open = createOpenCalls();
  const entries = new Map<string, Promise<string>>();
  let blockedMilliseconds = 0;
  let additions = 0;
  let revoked: TaskRevokedError | undefined;
  let trouble: { error: unknown } | undefined;

  const entryOf = (key: string): LedgerKey => ({ id: message.id, key, fence: claim.fence });
  const stop = (reason: Error): void => {
    failed.abort(reason);
    over.abort(reason);
    signal.abort(reason);
  };
  const lose = (): void => stop(new TaskRevokedError(message.id, "another worker has taken it over"));
  const revoke = (reason: TaskRevokedError): void => {
    revoked ??= reason;
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
  /** The work is done, and would be done again: whoever gives up here early pays with a second mail. */
  const close = async (key: string, kept: ReturnType<typeof onceOutcome>): Promise<void> => {
    for (let pause = 100; ; pause = Math.min(LONGEST_CLOSING_PAUSE_MILLISECONDS, pause * 2)) {
      try {
        await app.ledger.close(entryOf(key), kept);
        // Unless another call has ended the run meanwhile.
        if (!over.signal.aborted) trouble = undefined;
        return;
      } catch (error) {
        // Known before the run's time is over: that it was not enough is not the task's doing.
        trouble = { error };
        if (over.signal.aborted) throw error;
        log.warn("An entry of the ledger could not be closed, and is tried again", {
          key,
          error: describeError(error),
        });
        await setTimeout(pause, undefined, { signal: over.signal }).catch(() => undefined);
      }
    }
  };
  const watch = async (): Promise<void> => {
    const decided = await revokedBy(app, await app.control.decisions(), message, [task.name, ...task.aliases]);
    if (decided !== undefined) return revoke(new TaskRevokedError(message.id, decided.why));
    const { workflow } = message;
    if (workflow && workflow.callback === undefined && (await app.workflows.isStopped(workflow.id, workflow.place))) {
      return revoke(new WorkflowStoppedError(message.id));
    }
    const record = await app.results.read(message.id);
    if (record?.revokeRequestedAt !== undefined || record?.state === "REVOKED")
      revoke(new TaskRevokedError(message.id, "it was revoked while it ran"));
    else if (claim.tracked ? record?.fence !== claim.fence : record && isFinal(record.state)) lose();
  };
  const watcher = setInterval(() => {
    // A look that fails is made again soon; the run itself must not suffer from it.
    watch().catch((error: unknown) => log.warn("The record could not be watched", { error: describeError(error) }));
  }, WATCH_MILLISECONDS);

  const progress = createProgress(app, claim, {
    log,
    failed: failed.signal,
    lost() {
      lose();
      over.signal.throwIfAborted();
    },
  });

  /** Does `work` unless the ledger has its result, and answers with that as JSON text. */
  const doOnce = async (key: string, work: () => unknown, shape: OnceShape): Promise<string> => {
    const entry = await ask(app.ledger.open(entryOf(key)));
    if (entry.state === "taken") lose();
    failed.signal.throwIfAborted();
    if (entry.state === "done") return toJsonText(await inShape(key, entry, shape));
    if (entry.state === "lost") throw new InvalidOnceResultError(message.task, key, entry.reason);
    // Tasks of its own are sent though the run has failed meanwhile: half of it done would be done again as a whole.
    const result = await withRun({ ...run, over: over.signal }, work);
    // Dying here leaves the entry open: the work is done again.
    const kept = onceOutcome(message.task, key, result, shape.version);
    await ask(close(key, kept));
    if ("error" in kept) throw kept.error;
    return kept.resultJson;
  };

  const once = async <Result>(
    key: string,
    work: () => Result | Promise<Result>,
    shape: OnceShape = FIRST_SHAPE,
  ): Promise<Jsonified<Result>> => {
    if (!isKey(key)) throw new InvalidOptionError("key", key, "1 to 256 characters");
    if (!isPayloadVersion(shape.version)) {
      throw new InvalidOptionError("version", shape.version, PAYLOAD_VERSION_EXPECTED);
    }
    if (typeof shape.upgrade !== "function") throw new InvalidOptionError("upgrade", shape.upgrade, "a function");
    failed.signal.throwIfAborted();
    // Two parts of one run that ask at once share one work.
    const entry = entries.get(key) ?? doOnce(key, work, shape);
    entries.set(key, entry);
    try {
      // The one place where the ledger's JSON gets its type back: the same work, of this attempt or an earlier one, wrote it.
      return parseJson(await entry) as Jsonified<Result>;
    } catch (error) {
      // It may be tried again within this run.
      if (entries.get(key) === entry) entries.delete(key);
      throw error;
    }
  };

  const context: TaskContext = {
    ...identityOf(message),
    signal: signal.signal,
    log,
    progress(meta) {
      const written = open.add(progress(meta));
      // Nobody has to wait for it: a run that is lost learns so by its signal.
      written.catch((error: unknown) => log.warn("Progress was refused", { error: describeError(error) }));
      return written;
    },
    once<Result>(key: string, work: () => Result | Promise<Result>, options?: OnceOptions<Result>) {
      return open.add(once<Result>(key, work, options));
    },
    async *results() {
      const { workflow } = message;
      if (workflow !== undefined && workflow.callback === undefined) yield* resultsBefore(app, workflow);
    },
    addToGroup(members) {
      failed.signal.throwIfAborted();
      additions += 1;
      if (additions > MAX_ADDITIONS) {
        throw new InvalidOptionError(
          "addToGroup",
          additions,
          `at most ${MAX_ADDITIONS} calls of one run, with all members of each`,
        );
      }
      return open.add(addToGroup(app, tasks, { message, call: additions, members }));
    },
    replace(canvas) {
      throw new Replace(wholeNode(canvas.node));
    },
    retry({ countdown, cause } = {}) {
      const longest = fifo ? MAX_FIFO_RETRY_SECONDS : MAX_TIMER_SECONDS;
      if (countdown !== undefined && !(typeof countdown === "number" && countdown >= 0 && countdown <= longest)) {
        throw new InvalidOptionError("countdown", countdown, `0 to ${longest} seconds`);
      }
      throw new Retry(countdown, cause);
    },
  };

  let failure: { error: unknown } | undefined;
  /** The task's own code, and then what it has left open: another attempt would do again what is under way. */
  const toItsEnd = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const result = await work();
      const left = await open.ended();
      if (left) throw left.error;
      return result;
    } catch (error) {
      failure = { error };
      failed.abort(new TaskRevokedError(message.id, "its run has failed"));
      await open.ended();
      throw error;
    }
  };

  const run: Run = {
    context,
    over: failed.signal,
    add: open.add,
    blocked(milliseconds) {
      blockedMilliseconds += milliseconds;
      if (milliseconds < LONG_BLOCK_MILLISECONDS) return;
      log.warn("Task kept the event loop: nothing else in this worker could go on", {
        milliseconds: Math.round(milliseconds),
      });
    },
    async within(task, functionMilliseconds, work) {
      const { hard, soft } = timeLimits(task, message);
      try {
        return await withinLimits({
          process: app,
          work: () => toItsEnd(work),
          task: task.name,
          hard,
          soft,
          functionEnd: Math.max(0, functionMilliseconds - RESERVE_MILLISECONDS),
          blocked: () => blockedMilliseconds,
          onSoftLimit: () => signal.abort(new SoftTimeLimitError(task.name, soft)),
          onGivenUp: stop,
        });
      } catch (error) {
        // It had failed before, and its time went by while it waited for what was open.
        throw failure ? failure.error : error;
      }
    },
    revoked: () => revoked,
    trouble: () => trouble,
    end: () => clearInterval(watcher),
    stop: () => stop(new TaskRevokedError(message.id, "its run has failed")),
  };
  return run;
}

type Identity = "id" | "attempt" | "rootId" | "parentId" | "headers" | "tags" | "schedule";

function identityOf(message: Message): Pick<TaskContext, Identity> {
  const { id, attempt, rootId, parentId, headers = {}, tags = [], schedule } = message;
  const mark = schedule && { name: schedule.name, at: new Date(schedule.at), manual: schedule.manual === true };
  // Copies, for the message may be sent again.
  return { id, attempt, rootId, parentId, headers: { ...headers }, tags: [...tags], schedule: mark };
}

/** The version of a result that is kept once, and how an older one becomes it. */
type OnceShape = OnceOptions<unknown>;

const FIRST_SHAPE: OnceShape = { version: FIRST_PAYLOAD_VERSION, upgrade: (kept) => kept };

/** Seconds after which a worker of newer code may have come. */
const NEWER_SECONDS = 60;

/** A result as the code wants it that asks for it. */
async function inShape(
  key: string,
  { result, version: kept }: { result: Json; version: number },
  { version, upgrade }: OnceShape,
): Promise<unknown> {
  if (kept === version) return result;
  if (kept < version) return upgrade(result, kept);
  const reason = `the result of its work ${echo(key)} was kept by newer code, in version ${kept}`;
  throw new Reject(reason, { requeue: true, countdown: NEWER_SECONDS });
}

/** The work is done by then: what cannot be kept closes its entry all the same. */
function onceOutcome(
  task: string,
  key: string,
  result: unknown,
  version: number,
): { resultJson: string; version?: number } | { lost: string; error: InvalidOnceResultError } {
  try {
    const resultJson = onceResultText(task, key, result);
    return version === FIRST_PAYLOAD_VERSION ? { resultJson } : { resultJson, version };
  } catch (error) {
    if (!(error instanceof InvalidOnceResultError)) throw error;
    return { lost: error.reason, error };
  }
}
