/** Handles on the outcomes of tasks and workflows. */

import type { Graph } from "../canvas/graph.ts";
import type { Json } from "../message/json.ts";
import type { TaskRecord, TaskState } from "../results/record.ts";
import { ResultTimeoutError, TaskFailedError, TaskRevokedError, ValueExpiredError } from "./errors.ts";
import type { Transport } from "./transport.ts";
import type { Abortable, GetOptions, RecordOf, TaskResult } from "./types.ts";

const TIMEOUT_SECONDS = 60;
/** The longest that the service waits before it answers a read. */
const WAIT_SECONDS = 20;
/** Milliseconds between two looks, where the service has not waited. */
const PAUSE = 250;
const LONGEST_PAUSE = 2000;
const NO_REASON = { name: "Error", message: "no reason was recorded" };

/** The answer to a send. */
interface Accepted {
  id: string;
  state?: TaskState;
}

/** @param at where the record is read: an upload's has links, too */
export function createResult<Result>(
  transport: Transport,
  { id, state }: Accepted,
  at = `/tasks/${encodeURIComponent(id)}`,
): TaskResult<Result> {
  const own = `/tasks/${encodeURIComponent(id)}`;
  const { call } = transport;
  return {
    id,
    state,
    async get({ timeout = TIMEOUT_SECONDS, signal } = {}) {
      const look = (wait: number) => call<TaskRecord>("GET", at, { query: { wait }, signal });
      const record = await waitFor(transport, look, { id, timeout, signal });
      return resultOf<Result>(transport, record, signal);
    },
    fetch: ({ signal } = {}) => call<RecordOf<Result>>("GET", at, { signal }),
    revoke: async ({ signal } = {}) => void (await call("DELETE", own, { signal })),
    async replay(payload, { signal } = {}) {
      const body = payload === undefined ? undefined : { payload };
      return createResult(transport, await call<Accepted>("POST", `${own}/replay`, { body, signal }));
    },
  };
}

/** A handle on a workflow. */
export interface WorkflowResult<Result = Json> {
  readonly id: string;
  /**
   * Waits for the result of the task that the workflow ends with. One that ends with a group has none: `fetch` shows its members.
   * @throws as `TaskResult.get`
   */
  get(options?: GetOptions): Promise<Result>;
  /** Its nodes with their states; of a group a page of members. */
  fetch(query?: { place?: string; limit?: number } & Abortable): Promise<Graph>;
  /** Tasks that have not begun never run. Needs a key that may operate. */
  revoke(options?: Abortable): Promise<void>;
}

export function createWorkflowResult<Result>(transport: Transport, id: string): WorkflowResult<Result> {
  const at = `/workflows/${encodeURIComponent(id)}`;
  const { call } = transport;
  return {
    id,
    async get({ timeout = TIMEOUT_SECONDS, signal } = {}) {
      const look = () => call<Graph>("GET", at, { query: { limit: 0 }, signal });
      const { state } = await waitFor(transport, look, { id, timeout, signal });
      // One that was revoked may end with a task that was never sent.
      if (state === "REVOKED") throw new TaskRevokedError(id, `Workflow ${id} was revoked.`);
      const record = await call<TaskRecord>("GET", `/tasks/${encodeURIComponent(id)}`, { signal });
      return resultOf<Result>(transport, record, signal);
    },
    fetch: ({ signal, ...query } = {}) => call<Graph>("GET", at, { query, signal }),
    revoke: async ({ signal } = {}) => void (await call("DELETE", at, { signal })),
  };
}

/** Looks until the state is final. @param look gets the seconds that the service may wait before it answers */
async function waitFor<Seen extends { state: TaskState }>(
  { sleep }: Transport,
  look: (waitSeconds: number) => Promise<Seen>,
  { id, timeout, signal }: { id: string; timeout: number; signal: AbortSignal | undefined },
): Promise<Seen> {
  const deadline = performance.now() + timeout * 1000;
  for (let pause = PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 1.5)) {
    const lookedAt = performance.now();
    const wait = Math.max(0, Math.min(WAIT_SECONDS, (deadline - lookedAt) / 1000));
    const seen = await look(wait);
    if (seen.state === "SUCCESS" || seen.state === "FAILURE" || seen.state === "REVOKED") return seen;
    const now = performance.now();
    if (now >= deadline) throw new ResultTimeoutError(id, timeout);
    // A busy service answers before its time: then the client waits.
    if (now - lookedAt < wait * 1000) await sleep(Math.min(pause, deadline - now), signal);
  }
}

/** The result of a task that has ended. */
async function resultOf<Result>(
  transport: Transport,
  { id, state, error = NO_REASON, result, large }: TaskRecord,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (state === "REVOKED") throw new TaskRevokedError(id, error.message);
  if (state !== "SUCCESS") throw new TaskFailedError(id, error);
  // The one place where JSON gets its type back: the task's own run wrote it.
  if (large?.result === undefined) return (result ?? null) as Result;
  const { url } = large.result;
  if (url === undefined) throw new ValueExpiredError(id);
  // Without the key, which is none of the bucket's business.
  const answer = await transport.fetch(`The result of ${id}`, url, signal ? { signal } : {});
  if (!answer.ok) throw new ValueExpiredError(id);
  const value: Result = JSON.parse(await answer.text());
  return value;
}
