/**
 * The task record is the lock. Each function here is one conditional update of one item, so that a crash between any two
 * of them leaves a state which the next delivery of the message repairs.
 */

import { randomUUID } from "node:crypto";
import type { Item, Table, Update, UpdateOutcome } from "../aws/dynamodb.ts";
import type { ErrorRecord } from "../errors.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { recordKey } from "./keys.ts";
import { type StoredRecord, type TaskState, toRecord, toState } from "./record.ts";

/** The exclusive right to run one attempt; every later write of the run shows its fence. */
export interface Claim {
  id: string;
  attempt: number;
  fence: number;
}

/** What a refused claim found. */
export type ClaimOutcome = { claimed: true; claim: Claim } | { claimed: false; record: StoredRecord | undefined };

export interface ResultStore {
  /** Writes the PENDING record unless a fast worker was there first; answers with the state that is stored. */
  pending(message: Message): Promise<TaskState>;
  /** Takes the right to run `message`'s attempt until `leaseUntil`. */
  claim(message: Message, leaseUntil: Date): Promise<ClaimOutcome>;
  /** These are refused (false) when a newer claim exists: the run was given up for dead, and must stop. */
  succeed(claim: Claim, resultJson: string): Promise<boolean>;
  retry(claim: Claim, error: ErrorRecord, eta: Date): Promise<boolean>;
  fail(claim: Claim, error: ErrorRecord): Promise<boolean>;
  /** Gives the attempt back unfinished, to be claimed again under the same number; it counts as no crash. */
  release(claim: Claim): Promise<boolean>;
  progress(claim: Claim, meta: Json): Promise<boolean>;
  /** Ends a task that nobody runs: refused when it is final already, or its lease still runs. */
  failUnclaimed(message: Message, error: ErrorRecord): Promise<{ applied: boolean; record: StoredRecord | undefined }>;
  /** Ends a task that is not running, because it was revoked while it ran. */
  revoke(message: Message, error: ErrorRecord): Promise<boolean>;
  /** Ends a task that has never begun, because it came too late. */
  expire(message: Message, error: ErrorRecord): Promise<boolean>;
  /** Ends my own run, which a revoke has reached. */
  abandon(claim: Claim, error: ErrorRecord): Promise<boolean>;
  /**
   * Revokes a task at whatever stage it is: one that waits becomes REVOKED, one that runs is told to stop, a finished one
   * stays as it is. Answers with the record as it is then; undefined for an unknown id.
   */
  requestRevoke(id: string, error: ErrorRecord): Promise<StoredRecord | undefined>;
  /** The state, by a write that changes nothing: for functions which may write records but not read them. */
  stateOf(id: string): Promise<TaskState | undefined>;
  /** The record, read consistently; undefined for an unknown or expired id. */
  read(id: string): Promise<StoredRecord | undefined>;
}

/**
 * How long an unfinished record is kept: as long as SQS can hold its message (14 days) and then some, so that no message
 * outlives its record. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
 */
export const UNFINISHED_SECONDS = 15 * 86_400;

/** The named conditions under which an attempt may be claimed, if nobody has asked to revoke the task. */
const CLAIMABLE = {
  neverRecorded: "attribute_not_exists(@state)",
  waiting: "@state = :pending AND @attempt = :attempt",
  dueForRetry: "@state = :retry AND @attempt = :attempt",
  abandoned: "@state = :started AND @attempt = :attempt AND @leaseUntil < :now",
};
const NOT_REVOKED = "attribute_not_exists(@revokeRequestedAt)";

/** It has never been claimed. */
const NOT_BEGUN = "@state = :pending";

/** Nobody runs the task, and it has not ended. */
const IDLE = "@state = :pending OR @state = :retry OR @state = :started AND @leaseUntil < :now";

/** No parentheses: AND binds tighter than OR, and the embedded DynamoDB takes 1.5 ms to parse nested ones. */
const MAY_CLAIM = Object.values(CLAIMABLE)
  .map((clause) => `${NOT_REVOKED} AND ${clause}`)
  .join(" OR ");

/** I hold the newest claim. */
const MINE = "@fence = :fence AND @state = :started";

export function createResultStore(options: {
  table: Table;
  clock: () => Date;
  /** Seconds that a final record is kept. */
  resultExpires: () => number;
}): ResultStore {
  const { table, clock } = options;

  const ttlFinal = (): number => Math.floor(clock().getTime() / 1_000) + options.resultExpires();
  const ttlUnfinished = (eta: string | undefined): number =>
    Math.floor((eta === undefined ? clock().getTime() : Date.parse(eta)) / 1_000) + UNFINISHED_SECONDS;

  /** What is written once, by whoever comes first: the sender or a worker that was faster. */
  const birth = (message: Message): { set: string; values: Item } => {
    const values: Item = {
      task: message.task,
      queue: message.queue,
      payload: toJsonText(message.payload),
      createdAt: message.sentAt,
      rootId: message.rootId,
      ...(message.expires !== undefined && { expires: message.expires }),
      ...(message.parentId !== undefined && { parentId: message.parentId }),
      ...(message.groupId !== undefined && { groupId: message.groupId }),
      ...(message.replayOf !== undefined && { replayOf: message.replayOf }),
    };
    const set = Object.keys(values).map((name) => `@${name} = if_not_exists(@${name}, :${name})`);
    return { set: set.join(", "), values };
  };

  const settle = async (claim: Claim, update: Omit<Update, "key">): Promise<boolean> => {
    const outcome = await table.update({
      key: recordKey(claim.id),
      condition: MINE,
      ...update,
      values: { fence: claim.fence, started: "STARTED", ...update.values },
    });
    return outcome.applied;
  };

  /** Ends a task that nobody runs, if `condition` holds for its record, or if it has none yet. */
  const endUnclaimed = (
    state: TaskState,
    message: Message,
    error: ErrorRecord,
    condition: string,
  ): Promise<UpdateOutcome> => {
    const { set, values } = birth(message);
    return table.update({
      key: recordKey(message.id),
      update: `SET ${set}, @state = :state, @error = :error, @attempt = if_not_exists(@attempt, :attempt), @finishedAt = :now, @ttl = :ttl REMOVE @leaseUntil`,
      condition: `${CLAIMABLE.neverRecorded} OR ${condition}`,
      values: {
        ...values,
        ...{ state, pending: "PENDING", retry: "RETRY", started: "STARTED" },
        error: toJsonText(error),
        attempt: message.attempt,
        now: clock().toISOString(),
        ttl: ttlFinal(),
      },
    });
  };

  const recordOf = (outcome: UpdateOutcome): StoredRecord | undefined =>
    outcome.applied || outcome.item?.state === undefined ? undefined : toRecord(outcome.item);

  const store: ResultStore = {
    async pending(message) {
      const { set, values } = birth(message);
      const eta = message.eta === undefined ? "" : ", @eta = if_not_exists(@eta, :eta)";
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET ${set}${eta}, @state = if_not_exists(@state, :pending), @attempt = if_not_exists(@attempt, :attempt), @ttl = if_not_exists(@ttl, :ttl)`,
        values: {
          ...values,
          ...(message.eta !== undefined && { eta: message.eta }),
          pending: "PENDING",
          attempt: message.attempt,
          ttl: ttlUnfinished(message.eta),
        },
        returns: "UPDATED_NEW",
      });
      // AWS answers with every attribute that the update names; an emulator may leave out those that kept their value.
      const state = outcome.applied ? outcome.attributes.state : undefined;
      return state === undefined ? ((await store.stateOf(message.id)) ?? "PENDING") : toState(String(state));
    },

    async claim(message, leaseUntil) {
      const { set, values } = birth(message);
      const now = clock();
      // If the answer to a claim is lost, the SDK's second try is refused; by its token it knows the claim as its own.
      const token = randomUUID();
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET ${set}, @state = :started, @attempt = :attempt, @fence = if_not_exists(@fence, :zero) + :one, @leaseUntil = :leaseUntil, @startedAt = :now, @ttl = :ttl, @claimToken = :token`,
        condition: MAY_CLAIM,
        values: {
          ...values,
          started: "STARTED",
          pending: "PENDING",
          retry: "RETRY",
          attempt: message.attempt,
          zero: 0,
          one: 1,
          leaseUntil: leaseUntil.toISOString(),
          token,
          now: now.toISOString(),
          ttl: ttlUnfinished(undefined),
        },
        returns: "UPDATED_NEW",
      });
      if (!outcome.applied && outcome.item?.claimToken !== token) return { claimed: false, record: recordOf(outcome) };
      const fence = Number((outcome.applied ? outcome.attributes : outcome.item)?.fence);
      return { claimed: true, claim: { id: message.id, attempt: message.attempt, fence } };
    },

    succeed: (claim, resultJson) =>
      settle(claim, {
        update:
          "SET @state = :success, @result = :result, @finishedAt = :now, @ttl = :ttl REMOVE @leaseUntil, @error, @eta",
        values: { success: "SUCCESS", result: resultJson, now: clock().toISOString(), ttl: ttlFinal() },
      }),

    retry: (claim, error, eta) =>
      settle(claim, {
        update:
          "SET @state = :retry, @attempt = :next, @error = :error, @eta = :eta, @fenceBase = :fence, @ttl = :ttl REMOVE @leaseUntil",
        values: {
          retry: "RETRY",
          next: claim.attempt + 1,
          error: toJsonText(error),
          eta: eta.toISOString(),
          ttl: ttlUnfinished(eta.toISOString()),
        },
      }),

    fail: (claim, error) =>
      settle(claim, {
        update: "SET @state = :failure, @error = :error, @finishedAt = :now, @ttl = :ttl REMOVE @leaseUntil, @eta",
        values: { failure: "FAILURE", error: toJsonText(error), now: clock().toISOString(), ttl: ttlFinal() },
      }),

    release: (claim) =>
      settle(claim, {
        update: "SET @state = :retry, @fenceBase = :fence REMOVE @leaseUntil",
        values: { retry: "RETRY" },
      }),

    progress: (claim, meta) =>
      settle(claim, { update: "SET @progress = :progress", values: { progress: toJsonText(meta) } }),

    async failUnclaimed(message, error) {
      const outcome = await endUnclaimed("FAILURE", message, error, IDLE);
      return { applied: outcome.applied, record: recordOf(outcome) };
    },

    revoke: async (message, error) => (await endUnclaimed("REVOKED", message, error, IDLE)).applied,

    expire: async (message, error) => (await endUnclaimed("REVOKED", message, error, NOT_BEGUN)).applied,

    abandon: (claim, error) =>
      settle(claim, {
        update: "SET @state = :revoked, @error = :error, @finishedAt = :now, @ttl = :ttl REMOVE @leaseUntil, @eta",
        values: { revoked: "REVOKED", error: toJsonText(error), now: clock().toISOString(), ttl: ttlFinal() },
      }),

    async requestRevoke(id, error) {
      const key = recordKey(id);
      const now = clock().toISOString();
      const waiting = await table.update({
        key,
        // Its time to live stays: its message may be far away, and must find this record when it comes.
        update: "SET @state = :revoked, @error = :error, @finishedAt = :now REMOVE @leaseUntil",
        condition: IDLE,
        values: {
          ...{ pending: "PENDING", retry: "RETRY", started: "STARTED", revoked: "REVOKED" },
          error: toJsonText(error),
          now,
        },
        returns: "ALL_NEW",
      });
      if (waiting.applied) return toRecord(waiting.attributes);
      const record = recordOf(waiting);
      if (record?.state !== "STARTED") return record;
      const running = await table.update({
        key,
        update: "SET @revokeRequestedAt = :now",
        condition: "@state = :started",
        values: { started: "STARTED", now },
        returns: "ALL_NEW",
      });
      // It left STARTED between the two updates: to RETRY, where it now waits, or to its end.
      return running.applied ? toRecord(running.attributes) : store.requestRevoke(id, error);
    },

    async stateOf(id) {
      const outcome = await table.update({
        key: recordKey(id),
        update: "SET @state = @state",
        condition: "attribute_exists(@state)",
        values: {},
        returns: "ALL_NEW",
      });
      return outcome.applied ? toState(String(outcome.attributes.state)) : undefined;
    },

    async read(id) {
      const item = await table.get(recordKey(id));
      // DynamoDB deletes expired items late (within days), so a read must not show them.
      // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
      if (item?.state === undefined || Number(item.ttl) <= clock().getTime() / 1_000) return undefined;
      return toRecord(item);
    },
  };
  return store;
}
