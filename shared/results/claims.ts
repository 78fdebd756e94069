/** A run's writes to its task's record: take it, write while it holds it, give it back or end it. */

import { randomUUID } from "node:crypto";
import type { Change, Item } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import { type StoredError, shortened } from "../errors.ts";
import type { DeliveryId } from "../message/delivery.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { recordKey } from "../table/keys.ts";
import { attemptItem } from "./attempts.ts";
import { birth } from "./birth.ts";
import { isMine, isUnclaimed, mayClaim, ofContent } from "./conditions.ts";
import { isSameContent } from "./content.ts";
import { type Ended, runTimes } from "./ended.ts";
import { type FailureKind, failureKind } from "./failure-kind.ts";
import { payloadRefOf, recordIn, type StoredRecord, type TaskState } from "./record.ts";
import type { Lifetime } from "./record-ttl.ts";
import type { Packed, Values } from "./values.ts";

/** The exclusive right to run one attempt; every later write of the run shows its fence. */
export interface Claim {
  message: Message;
  fence: number;
  /** How often this attempt has been started, this time included, if that was asked for. */
  starts: number | undefined;
  /** With false nobody knows that it runs, and others may run it too: `trackStarted: false`. */
  tracked: boolean;
  startedAt: Date;
}

/** A claim, or the record that a refused one has found. */
export type ClaimOutcome = { claimed: true; claim: Claim } | { claimed: false; record: StoredRecord | undefined };

/** The tools of the store's parts. */
export interface StoreParts {
  table: Table;
  clock: () => Date;
  lifetime: Lifetime;
  values: Values;
  /** Until when a task that ends now is shown. */
  shownUntil: (message: Pick<Message, "keepUntil">) => Date;
  /** Told of each failure once it is stored. */
  failed: (failure: FailureKind & { id: string; message: string }) => void;
  /** Told of each run that has ended, and of each task that ends without one, once that is stored. */
  ended: (end: Ended) => void;
  /** The name of the deployed code; empty where it has none. */
  version: () => string;
}

/**
 * Why an attempt was given back: its outcome could not be stored, the function's end cut it short, or the task asked for it. Each is
 * counted in an attribute of its own.
 */
export type ReleaseReason = "unsettled" | "cutShort" | "requeued";

export interface Claims {
  /**
   * Takes the right to run `message`'s attempt, for a function that has `functionSeconds` left: from one who waits, or from a run that
   * is over.
   * @param options `countStarts`: answer how often this attempt was started; `tracked`: with false no right is taken, the record
   * is only read
   */
  claim(
    message: Message,
    delivery: DeliveryId,
    functionSeconds: number,
    options?: { countStarts?: boolean; tracked?: boolean },
  ): Promise<ClaimOutcome>;
  /**
   * Notes that this delivery has found the run with this fence under way. When its message is delivered again, that run is over. Once it
   * is, or has settled, this changes nothing.
   */
  witness(message: Message, delivery: DeliveryId, fence: number): Promise<void>;
  // Those below are refused (false) when a newer claim exists: the run was given up for dead, and must stop.
  /** @param resultJson undefined: the result is not kept */
  succeed(claim: Claim, resultJson: string | undefined): Promise<boolean>;
  retry(claim: Claim, error: StoredError, eta: Date): Promise<boolean>;
  fail(claim: Claim, error: StoredError): Promise<boolean>;
  /**
   * Gives the attempt back unfinished, to be claimed again under the same number; it counts as no crash. The record says why, and
   * the answer how often the attempt has been given back for that kind of reason; undefined if it was refused.
   */
  release(claim: Claim, reason: ReleaseReason, error: StoredError): Promise<number | undefined>;
  /** Lets a workflow take the task's place, until that has ended. */
  replaceBy(claim: Claim, workflow: string): Promise<boolean>;
  progress(claim: Claim, meta: Json): Promise<boolean>;
  /** Ends my own run, which a revoke has reached. */
  revokeRunning(claim: Claim, error: StoredError): Promise<boolean>;
}

/** Whether the first run of a task is likely the first to write of it: its sender has not. */
function isUnwritten({ ignoreResult, contentHash, attempt }: Message): boolean {
  return ignoreResult === true && contentHash === undefined && attempt === 1;
}

/** How often this attempt was given back. */
const RELEASES = ["unsettled", "cutShort", "requeued"] as const;

/** The run that holds the task, which nobody does when it has ended or waits. */
export const HOLDER = [
  "functionSeconds",
  "messageId",
  "receiveCount",
  "seenFence",
  "seenMessage",
  "seenCount",
] as const;

export function createClaims({
  table,
  clock,
  lifetime,
  values,
  shownUntil,
  ended,
  failed,
  version,
}: StoreParts): Claims {
  const named = (): Item => (version() === "" ? {} : { version: version() });
  /** A change of the record by the run that holds it; undefined if it was refused. */
  const settle = async ({ message, fence, tracked }: Claim, change: Omit<Change, "key">): Promise<Item | undefined> => {
    // If the answer is lost, the SDK's second try is refused; by its token it knows the record as its own work.
    const token = randomUUID();
    const outcome = await table.update({
      ...change,
      key: recordKey(message.id),
      set: { ...(!tracked && { attempt: message.attempt, ...named() }), ...change.set, token },
      // Without a claim this may be the first write of all.
      ...(!tracked && { onCreate: { ...birth(message), state: "PENDING", ttl: lifetime.unfinished(message) } }),
      when: tracked ? isMine(fence) : ofContent(message, isUnclaimed(message.attempt)),
      ...(!tracked && isUnwritten(message) && { likelyNew: true as const }),
    });
    if (outcome.applied) return outcome.attributes;
    return outcome.item?.token === token ? outcome.item : undefined;
  };

  const tell = (claim: Claim, state: TaskState): void =>
    ended({ task: claim.message.task, state, times: runTimes(claim, clock()) });

  const runOf = ({ message: { attempt }, fence, tracked, startedAt }: Claim) => ({
    attempt,
    fence: tracked ? fence : 0,
    startedAt,
    endedAt: clock(),
    version: version() || undefined,
  });

  /** Ends a run. Dying between storing a large value and this leaves an object that nobody refers to. */
  const end = async (
    claim: Claim,
    state: TaskState,
    value?: Packed,
    without: readonly string[] = [],
  ): Promise<boolean> => {
    const { message } = claim;
    const settled = await settle(claim, {
      set: {
        state,
        finishedAt: clock().toISOString(),
        ttl: lifetime.final(message),
        shownUntil: lifetime.shown(message),
        ...value?.set,
      },
      remove: [...HOLDER, ...RELEASES, "eta", "revokeRequestedAt", ...(value?.remove ?? []), ...without],
    });
    if (settled) tell(claim, state);
    return settled !== undefined;
  };

  /** For a task that runs without a claim: whether its record lets it run. An expired one counts, as it does when the run settles. */
  const look = async (message: Message): Promise<ClaimOutcome> => {
    const record = recordIn(await table.get(recordKey(message.id)));
    const waits = record === undefined || record.state === "PENDING" || record.state === "RETRY";
    const isMineToRun = record === undefined || (record.attempt === message.attempt && isSameContent(message, record));
    if (waits && isMineToRun) {
      // The ledger's entries were written under the fence of the run that held the task then.
      const claim = { message, fence: record?.fence ?? 0, starts: undefined, tracked: false, startedAt: clock() };
      return { claimed: true, claim };
    }
    return { claimed: false, record };
  };

  return {
    async claim(
      message,
      delivery,
      functionSeconds,
      { countStarts = false, tracked = message.trackStarted !== false } = {},
    ) {
      if (!tracked) return look(message);
      // If the answer to a claim is lost, the SDK's second try is refused; by its token it knows the claim as its own.
      const token = randomUUID();
      const startedAt = clock();
      const outcome = await table.update({
        key: recordKey(message.id),
        onCreate: birth(message),
        set: {
          state: "STARTED",
          attempt: message.attempt,
          functionSeconds: Math.ceil(functionSeconds),
          messageId: delivery.messageId,
          receiveCount: delivery.receiveCount,
          startedAt: startedAt.toISOString(),
          ...named(),
          ttl: lifetime.unfinished(message),
          token,
        },
        add: { fence: 1 },
        remove: ["progress"],
        when: ofContent(message, mayClaim(message.attempt, { message, delivery })),
        ...(isUnwritten(message) && { likelyNew: true as const }),
        returns: countStarts ? "ALL_NEW" : "UPDATED_NEW",
      });
      if (!outcome.applied && outcome.item?.token !== token) return { claimed: false, record: recordIn(outcome.item) };
      const item = outcome.applied ? outcome.attributes : outcome.item;
      const fence = Number(item?.fence);
      const starts = countStarts ? fence - Number(item?.fenceBase ?? 0) : undefined;
      return { claimed: true, claim: { message, fence, starts, tracked: true, startedAt } };
    },

    async witness({ id }, { messageId, receiveCount }, fence) {
      await table.update({
        key: recordKey(id),
        set: { seenFence: fence, seenMessage: messageId, seenCount: receiveCount },
        when: isMine(fence),
      });
    },

    async succeed(claim, resultJson) {
      const packed =
        resultJson === undefined
          ? undefined
          : await values.result(claim.message, resultJson, shownUntil(claim.message));
      // The error that a failed attempt left is of no more use.
      return end(claim, "SUCCESS", packed, ["error", "errorRef"]);
    },

    async retry(claim, error, eta) {
      const { message } = claim;
      const ttl = lifetime.unfinished(message, eta.toISOString());
      const packed = await values.error(message, error, new Date(ttl * 1000));
      const settled = await settle(claim, {
        set: {
          state: "RETRY",
          attempt: message.attempt + 1,
          eta: eta.toISOString(),
          ttl,
          ...packed.set,
          ...attemptItem(runOf(claim), "retry", error),
          ...payloadRefOf(message),
        },
        // A run without a claim does not know how often the task was claimed by others.
        setFrom: { fenceBase: "fence" },
        remove: [...HOLDER, ...RELEASES, "progress", ...packed.remove],
      });
      if (settled) tell(claim, "RETRY");
      return settled !== undefined;
    },

    async fail(claim, error) {
      const { id, task } = claim.message;
      const packed = await values.error(claim.message, error, shownUntil(claim.message));
      const kind = failureKind(task, error);
      const set = { ...packed.set, failureGroup: kind.fingerprint };
      if (!(await end(claim, "FAILURE", { ...packed, set }))) return false;
      failed({ ...kind, id, message: error.message });
      return true;
    },

    async release(claim, reason, error) {
      const settled = await settle(claim, {
        // In the record itself: the bucket may be the part that does not answer.
        set: {
          state: "RETRY",
          error: toJsonText(shortened(error)),
          ...attemptItem(runOf(claim), reason, error),
        },
        setFrom: { fenceBase: "fence" },
        add: { [reason]: 1 },
        remove: [...HOLDER, "errorRef"],
        returns: "UPDATED_NEW",
      });
      if (settled) tell(claim, "RETRY");
      return settled && Number(settled[reason]);
    },

    async replaceBy(claim, replacedBy) {
      const settled = await settle(claim, {
        // With the next attempt, which no message has: nobody runs the task again.
        set: {
          state: "STARTED",
          attempt: claim.message.attempt + 1,
          replacedBy,
          ...attemptItem(runOf(claim), "replaced"),
          ttl: lifetime.unfinished(claim.message),
        },
        setFrom: { fenceBase: "fence" },
        remove: [...HOLDER, ...RELEASES, "progress"],
      });
      return settled !== undefined;
    },

    progress: async (claim, meta) => (await settle(claim, { set: { progress: toJsonText(meta) } })) !== undefined,

    revokeRunning: async (claim, error) =>
      end(claim, "REVOKED", await values.error(claim.message, error, shownUntil(claim.message))),
  };
}
