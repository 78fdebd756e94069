/** Writes to a record without a claim: ends of tasks that nobody runs, and notes on those that wait. */

import { allOf, type Condition, equal } from "../aws/change.ts";
import type { UpdateOutcome } from "../aws/writes.ts";
import { type StoredError, shortened } from "../errors.ts";
import type { DeliveryId } from "../message/delivery.ts";
import { toJsonText } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { recordKey } from "../table/keys.ts";
import { lastRunItem } from "./attempts.ts";
import { birth } from "./birth.ts";
import { HOLDER, type StoreParts } from "./claims.ts";
import {
  ENDED_BADLY,
  idle,
  MAY_EXPIRE,
  MAY_EXPLAIN,
  NEVER_RECORDED,
  NOT_BEGUN,
  ofContent,
  STARTED,
  WAITING,
} from "./conditions.ts";
import { failureKind } from "./failure-kind.ts";
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
  /** Ends a task that has become a workflow, as that has ended; false if it has ended already. */
  endReplaced(task: Replaced, workflow: string, outcome: ReplacedOutcome): Promise<boolean>;
  /**
   * Lets a task that has failed, or was revoked, wait again, under its own id: for its next attempt, as if it had never been sent, or for the
   * end of the workflow that it has become; false if it is not as `record` says any more.
   */
  reopen(record: StoredRecord, as: "RETRY" | "PENDING" | "STARTED"): Promise<boolean>;
  /**
   * Revokes a task at whatever stage it is: one that waits becomes REVOKED, one that runs is told to stop (if its worker has died,
   * its message ends it), a finished one stays as it is. Answers with the record as it is then; undefined for an unknown id.
   */
  requestRevoke(id: string, error: StoredError): Promise<StoredRecord | undefined>;
}

/** A task that has become a workflow. */
type Replaced = Pick<Message, "id" | "task" | "keepUntil">;

type ReplacedOutcome = { state: "SUCCESS"; resultJson: string } | { state: "FAILURE" | "REVOKED"; error: StoredError };

export function createUnclaimed({ table, clock, lifetime, values, shownUntil, ended, failed }: StoreParts): Unclaimed {
  /** Ends a task that nobody runs, if `when` holds for its record. */
  const end = async (
    state: TaskState,
    message: Message,
    error: StoredError,
    when: Condition,
  ): Promise<UpdateOutcome> => {
    const packed = await values.error(message, error, shownUntil(message));
    const kind = state === "FAILURE" ? failureKind(message.task, error) : undefined;
    const outcome = await table.update({
      key: recordKey(message.id),
      onCreate: { ...birth(message), attempt: message.attempt },
      set: {
        state,
        failureGroup: kind?.fingerprint,
        finishedAt: clock().toISOString(),
        ttl: lifetime.final(message),
        shownUntil: lifetime.shown(message),
        ...packed.set,
      },
      remove: [...HOLDER, "revokeRequestedAt", ...packed.remove],
      when: ofContent(message, when),
    });
    if (outcome.applied && kind) failed({ ...kind, id: message.id, message: error.message });
    if (outcome.applied) ended({ task: message.task, state });
    return outcome;
  };

  const unclaimed: Unclaimed = {
    async failUnclaimed(message, delivery, error) {
      const outcome = await end("FAILURE", message, error, idle({ message, delivery }));
      return { applied: outcome.applied, record: outcome.applied ? undefined : recordIn(outcome.item) };
    },

    async explain(message, why) {
      const outcome = await table.update({
        key: recordKey(message.id),
        onCreate: {
          ...birth(message),
          state: "PENDING",
          attempt: message.attempt,
          ttl: lifetime.unfinished(message),
        },
        // In the record itself, and nothing of it in the bucket, which may be the part that does not answer.
        set: { error: toJsonText(shortened(why)) },
        remove: ["errorRef"],
        when: ofContent(message, MAY_EXPLAIN),
      });
      return outcome.applied;
    },

    failUnsent: async (message, error) => (await end("FAILURE", message, error, NEVER_RECORDED)).applied,

    revoke: async (message, delivery, error) =>
      (await end("REVOKED", message, error, idle({ message, delivery }))).applied,

    expire: async (message, error) => (await end("REVOKED", message, error, MAY_EXPIRE)).applied,

    async replace(id, error) {
      const outcome = await table.update({
        key: recordKey(id),
        // Its time to live stays: its message is still on its way, and must find this record when it comes.
        set: { state: "REVOKED", error: toJsonText(error), finishedAt: clock().toISOString() },
        when: NOT_BEGUN,
        returns: "ALL_NEW",
      });
      if (outcome.applied) ended({ task: toRecord(outcome.attributes).task, state: "REVOKED" });
      return outcome.applied;
    },

    async endReplaced(task, workflow, outcome) {
      const until = shownUntil(task);
      const packed =
        outcome.state === "SUCCESS"
          ? await values.result(task, outcome.resultJson, until)
          : await values.error(task, outcome.error, until);
      const kind = outcome.state === "FAILURE" ? failureKind(task.task, outcome.error) : undefined;
      const end = await table.update({
        key: recordKey(task.id),
        set: {
          state: outcome.state,
          failureGroup: kind?.fingerprint,
          finishedAt: clock().toISOString(),
          ttl: lifetime.final(task),
          shownUntil: lifetime.shown(task),
          ...packed.set,
        },
        remove: ["revokeRequestedAt", ...packed.remove, ...(outcome.state === "SUCCESS" ? ["error", "errorRef"] : [])],
        when: allOf(STARTED, equal("replacedBy", workflow)),
      });
      if (end.applied) ended({ task: task.task, state: outcome.state });
      if (end.applied && outcome.state === "FAILURE" && kind) {
        failed({ ...kind, id: task.id, message: outcome.error.message });
      }
      return end.applied;
    },

    async reopen(record, as) {
      const { id, attempt } = record;
      const now = clock();
      const outcome = await table.update({
        key: recordKey(id),
        set: {
          // The run that has become a workflow is kept since then.
          ...(as !== "STARTED" && lastRunItem(record)),
          state: as,
          attempt: as === "RETRY" ? attempt + 1 : attempt,
          ...(as === "RETRY" && { eta: now.toISOString() }),
          ttl: lifetime.unfinished({}),
        },
        // Crashes of earlier attempts do not count against the next one.
        setFrom: { fenceBase: "fence" },
        remove: [
          "finishedAt",
          "error",
          "errorRef",
          "revokeRequestedAt",
          "shownUntil",
          ...(as === "STARTED" ? [] : ["replacedBy"]),
          "failureGroup",
          ...HOLDER,
        ],
        when: allOf(ENDED_BADLY, equal("attempt", attempt)),
      });
      return outcome.applied;
    },

    async requestRevoke(id, error) {
      const key = recordKey(id);
      const now = clock().toISOString();
      const waiting = await table.update({
        key,
        // Its time to live stays: its message may be far away, and must find this record when it comes.
        set: { state: "REVOKED", error: toJsonText(error), finishedAt: now },
        remove: ["revokeRequestedAt", "errorRef"],
        when: WAITING,
        returns: "ALL_NEW",
      });
      if (waiting.applied) {
        const record = toRecord(waiting.attributes);
        ended({ task: record.task, state: "REVOKED" });
        return record;
      }
      const record = recordIn(waiting.item);
      if (record?.state !== "STARTED") return record;
      const running = await table.update({
        key,
        set: { revokeRequestedAt: now },
        when: STARTED,
        returns: "ALL_NEW",
      });
      // It left STARTED between the two updates: to RETRY, where it now waits, or to its end.
      return running.applied ? toRecord(running.attributes) : unclaimed.requestRevoke(id, error);
    },
  };
  return unclaimed;
}
