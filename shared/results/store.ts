/**
 * The task record is the lock. Each function here is one conditional update of one item, so that a crash between any two
 * of them leaves a state which the next delivery of the message repairs.
 */

import { randomUUID } from "node:crypto";
import type { Item, Table, UpdateOutcome } from "../aws/dynamodb.ts";
import type { ErrorRecord } from "../errors.ts";
import type { ClaimChecks } from "../message/claim-check.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { birth } from "./birth.ts";
import { IDLE, MAY_CLAIM, MAY_EXPIRE, MINE, MINE_UNCLAIMED, NOT_BEGUN, NOT_ENDED, WAITING } from "./conditions.ts";
import { recordKey } from "./keys.ts";
import { createLifetime } from "./lifetime.ts";
import { isExpired, type StoredRecord, type TaskState, toRecord, toState, valueRefText } from "./record.ts";
import { createValues, type Packed, type Values } from "./values.ts";

/** The exclusive right to run one attempt; every later write of the run shows its fence. */
export interface Claim {
  message: Message;
  fence: number;
  /** How often this attempt has been started, this time included, if that was asked for. */
  starts: number | undefined;
  /** With false nobody knows that it runs, and others may run it too: `trackStarted: false`. */
  tracked: boolean;
}

/** By which delivery of which SQS message something is done. */
export interface Receipt {
  messageId: string;
  receiveCount: number;
}

/** What a refused claim found. */
export type ClaimOutcome = { claimed: true; claim: Claim } | { claimed: false; record: StoredRecord | undefined };

export interface ResultStore {
  /** Writes the PENDING record unless a fast worker was there first; answers with the state that is stored. */
  pending(message: Message): Promise<TaskState>;
  /**
   * Takes the right to run `message`'s attempt, for a function that has `leaseSeconds` left: from one who waits, or from a run that
   * is over.
   * @param options `countStarts`: answer how often this attempt was started; `tracked`: with false no right is taken, the record
   * is only read
   */
  claim(
    message: Message,
    receipt: Receipt,
    leaseSeconds: number,
    options?: { countStarts?: boolean; tracked?: boolean },
  ): Promise<ClaimOutcome>;
  /** These are refused (false) when a newer claim exists: the run was given up for dead, and must stop. */
  /** @param resultJson undefined: the result is not kept */
  succeed(claim: Claim, resultJson: string | undefined): Promise<boolean>;
  retry(claim: Claim, error: ErrorRecord, eta: Date): Promise<boolean>;
  fail(claim: Claim, error: ErrorRecord): Promise<boolean>;
  /** Gives the attempt back unfinished, to be claimed again under the same number; it counts as no crash. */
  release(claim: Claim): Promise<boolean>;
  progress(claim: Claim, meta: Json): Promise<boolean>;
  /** Keeps the record of a task whose message goes on waiting; false if it has ended, and the message with it. */
  refresh(message: Message): Promise<boolean>;
  /** Ends a task that nobody runs: refused when it is final already, or may be running. */
  failUnclaimed(
    message: Message,
    receipt: Receipt,
    error: ErrorRecord,
  ): Promise<{ applied: boolean; record: StoredRecord | undefined }>;
  /** Ends a task that is not running, because it was revoked while it ran. */
  revoke(message: Message, receipt: Receipt, error: ErrorRecord): Promise<boolean>;
  /** Ends a task that has never begun, because it came too late. */
  expire(message: Message, error: ErrorRecord): Promise<boolean>;
  /** Ends a task that has never begun, and is known by its id alone; false if it has, or has no record. */
  replace(id: string, error: ErrorRecord): Promise<boolean>;
  /** Ends my own run, which a revoke has reached. */
  abandon(claim: Claim, error: ErrorRecord): Promise<boolean>;
  /**
   * Revokes a task at whatever stage it is: one that waits becomes REVOKED, one that runs is told to stop (if its worker has died,
   * its message ends it), a finished one stays as it is. Answers with the record as it is then; undefined for an unknown id.
   */
  requestRevoke(id: string, error: ErrorRecord): Promise<StoredRecord | undefined>;
  /** The state, by a write that changes nothing: for functions which may write records but not read them. */
  stateOf(id: string): Promise<TaskState | undefined>;
  /** The record, read consistently, without its large values; undefined for an unknown or expired id. */
  read(id: string): Promise<StoredRecord | undefined>;
  complete: Values["complete"];
}

/** What a write without a claim sets besides, unless it says otherwise: it may be the first of all. */
const FIRST = {
  state: "@state = if_not_exists(@state, :pending)",
  attempt: "@attempt = :attempt",
  ttl: "@ttl = if_not_exists(@ttl, :ttl)",
};

/** A change of the record by the run that holds it. */
interface Settling {
  set: string;
  remove?: readonly string[];
  values: Item;
}

/** Who holds the task, which nobody does when it has ended or waits. */
const HOLDER = "@leaseSeconds, @messageId, @receiveCount";

/** By what a delivery may show that the run before it is over (conditions.ts). */
function evidence(
  { seen = -1 }: Message,
  { messageId, receiveCount }: Receipt = { messageId: "", receiveCount: 0 },
): Item {
  return { seen, messageId, receiveCount };
}

function payloadRefOf({ payloadRef }: Message): Item {
  return payloadRef === undefined ? {} : { payloadRef: valueRefText(payloadRef) };
}

export function createResultStore(options: {
  table: Table;
  clock: () => Date;
  claimChecks: ClaimChecks;
  /** Seconds that a final record is kept. */
  resultExpires: () => number;
}): ResultStore {
  const { table, clock, claimChecks } = options;

  const lifetime = createLifetime(options);
  const large = createValues({ claimChecks });
  const shownUntil = (message: Message): Date => new Date(lifetime.shown(message) * 1_000);

  /** `update` without its SET and REMOVE, which every settling shares. */
  const settle = async (
    { message, fence, tracked }: Claim,
    { set, remove = [], values }: Settling,
  ): Promise<boolean> => {
    // Without a claim it may be the first write of all.
    const born = tracked ? { set: [], values: {} } : birth(message);
    const first = Object.entries(tracked ? {} : FIRST).flatMap(([name, clause]) =>
      set.includes(`@${name} =`) ? [] : [clause],
    );
    // If the answer is lost, the SDK's second try is refused; by its token it knows what it finds as its own.
    const token = randomUUID();
    const outcome = await table.update({
      key: recordKey(message.id),
      update: `SET ${[...born.set, ...first, set, "@token = :token"].join(", ")}${remove.length > 0 ? ` REMOVE ${remove.join(", ")}` : ""}`,
      condition: tracked ? MINE : MINE_UNCLAIMED,
      values: {
        ...born.values,
        ...{ fence, started: "STARTED", pending: "PENDING", retry: "RETRY", attempt: message.attempt },
        ...{ ttl: lifetime.unfinished(message), token },
        ...values,
      },
    });
    return outcome.applied || outcome.item?.token === token;
  };

  /** Ends a run. Dying between storing a large value and this leaves an object that nobody refers to. */
  const end = async (
    claim: Claim,
    state: TaskState,
    value?: Packed,
    without: readonly string[] = [],
  ): Promise<boolean> => {
    const now = clock().toISOString();
    return settle(claim, {
      set: [
        "@state = :final, @finishedAt = :now, @ttl = :ttl, @shownUntil = :shown",
        ...(value ? [value.set] : []),
      ].join(", "),
      remove: [HOLDER, "@eta", "@revokeRequestedAt", ...(value ? [value.remove] : []), ...without],
      values: {
        ...{ final: state, now, ttl: lifetime.final(claim.message), shown: lifetime.shown(claim.message) },
        ...value?.values,
      },
    });
  };

  /** Ends a task that nobody runs, if `condition` holds for its record. */
  const endUnclaimed = async (
    state: TaskState,
    message: Message,
    receipt: Receipt | undefined,
    error: ErrorRecord,
    condition: string,
  ): Promise<UpdateOutcome> => {
    const { set, values } = birth(message);
    const packed = await large.error(message, error, shownUntil(message));
    return table.update({
      key: recordKey(message.id),
      update: `SET ${set.join(", ")}, @state = :state, ${packed.set}, @attempt = if_not_exists(@attempt, :attempt), @finishedAt = :now, @ttl = :ttl, @shownUntil = :shown REMOVE ${HOLDER}, @revokeRequestedAt, ${packed.remove}`,
      condition,
      values: {
        ...values,
        ...packed.values,
        ...{ state, pending: "PENDING", retry: "RETRY", started: "STARTED" },
        ...evidence(message, receipt),
        attempt: message.attempt,
        now: clock().toISOString(),
        ttl: lifetime.final(message),
        shown: lifetime.shown(message),
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
        update: `SET ${set.join(", ")}${eta}, @state = if_not_exists(@state, :pending), @attempt = if_not_exists(@attempt, :attempt), @ttl = if_not_exists(@ttl, :ttl)`,
        values: {
          ...values,
          ...(message.eta !== undefined && { eta: message.eta }),
          pending: "PENDING",
          attempt: message.attempt,
          ttl: lifetime.unfinished(message, message.eta),
        },
        returns: "UPDATED_NEW",
      });
      // AWS answers with every attribute that the update names; an emulator may leave out those that kept their value.
      const state = outcome.applied ? outcome.attributes.state : undefined;
      return state === undefined ? ((await store.stateOf(message.id)) ?? "PENDING") : toState(String(state));
    },

    async claim(
      message,
      receipt,
      leaseSeconds,
      { countStarts = false, tracked = message.trackStarted !== false } = {},
    ) {
      if (!tracked) return look(message);
      const { set, values } = birth(message);
      const now = clock();
      // If the answer to a claim is lost, the SDK's second try is refused; by its token it knows the claim as its own.
      const token = randomUUID();
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET ${set.join(", ")}, @state = :started, @attempt = :attempt, @fence = if_not_exists(@fence, :zero) + :one, @leaseSeconds = :leaseSeconds, @messageId = :messageId, @receiveCount = :receiveCount, @startedAt = :now, @ttl = :ttl, @token = :token`,
        condition: MAY_CLAIM,
        values: {
          ...values,
          started: "STARTED",
          pending: "PENDING",
          retry: "RETRY",
          attempt: message.attempt,
          zero: 0,
          one: 1,
          leaseSeconds: Math.ceil(leaseSeconds),
          ...evidence(message, receipt),
          token,
          now: now.toISOString(),
          ttl: lifetime.unfinished(message),
        },
        returns: countStarts ? "ALL_NEW" : "UPDATED_NEW",
      });
      if (!outcome.applied && outcome.item?.token !== token) return { claimed: false, record: recordOf(outcome) };
      const item = outcome.applied ? outcome.attributes : outcome.item;
      const fence = Number(item?.fence);
      const starts = countStarts ? fence - Number(item?.fenceBase ?? 0) : undefined;
      return { claimed: true, claim: { message, fence, starts, tracked: true } };
    },

    async succeed(claim, resultJson) {
      const packed =
        resultJson === undefined ? undefined : await large.result(claim.message, resultJson, shownUntil(claim.message));
      // What a failed attempt left is of no more use.
      return end(claim, "SUCCESS", packed, ["@error", "@errorRef"]);
    },

    async retry(claim, error, eta) {
      const { message } = claim;
      const ttl = lifetime.unfinished(message, eta.toISOString());
      const packed = await large.error(message, error, new Date(ttl * 1_000));
      return settle(claim, {
        set: `@state = :retry, @attempt = :next, @eta = :eta, @fenceBase = :fence, @ttl = :ttl, ${packed.set}${message.payloadRef ? ", @payloadRef = :payloadRef" : ""}`,
        remove: [HOLDER, packed.remove],
        values: { ...packed.values, ...payloadRefOf(message), next: message.attempt + 1, eta: eta.toISOString(), ttl },
      });
    },

    fail: async (claim, error) =>
      end(claim, "FAILURE", await large.error(claim.message, error, shownUntil(claim.message))),

    release: (claim) => settle(claim, { set: "@state = :retry, @fenceBase = :fence", remove: [HOLDER], values: {} }),

    progress: (claim, meta) =>
      settle(claim, {
        set: "@progress = :progress",
        values: { progress: toJsonText(meta) },
      }),

    async refresh(message) {
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET @ttl = :ttl${message.payloadRef ? ", @payloadRef = :payloadRef" : ""}`,
        condition: NOT_ENDED,
        values: {
          ...{ pending: "PENDING", retry: "RETRY", started: "STARTED", ttl: lifetime.unfinished(message) },
          ...payloadRefOf(message),
        },
      });
      // A task that has no record before it starts is not known here.
      return outcome.applied || outcome.item?.state === undefined;
    },

    async failUnclaimed(message, receipt, error) {
      const outcome = await endUnclaimed("FAILURE", message, receipt, error, IDLE);
      return { applied: outcome.applied, record: recordOf(outcome) };
    },

    revoke: async (message, receipt, error) => (await endUnclaimed("REVOKED", message, receipt, error, IDLE)).applied,

    expire: async (message, error) => (await endUnclaimed("REVOKED", message, undefined, error, MAY_EXPIRE)).applied,

    abandon: async (claim, error) =>
      end(claim, "REVOKED", await large.error(claim.message, error, shownUntil(claim.message))),

    async replace(id, error) {
      const outcome = await table.update({
        key: recordKey(id),
        // Its time to live stays: its message is still on its way, and must find this record when it comes.
        update: "SET @state = :revoked, @error = :error, @finishedAt = :now",
        condition: NOT_BEGUN,
        values: { revoked: "REVOKED", error: toJsonText(error), now: clock().toISOString(), pending: "PENDING" },
      });
      return outcome.applied;
    },

    async requestRevoke(id, error) {
      const key = recordKey(id);
      const now = clock().toISOString();
      const waiting = await table.update({
        key,
        // Its time to live stays: its message may be far away, and must find this record when it comes.
        update: "SET @state = :revoked, @error = :error, @finishedAt = :now REMOVE @revokeRequestedAt, @errorRef",
        condition: WAITING,
        values: {
          ...{ pending: "PENDING", retry: "RETRY", revoked: "REVOKED" },
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
      return item?.state === undefined || isExpired(item, clock()) ? undefined : toRecord(item);
    },

    complete: large.complete,
  };

  /** For a task that runs without a claim: whether its record lets it run. An expired one counts, as it does when the run settles. */
  const look = async (message: Message): Promise<ClaimOutcome> => {
    const item = await table.get(recordKey(message.id));
    const record = item?.state === undefined ? undefined : toRecord(item);
    const waits = record === undefined || record.state === "PENDING" || record.state === "RETRY";
    if (waits && (record === undefined || record.attempt === message.attempt)) {
      return { claimed: true, claim: { message, fence: 0, starts: undefined, tracked: false } };
    }
    return { claimed: false, record };
  };
  return store;
}
