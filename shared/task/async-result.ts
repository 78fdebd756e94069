import {
  describeError,
  NO_REASON,
  ResultTimeoutError,
  TaskFailedError,
  TaskNotFoundError,
  TaskRevokedError,
  ValueExpiredError,
} from "../errors.ts";
import type { Json } from "../message/json.ts";
import { isFinal, publicRecord, type StoredRecord, type TaskRecord } from "../results/record.ts";
import type { App } from "./current-app.ts";
import { revokedBy } from "./revoked-by.ts";
import { type GetOptions, timeoutOf, waitUntil } from "./wait.ts";

/** A handle on one task's outcome. Everything that asks the table is a method. */
export class AsyncResult<Result = Json> {
  readonly id: string;
  readonly #app: App;

  constructor(id: string, app: App) {
    this.id = id;
    this.#app = app;
  }

  /**
   * Waits for the result; not inside a task, whose worker would be held while this task may need it. There, let the child send what
   * comes next, or look with `ready()` or `fetch()`, which do not wait.
   * https://docs.celeryq.dev/en/stable/userguide/tasks.html#avoid-launching-synchronous-subtasks
   * @param options `timeout`: seconds to wait, by default 60; `disableSyncSubtasks`: with false it waits inside a task, too, where
   * enough workers are sure to be free
   * @throws SyncSubtaskError inside a task or its hooks, at once
   * @throws TaskFailedError carrying the task's own error
   * @throws TaskRevokedError if it was revoked or had expired
   * @throws ResultTimeoutError if it is not finished in time; it may still run
   * @throws TaskNotFoundError for an unknown id
   * @throws ValueExpiredError if a large result is gone from S3, or damaged
   */
  async get(options: GetOptions = {}): Promise<Result> {
    const timeout = timeoutOf(this.id, options);
    const final = await waitForFinal(this.#app, this.id, timeout);
    const record = await this.#app.results.complete(final, { parts: ["result", "error"] });
    const { result } = record.refs;
    const lost = record.large?.result;
    if (lost && result) throw new ValueExpiredError(result.key, result.sizeBytes, lost.damaged);
    switch (record.state) {
      case "SUCCESS":
        // The one place where stored JSON gets its type back: run() of the same task wrote it.
        return (record.result ?? null) as Result;
      case "FAILURE":
        throw new TaskFailedError(this.id, record.error ?? NO_REASON);
      case "REVOKED":
        throw new TaskRevokedError(this.id, (record.error ?? NO_REASON).message);
      default:
        throw new ResultTimeoutError(this.id, timeout);
    }
  }

  /**
   * The record as it is now.
   * @throws TaskNotFoundError for an id that was never sent, or whose record has expired
   */
  async fetch(): Promise<TaskRecord> {
    const record = await this.#read();
    return publicRecord(await withDecisions(this.#app, await this.#app.results.complete(record)));
  }

  /** Whether it has ended, however it did. @throws TaskNotFoundError for an unknown id */
  async ready(): Promise<boolean> {
    return isFinal((await this.#read()).state);
  }

  /** Whether it has ended as a SUCCESS. @throws TaskNotFoundError for an unknown id */
  async successful(): Promise<boolean> {
    return (await this.#read()).state === "SUCCESS";
  }

  /** Whether it has ended as a FAILURE. @throws TaskNotFoundError for an unknown id */
  async failed(): Promise<boolean> {
    return (await this.#read()).state === "FAILURE";
  }

  async #read(): Promise<StoredRecord> {
    const record = await this.#app.results.read(this.id);
    if (record === undefined) throw new TaskNotFoundError(this.id);
    return record;
  }

  /**
   * Revokes the task: one that waits never runs; one that runs sees its `signal` abort within 5 seconds; one that has
   * ended stays as it is. Answers with the record.
   * @throws TaskNotFoundError for an unknown id
   */
  async revoke(): Promise<TaskRecord> {
    const reason = describeError(new TaskRevokedError(this.id, "someone asked for it"));
    const record = await this.#app.results.requestRevoke(this.id, reason);
    if (record === undefined) throw new TaskNotFoundError(this.id);
    // The end of a workflow stands for all of it. Dying before this leaves the rest running, and the caller without an answer.
    if (record.workflow?.id === this.id) await this.#app.workflows.stop(this.id, "");
    if (record.replacedBy !== undefined) await this.#app.workflows.stop(record.replacedBy, "");
    return publicRecord(record);
  }
}

/** Shows on an unfinished record that it was revoked among many: who runs it, or would, notices that within seconds. */
export async function withDecisions(app: App, record: StoredRecord, names?: readonly string[]): Promise<StoredRecord> {
  if (isFinal(record.state) || record.revokeRequestedAt !== undefined) return record;
  const decided = await revokedBy(app, await app.control.decisions(0), { ...record, sentAt: record.createdAt }, names);
  return decided ? { ...record, revokeRequestedAt: decided.at } : record;
}

/**
 * Reads a record until its state is final or `timeoutSeconds` have passed, and answers with what it read last.
 * @throws TaskNotFoundError
 */
export async function waitForFinal(app: App, id: string, timeoutSeconds: number): Promise<StoredRecord> {
  const look = async (): Promise<StoredRecord> => {
    const record = await app.results.read(id);
    if (record === undefined) throw new TaskNotFoundError(id);
    return record;
  };
  return waitUntil(look, ({ state }) => isFinal(state), timeoutSeconds);
}
