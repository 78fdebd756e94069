/** How a task ends that nobody runs: revoked, too late, replaced, or failed without a run. */

import type { UpdateOutcome } from "../aws/dynamodb.ts";
import { type StoredError, shortened } from "../errors.ts";
import type { DeliveryId } from "../message/delivery.ts";
import { toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { birth } from "./birth.ts";
import { HOLDER, type StoreParts } from "./claims.ts";
import { evidence, IDLE, MAY_EXPIRE, MAY_EXPLAIN, NEVER_RECORDED, NOT_BEGUN, WAITING } from "./conditions.ts";
import { recordKey } from "./keys.ts";
import { recordIn, type StoredRecord, type TaskState, toRecord } from "./record.ts";

export interface Unclaimed {
  /** Ends a task that nobody runs: refused when it is final already, or may be running. */
  failUnclaimed(
    message: Message,
    delivery: DeliveryId,
    error: StoredError,
  ): Promise<{ applied: boolean; record: StoredRecord | undefined }>;
  /** Says on the record of a task that waits why it still does, and makes one where there is none; false if it runs, or has ended. */
  explain(message: Message, why: StoredError): Promise<boolean>;
  /** Records a task that could not be sent as a FAILURE; false if it has a record, for then it was sent after all. */
  failUnsent(message: Message, error: StoredError): Promise<boolean>;
  /** Ends a task that is not running, because it was revoked while it ran. */
  revoke(message: Message, delivery: DeliveryId, error: StoredError): Promise<boolean>;
  /** Ends a task that has never begun, because it came too late. */
  expire(message: Message, error: StoredError): Promise<boolean>;
  /** Ends a task that has never begun, and is known by its id alone; false if it has, or has no record. */
  replace(id: string, error: StoredError): Promise<boolean>;
  /**
   * Revokes a task at whatever stage it is: one that waits becomes REVOKED, one that runs is told to stop (if its worker has died,
   * its message ends it), a finished one stays as it is. Answers with the record as it is then; undefined for an unknown id.
   */
  requestRevoke(id: string, error: StoredError): Promise<StoredRecord | undefined>;
}

export function createUnclaimed({ table, clock, lifetime, large, shownUntil }: StoreParts): Unclaimed {
  /** Ends a task that nobody runs, if `condition` holds for its record. */
  const endUnclaimed = async (
    state: TaskState,
    message: Message,
    delivery: DeliveryId | undefined,
    error: StoredError,
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
        ...evidence(message, delivery),
        attempt: message.attempt,
        now: clock().toISOString(),
        ttl: lifetime.final(message),
        shown: lifetime.shown(message),
      },
    });
  };

  const unclaimed: Unclaimed = {
    async failUnclaimed(message, delivery, error) {
      const outcome = await endUnclaimed("FAILURE", message, delivery, error, IDLE);
      return { applied: outcome.applied, record: outcome.applied ? undefined : recordIn(outcome.item) };
    },

    async explain(message, why) {
      const { set, values } = birth(message);
      const outcome = await table.update({
        key: recordKey(message.id),
        update: `SET ${set.join(", ")}, @state = if_not_exists(@state, :pending), @attempt = if_not_exists(@attempt, :attempt), @error = :error, @ttl = if_not_exists(@ttl, :ttl) REMOVE @errorRef`,
        condition: MAY_EXPLAIN,
        values: {
          ...values,
          ...{ pending: "PENDING", retry: "RETRY", attempt: message.attempt },
          // In the record itself, and nothing of it in the bucket, which may be what does not answer.
          error: toJsonText(shortened(why)),
          ttl: lifetime.unfinished(message),
        },
      });
      return outcome.applied;
    },
    failUnsent: async (message, error) =>
      (await endUnclaimed("FAILURE", message, undefined, error, NEVER_RECORDED)).applied,

    revoke: async (message, delivery, error) => (await endUnclaimed("REVOKED", message, delivery, error, IDLE)).applied,

    expire: async (message, error) => (await endUnclaimed("REVOKED", message, undefined, error, MAY_EXPIRE)).applied,

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
      const record = recordIn(waiting.item);
      if (record?.state !== "STARTED") return record;
      const running = await table.update({
        key,
        update: "SET @revokeRequestedAt = :now",
        condition: "@state = :started",
        values: { started: "STARTED", now },
        returns: "ALL_NEW",
      });
      // It left STARTED between the two updates: to RETRY, where it now waits, or to its end.
      return running.applied ? toRecord(running.attributes) : unclaimed.requestRevoke(id, error);
    },
  };
  return unclaimed;
}
