/**
 * The task record is the lock. Each function of the store is one conditional update of one item, so that a crash between any two
 * of them leaves a state which the next delivery of the message repairs.
 */

import { equal, NEW } from "../aws/change.ts";
import type { Table } from "../aws/dynamodb.ts";
import type { LargeValues } from "../message/large-values.ts";
import type { Message } from "../message/message.ts";
import { recordKey } from "../table/keys.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import { birth } from "./birth.ts";
import { type Claims, createClaims, type StoreParts } from "./claims.ts";
import { NOT_ENDED, ofContent, RECORDED } from "./conditions.ts";
import { type ListPage, type ListQuery, listTasks } from "./list.ts";
import { isExpired, isFinal, payloadRefOf, recordIn, type StoredRecord, type TaskState, toRecord } from "./record.ts";
import { createLifetime } from "./record-ttl.ts";
import { createUnclaimed, type Unclaimed } from "./unclaimed.ts";
import { createValues, type Values } from "./values.ts";

export interface ResultStore extends Claims, Unclaimed, Arrivals {
  /** Writes the PENDING record, unless there is one: that of a fast worker, or of an earlier send; then that is the answer. */
  pending(message: Message): Promise<StoredRecord | undefined>;
  /** Gives a record that was written before its message the payload that the message has. */
  complement(message: Message): Promise<void>;
  /** Keeps the record of a task whose message goes on waiting; false if it has ended, and the message with it. */
  refresh(message: Message): Promise<boolean>;
  /** Keeps a record, and the large values of one that has ended, until a time, if it would be gone soon. A record that is gone stays so. */
  prolong(id: string, times: { soon: Date; until: Date }): Promise<void>;
  /** Names the task that runs `id` again. A record that is gone by now stays so. */
  replayed(id: string, replayedBy: string): Promise<void>;
  /** The state, by a write that changes nothing: for functions which may write records but not read them. */
  stateOf(id: string): Promise<TaskState | undefined>;
  /** The record, likewise, without its large values. */
  look(id: string): Promise<StoredRecord | undefined>;
  /** The record, read consistently, without its large values; undefined for an unknown or expired id. */
  read(id: string): Promise<StoredRecord | undefined>;
  /** The record, also when it is not shown any more: a workflow reads results until it has ended. */
  kept(id: string): Promise<StoredRecord | undefined>;
  complete: Values["complete"];
  /** A page of the tasks that were sent, newest first. */
  list(query: ListQuery): Promise<ListPage>;
}

export function createResultStore(options: {
  table: Table;
  clock: () => Date;
  largeValues: LargeValues;
  /** Seconds that a final record is shown. */
  resultExpires: () => number;
  /** Told of each failure once it is stored. */
  failed: StoreParts["failed"];
  ended: StoreParts["ended"];
  version: StoreParts["version"];
}): ResultStore {
  const { table, clock, largeValues } = options;
  const lifetime = createLifetime(options);
  const values = createValues({ largeValues });
  const shownUntil = (message: Pick<Message, "keepUntil">): Date => new Date(lifetime.shown(message) * 1000);
  const { ended, failed, version } = options;
  const parts: StoreParts = { table, clock, lifetime, values, shownUntil, ended, failed, version };

  const store: ResultStore = {
    ...createClaims(parts),
    ...createUnclaimed(parts),
    ...createArrivals(parts),

    async pending(message) {
      const outcome = await table.update({
        key: recordKey(message.id),
        set: {
          ...birth(message),
          state: "PENDING",
          attempt: message.attempt,
          eta: message.eta,
          ttl: lifetime.unfinished(message, message.eta),
        },
        // A worker that was faster has written all of it but the state.
        when: NEW,
      });
      return outcome.applied ? undefined : recordIn(outcome.item);
    },

    async complement(message) {
      const { payload, payloadRef, workflow } = birth(message);
      await table.update({
        key: recordKey(message.id),
        set: { payload, payloadRef, workflow },
        remove: [payload === undefined ? "payload" : "payloadRef"],
        when: NOT_ENDED,
      });
    },

    async refresh(message) {
      const outcome = await table.update({
        key: recordKey(message.id),
        set: { ttl: lifetime.unfinished(message), ...payloadRefOf(message) },
        when: ofContent(message, NOT_ENDED),
      });
      // A task that has no record before it starts is not known here.
      return outcome.applied || outcome.item?.state === undefined;
    },

    async prolong(id, { soon, until }) {
      const item = await table.get(recordKey(id));
      const record = recordIn(item);
      const ttl = Math.ceil(until.getTime() / 1000);
      if (item === undefined || record === undefined || Number(item.ttl) * 1000 >= soon.getTime()) return;
      // The payload of one that waits is kept by its message.
      const refs = isFinal(record.state) ? await values.renew(record, until) : {};
      // A change meanwhile says itself how long it is kept, and the next look sees that.
      await table.update({
        key: recordKey(id),
        set: { ttl: Math.max(ttl, Number(item.ttl)), ...refs },
        when: equal("state", record.state),
      });
    },

    async replayed(id, replayedBy) {
      await table.update({ key: recordKey(id), set: { replayedBy }, when: RECORDED });
    },

    stateOf: async (id) => (await store.look(id))?.state,

    async look(id) {
      const outcome = await table.update({ key: recordKey(id), when: RECORDED, returns: "ALL_NEW" });
      return outcome.applied ? toRecord(outcome.attributes) : undefined;
    },

    list: (query) => listTasks(table, clock(), query),

    async read(id) {
      const item = await table.get(recordKey(id));
      // DynamoDB deletes expired items late (within days), so a read must not show them.
      // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
      return item && isExpired(item, clock()) ? undefined : recordIn(item);
    },

    kept: async (id) => recordIn(await table.get(recordKey(id))),

    complete: values.complete,
  };
  return store;
}
