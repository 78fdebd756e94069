/** What a run does with its task's record: take it, write while it holds it, give it back or end it. */

import { randomUUID } from "node:crypto";
import type { Item, Table } from "../aws/dynamodb.ts";
import { type StoredError, shortened } from "../errors.ts";
import type { DeliveryId } from "../message/delivery.ts";
import { type Json, toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { birth } from "./birth.ts";
import { evidence, MAY_CLAIM, MINE, MINE_UNCLAIMED } from "./conditions.ts";
import { recordKey } from "./keys.ts";
import type { Lifetime } from "./lifetime.ts";
import { payloadRefOf, recordIn, type StoredRecord, type TaskState } from "./record.ts";
import type { Packed, Values } from "./values.ts";

/** The exclusive right to run one attempt; every later write of the run shows its fence. */
export interface Claim {
  message: Message;
  fence: number;
  /** How often this attempt has been started, this time included, if that was asked for. */
  starts: number | undefined;
  /** With false nobody knows that it runs, and others may run it too: `trackStarted: false`. */
  tracked: boolean;
}

/** What a refused claim found. */
export type ClaimOutcome = { claimed: true; claim: Claim } | { claimed: false; record: StoredRecord | undefined };

/** What the store's parts work with. */
export interface StoreParts {
  table: Table;
  clock: () => Date;
  lifetime: Lifetime;
  large: Values;
  /** Until when a task that ends now is shown. */
  shownUntil: (message: Message) => Date;
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
  progress(claim: Claim, meta: Json): Promise<boolean>;
  /** Ends my own run, which a revoke has reached. */
  revokeRunning(claim: Claim, error: StoredError): Promise<boolean>;
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
  returns?: "UPDATED_NEW";
}

/** How often this attempt was given back. */
const RELEASES = "@unsettled, @cutShort, @requeued";

/** Who holds the task, which nobody does when it has ended or waits. */
export const HOLDER = "@functionSeconds, @messageId, @receiveCount, @seenFence, @seenMessage, @seenCount";

export function createClaims({ table, clock, lifetime, large, shownUntil }: StoreParts): Claims {
  /** `update` without its SET and REMOVE, which every settling shares. */
  const settle = async (
    { message, fence, tracked }: Claim,
    { set, remove = [], values, returns }: Settling,
  ): Promise<Item | undefined> => {
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
      ...(returns && { returns }),
    });
    if (outcome.applied) return outcome.attributes;
    return outcome.item?.token === token ? outcome.item : undefined;
  };

  /** Ends a run. Dying between storing a large value and this leaves an object that nobody refers to. */
  const end = async (
    claim: Claim,
    state: TaskState,
    value?: Packed,
    without: readonly string[] = [],
  ): Promise<boolean> => {
    const now = clock().toISOString();
    const settled = await settle(claim, {
      set: [
        "@state = :final, @finishedAt = :now, @ttl = :ttl, @shownUntil = :shown",
        ...(value ? [value.set] : []),
      ].join(", "),
      remove: [HOLDER, RELEASES, "@eta", "@revokeRequestedAt", ...(value ? [value.remove] : []), ...without],
      values: {
        ...{ final: state, now, ttl: lifetime.final(claim.message), shown: lifetime.shown(claim.message) },
        ...value?.values,
      },
    });
    return settled !== undefined;
  };

  /** For a task that runs without a claim: whether its record lets it run. An expired one counts, as it does when the run settles. */
  const look = async (message: Message): Promise<ClaimOutcome> => {
    const record = recordIn(await table.get(recordKey(message.id)));
    const waits = record === undefined || record.state === "PENDING" || record.state === "RETRY";
    if (waits && (record === undefined || record.attempt === message.attempt)) {
      // What the ledger holds was written under the fence of whoever held the task then.
      return { claimed: true, claim: { message, fence: record?.fence ?? 0, starts: undefined, tracked: false } };
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
      const { set, values } = birth(message);
      const now = clock();
      // If the answer to a claim is lost, the SDK's second try is refused; by its token it knows the claim as its own.
      const token = randomUUID();
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET ${set.join(", ")}, @state = :started, @attempt = :attempt, @fence = if_not_exists(@fence, :zero) + :one, @functionSeconds = :functionSeconds, @messageId = :messageId, @receiveCount = :receiveCount, @startedAt = :now, @ttl = :ttl, @token = :token REMOVE @progress`,
        condition: MAY_CLAIM,
        values: {
          ...values,
          started: "STARTED",
          pending: "PENDING",
          retry: "RETRY",
          attempt: message.attempt,
          zero: 0,
          one: 1,
          functionSeconds: Math.ceil(functionSeconds),
          ...evidence(message, delivery),
          token,
          now: now.toISOString(),
          ttl: lifetime.unfinished(message),
        },
        returns: countStarts ? "ALL_NEW" : "UPDATED_NEW",
      });
      if (!outcome.applied && outcome.item?.token !== token) return { claimed: false, record: recordIn(outcome.item) };
      const item = outcome.applied ? outcome.attributes : outcome.item;
      const fence = Number(item?.fence);
      const starts = countStarts ? fence - Number(item?.fenceBase ?? 0) : undefined;
      return { claimed: true, claim: { message, fence, starts, tracked: true } };
    },

    async witness({ id }, { messageId, receiveCount }, fence) {
      await table.update({
        key: recordKey(id),
        update: "SET @seenFence = :fence, @seenMessage = :messageId, @seenCount = :receiveCount",
        condition: MINE,
        values: { fence, messageId, receiveCount, started: "STARTED" },
      });
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
      const packed = await large.error(message, error, new Date(ttl * 1000));
      const settled = await settle(claim, {
        // Whoever ran without a claim does not know how often it was claimed by others.
        set: `@state = :retry, @attempt = :next, @eta = :eta, @fenceBase = if_not_exists(@fence, :zero), @ttl = :ttl, ${packed.set}${message.payloadRef ? ", @payloadRef = :payloadRef" : ""}`,
        remove: [HOLDER, RELEASES, "@progress", packed.remove],
        values: {
          ...packed.values,
          ...payloadRefOf(message),
          ...{ next: message.attempt + 1, eta: eta.toISOString(), ttl, zero: 0 },
        },
      });
      return settled !== undefined;
    },

    fail: async (claim, error) =>
      end(claim, "FAILURE", await large.error(claim.message, error, shownUntil(claim.message))),

    async release(claim, reason, error) {
      const settled = await settle(claim, {
        set: `@state = :retry, @fenceBase = if_not_exists(@fence, :zero), @error = :error, @${reason} = if_not_exists(@${reason}, :zero) + :one`,
        remove: [HOLDER, "@errorRef"],
        // In the record itself: the bucket may be what does not answer.
        values: { error: toJsonText(shortened(error)), zero: 0, one: 1 },
        returns: "UPDATED_NEW",
      });
      return settled && Number(settled[reason]);
    },

    progress: async (claim, meta) => {
      const settled = await settle(claim, { set: "@progress = :progress", values: { progress: toJsonText(meta) } });
      return settled !== undefined;
    },

    revokeRunning: async (claim, error) =>
      end(claim, "REVOKED", await large.error(claim.message, error, shownUntil(claim.message))),
  };
}
