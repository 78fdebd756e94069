import type { Item } from "../aws/change.ts";
import type { MultipartUpload } from "../aws/s3-multipart.ts";
import { echo } from "../echo.ts";
import type { StoredError } from "../errors.ts";
import { type Json, parseJson } from "../message/json.ts";
import type { ValueRef } from "../message/large-values.ts";
import type { Message, ScheduleMark } from "../message/message.ts";
import { type Attempt, attemptsIn } from "./attempts.ts";

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

/** All that is known of one task. Times are ISO-8601 in UTC. */
export interface TaskRecord {
  id: string;
  task: string;
  state: TaskState;
  queue: string;
  /** The number of the run that is under way, or that comes next. */
  attempt: number;
  payload: Json;
  /** The version of its task's payload that it was sent in; absent for the first. */
  payloadVersion?: number;
  /** Present once the state is SUCCESS. */
  result?: Json;
  /** Why it failed; while retrying, why the last attempt did. */
  error?: StoredError;
  /** The value that the task last reported with `ctx.progress()`. */
  progress?: Json;
  createdAt: string;
  eta?: string;
  expires?: string;
  startedAt?: string;
  finishedAt?: string;
  rootId: string;
  parentId?: string;
  /** The task that this one runs again. */
  replayOf?: string;
  /** The task that has run this one again, or was to when its sender died; the newest, if there are several. */
  replayedBy?: string;
  /** The workflow that it has become: `ctx.replace()`. It counts as an attempt, and its end is the task's. */
  replacedBy?: string;
  messageGroupId?: string;
  tags?: string[];
  headers?: Record<string, string>;
  /** The entry of beat that asked for it, and the fire time; `manual` when somebody ran it by hand, and who. */
  schedule?: Omit<ScheduleMark, "edition">;
  /** The workflow that it belongs to, its place there, and the place whose results its payload takes: `GET /workflows/{id}`. The task that a workflow ends with has its id. */
  workflow?: { id: string; place: string; input?: string };
  /** Someone has asked for its end: it has not come to it yet. */
  revokeRequestedAt?: string;
  /** Of the code that ran it last, where the deployment has named it: `VERSION`. */
  version?: string;
  /** When the file of an upload's task came, by S3's clock. Absent as long as a form waits for it. */
  arrivedAt?: string;
  /** The runs before the newest, in their order, at most the last 20. Not in lists. */
  attempts?: Attempt[];
  /** Values that are not shown here, for they are large and kept in S3; `gone` if they no longer are, `damaged` if they are no JSON. */
  large?: {
    [Part in "payload" | "result" | "error"]?: { sizeBytes: number; url?: string; gone?: true; damaged?: true };
  };
}

/** Fields of a record that only the engine needs. */
export interface StoredRecord extends TaskRecord {
  /** Counts claims; only the holder of the newest may write. */
  fence: number;
  /** The fence when this attempt began: the difference says how often this attempt was started. */
  fenceBase: number;
  /** Of the run that is under way: its function has no longer than this, and this is the message that it was given. */
  functionSeconds: number;
  messageId: string;
  /** Of a task whose caller has made its id. */
  contentHash?: string;
  /** Of an upload whose file comes in parts. */
  multipart?: MultipartUpload;
  /** Fields of its message that this version does not know. */
  others?: object;
  /** Where its large values lie. */
  refs: { [Part in "payload" | "result" | "error"]?: ValueRef };
}

/** Lambda's longest time: assumed of a run whose record does not say. */
const LONGEST_FUNCTION_SECONDS = 900;

const TEXTS = [
  "eta",
  "expires",
  "startedAt",
  "finishedAt",
  "parentId",
  "replayOf",
  "replayedBy",
  "replacedBy",
  "messageGroupId",
  "revokeRequestedAt",
  "arrivedAt",
  "contentHash",
  "version",
] as const;
const JSON_TEXTS = ["result", "error", "progress", "tags", "headers", "schedule", "workflow", "multipart"] as const;
const PARTS = ["payload", "result", "error"] as const;

/** The record that an item holds, if it holds one. */
export function recordIn(item: Item | undefined): StoredRecord | undefined {
  return item?.state === undefined ? undefined : toRecord(item);
}

/** Reads an item back. Payload, result, error and progress are kept as JSON text: exact, and deeper than DynamoDB nests. */
export function toRecord(item: Item): StoredRecord {
  const text = (name: string): string => String(item[name] ?? "");
  const present = <Name extends string>(names: readonly Name[]): Name[] =>
    names.filter((name) => item[name] !== undefined);
  const json = (name: string): Json => parseJson(text(name) || "null");
  const refs = PARTS.filter((part) => item[`${part}Ref`] !== undefined).map(
    (part) => [part, toValueRef(text(`${part}Ref`))] as const,
  );
  const attempts = attemptsIn(item);
  return {
    id: text("sk"),
    task: text("task"),
    state: toState(text("state")),
    queue: text("queue"),
    attempt: Number(item.attempt ?? 1),
    payload: json("payload"),
    ...(item.payloadVersion !== undefined && { payloadVersion: Number(item.payloadVersion) }),
    ...(item.others !== undefined && { others: Object(json("others")) }),
    createdAt: text("createdAt"),
    rootId: text("rootId"),
    ...Object.fromEntries(present(TEXTS).map((name) => [name, text(name)])),
    ...Object.fromEntries(present(JSON_TEXTS).map((name) => [name, json(name)])),
    ...(attempts.length > 0 && { attempts }),
    ...(refs.length > 0 && {
      large: Object.fromEntries(refs.map(([part, { sizeBytes }]) => [part, { sizeBytes }])),
    }),
    fence: Number(item.fence ?? 0),
    fenceBase: Number(item.fenceBase ?? 0),
    functionSeconds: Number(item.functionSeconds ?? LONGEST_FUNCTION_SECONDS),
    messageId: text("messageId"),
    refs: Object.fromEntries(refs),
  };
}

/** A reference as an attribute keeps it. */
export function valueRefText({ key, sizeBytes, until }: ValueRef): string {
  return `${sizeBytes} ${until} ${key}`;
}

/** The attribute of a stored payload, if it is stored. */
export function payloadRefOf({ payloadRef }: Message): Item {
  return payloadRef === undefined ? {} : { payloadRef: valueRefText(payloadRef) };
}

function toValueRef(text: string): ValueRef {
  const [sizeBytes, until = "", key = ""] = text.split(" ");
  return { sizeBytes: Number(sizeBytes), until, key };
}

/** @throws Error if the text is no state: someone else wrote to the table. */
export function toState(text: string): TaskState {
  const state = STATES.find((known) => known === text);
  if (state === undefined)
    throw new Error(`A record has the state ${echo(text)}: expected one of ${STATES.join(", ")}.`);
  return state;
}

/**
 * Whether a record is not to be shown any more: its time is over, or DynamoDB would have deleted it, which it does late.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
 */
export function isExpired({ ttl, shownUntil }: Item, now: Date): boolean {
  return Math.min(Number(ttl), Number(shownUntil ?? ttl)) <= now.getTime() / 1000;
}

/** The public part of a record: what `fetch()` and `GET /tasks/{id}` show. */
export function publicRecord({
  fence,
  fenceBase,
  functionSeconds,
  messageId,
  contentHash,
  multipart,
  others,
  refs,
  ...record
}: StoredRecord): TaskRecord {
  return record;
}
