import type { Json } from "./json.ts";
import type { ValueRef } from "./large-values.ts";

/** The firing of an entry of beat that a task comes of. */
export interface ScheduleMark {
  name: string;
  at: string;
  edition?: string;
  manual?: true;
  by?: string;
}

/**
 * The place of a message in a workflow. A task's message says with `input` whose results its payload is completed with when it runs; one with
 * `fanOut` sends the members of a group, from that one on; one with `keep` has records kept for longer; one with `ended` lets the workflow go on after a task whose record is final.
 */
export interface WorkflowMark {
  id: string;
  place: string;
  input?: string;
  fanOut?: number;
  /** It sends no members, but has the records of all of the workflow kept until then. */
  keep?: string;
  /** It is no member, but a callback of the node at that place: `link/0`. */
  callback?: string;
  ended?: true;
}

/**
 * The SQS message that asks for one attempt of one task: envelope version 1.
 * Times are ISO-8601 in UTC. The page docs/protocol.md describes it for other writers. One that was read has, beside these, the fields that
 * this version does not know.
 */
export interface Message {
  v: 1;
  id: string;
  task: string;
  /** 1 for the first run; each retry sends a new message with the next number. */
  attempt: number;
  /** `null` if it lies in S3, where `payloadRef` says. */
  payload: Json;
  payloadRef?: ValueRef;
  /** The version of its task's payload that it was sent in; absent for the first. */
  payloadVersion?: number;
  queue: string;
  sentAt: string;
  /** Not to be started before. */
  eta?: string;
  /** Not to be started after. */
  expires?: string;
  /** The task at the top of the tree that this one belongs to; its own id for a task sent from outside. */
  rootId: string;
  /** The task whose run sent this one. */
  parentId?: string;
  /** The task whose payload this one runs again. */
  replayOf?: string;
  /** Labels, by which many tasks can be revoked. */
  tags?: string[];
  /** The caller's own metadata; the task reads it as `ctx.headers`. */
  headers?: Record<string, string>;
  /**
   * The entry of beat that asked for it, and the fire time; `manual` when somebody ran it by hand, and who. With an `edition` it waits for
   * its time, and is not run if the entry was changed before.
   */
  schedule?: ScheduleMark;
  /** The workflow that it belongs to. */
  workflow?: WorkflowMark;
  /** SQS's own: the group that keeps its order on a FIFO queue; the tenant on a fair queue. */
  messageGroupId?: string;
  /** The share of the task's `concurrency` that this run takes, such as a tenant's. */
  concurrencyKey?: string;
  /** The burst of calls that this one was the newest of when it was sent. */
  debounce?: { key: string; burst: string };
  /** Seconds, for this call alone. */
  timeLimit?: number;
  softTimeLimit?: number;
  /** The result is not stored, and there is no record before it starts. */
  ignoreResult?: true;
  /** It runs without a claim. */
  trackStarted?: false;
  /** Hash of task and payload, of a message whose id its caller has made: a record of that id with another one is another caller's. */
  contentHash?: string;
  /** Its record is kept at least until then. */
  keepUntil?: string;
  /** When its record, and its stored payload, were last seen to live long enough. */
  refreshedAt?: string;
  /** When it is to ask the task's rate limit again, as that was then: no right to start. */
  slot?: { at: string; rateLimit: string };
  /** How often it was put off because its task had no place free. */
  deferrals?: number;
  /** The fence of a run that was under way when this copy was sent; its function's time is over by now. */
  seen?: number;
  /** Run it alone: its worker died before, and perhaps because of it. */
  suspect?: true;
  /** How often it was put off because others had left too little of the function's time. */
  crowded?: number;
  /** How often the dead-letter queue has given it back. */
  rescues?: number;
  /** Its worker died each of so many times, and its record says so: only its `onFailure` hook is still to be called. */
  crashed?: number;
  /** Since when it has waited for a worker that knows more than those which it has met. */
  newerSince?: string;
}

/** The mark of a task that no change of its entry stops any more. */
export function withoutEdition({ edition: _, ...mark }: ScheduleMark): ScheduleMark {
  return mark;
}
