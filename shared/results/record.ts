import type { Item } from "../aws/dynamodb.ts";
import type { ErrorRecord } from "../errors.ts";
import { type Json, parseJson } from "../message/json.ts";

/**
 * A task's states are Celery's. Each is written by someone, never assumed: an id without a record is unknown.
 *
 * ```text
 * PENDING ──> STARTED ──> SUCCESS
 *    │           ├──────> FAILURE
 *    │           └──────> RETRY ──> STARTED …
 *    └──> REVOKED <─────────┘          (revoked, or expired before it started)
 * ```
 * https://docs.celeryq.dev/en/stable/userguide/tasks.html#task-states
 */
export type TaskState = "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";

export const STATES: readonly TaskState[] = ["PENDING", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED"];

/** In these a task stays; Celery calls them ready states. */
export function isFinal(state: TaskState): boolean {
  return state === "SUCCESS" || state === "FAILURE" || state === "REVOKED";
}

/** What is known of one task. Times are ISO-8601 in UTC. */
export interface TaskRecord {
  id: string;
  task: string;
  state: TaskState;
  queue: string;
  /** The number of the run that is under way, or that comes next. */
  attempt: number;
  payload: Json;
  /** Present once the state is SUCCESS. */
  result?: Json;
  /** Why it failed; while retrying, why the last attempt did. */
  error?: ErrorRecord;
  /** What the task last reported with `ctx.progress()`. */
  progress?: Json;
  createdAt: string;
  eta?: string;
  expires?: string;
  startedAt?: string;
  finishedAt?: string;
  rootId: string;
  parentId?: string;
  groupId?: string;
  /** The task that this one runs again. */
  replayOf?: string;
}

/** What the engine itself needs of a record besides. */
export interface StoredRecord extends TaskRecord {
  /** Counts claims; only the holder of the newest may write. */
  fence: number;
  /** The fence when this attempt began: the difference says how often this attempt was started. */
  fenceBase: number;
  leaseUntil: string;
  /** Set while it ran: stop, and do not run again. */
  revokeRequestedAt: string | undefined;
}

/** Reads an item back. Payload, result, error and progress are kept as JSON text: exact, and deeper than DynamoDB nests. */
export function toRecord(item: Item): StoredRecord {
  const text = (name: string): string => String(item[name] ?? "");
  const optional = (name: keyof TaskRecord): object => (item[name] === undefined ? {} : { [name]: item[name] });
  const json = (name: keyof TaskRecord): object => (item[name] === undefined ? {} : { [name]: parseJson(text(name)) });
  return {
    id: text("sk"),
    task: text("task"),
    state: toState(text("state")),
    queue: text("queue"),
    attempt: Number(item.attempt ?? 1),
    payload: parseJson(text("payload") || "null"),
    ...json("result"),
    ...json("error"),
    ...json("progress"),
    createdAt: text("createdAt"),
    ...optional("eta"),
    ...optional("expires"),
    ...optional("startedAt"),
    ...optional("finishedAt"),
    rootId: text("rootId"),
    ...optional("parentId"),
    ...optional("groupId"),
    ...optional("replayOf"),
    fence: Number(item.fence ?? 0),
    fenceBase: Number(item.fenceBase ?? 0),
    leaseUntil: text("leaseUntil"),
    revokeRequestedAt: item.revokeRequestedAt === undefined ? undefined : text("revokeRequestedAt"),
  };
}

/** @throws Error if the text is no state: someone else wrote to the table. */
export function toState(text: string): TaskState {
  const state = STATES.find((known) => known === text);
  if (state === undefined) throw new Error(`A record has the state '${text}': expected one of ${STATES.join(", ")}.`);
  return state;
}

/** The public part of a record: what `fetch()` and `GET /tasks/{id}` show. */
export function publicRecord({ fence, fenceBase, leaseUntil, revokeRequestedAt, ...record }: StoredRecord): TaskRecord {
  return record;
}
