/**
 * Keeps queues and messages on disk, written through: what an answer acknowledges survives SIGKILL.
 *
 * fauxqs calls these methods as each thing happens. Its own implementation cannot be used: it is not exported, it refuses
 * ChangeMessageVisibility(0) (it writes NULL into a NOT NULL column), and it moves a message to the dead-letter queue in two
 * commits. Here all writes of one request are one transaction, which `commit` ends before the answer leaves.
 *
 * A write that fails leaves memory ahead of the disk: a queue that exists only in memory would take messages that a restart
 * loses. So nothing is written after it, and nothing may be answered but the failure.
 */
import { DatabaseSync } from "node:sqlite";
import { storageFailure } from "../data-folder.ts";
import { DEDUPLICATION_MILLISECONDS, restoreDeduplication, storedDeduplication } from "./deduplication.ts";
import type { Message, Queue, QueueStore } from "./fauxqs.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, arn TEXT NOT NULL, attributes TEXT NOT NULL, tags TEXT NOT NULL,
    created INTEGER NOT NULL, modified INTEGER NOT NULL, sequence INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, queue TEXT NOT NULL, message TEXT NOT NULL,
    receives INTEGER NOT NULL, first_received INTEGER, receipt TEXT, visible_at INTEGER);
  CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, position);
  CREATE TABLE IF NOT EXISTS deduplications (
    queue TEXT NOT NULL, dedup TEXT NOT NULL, id TEXT NOT NULL, sequence TEXT, sent INTEGER NOT NULL,
    PRIMARY KEY (queue, dedup));
`;

export class QueueJournal {
  readonly #db: DatabaseSync;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #file: string;
  #writing = false;
  #failure: string | undefined;

  constructor(file: string) {
    this.#file = file;
    this.#db = new DatabaseSync(file);
    // NORMAL: a commit reaches the operating system at once, the disk soon: safe against a killed process, and fast.
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.#db.exec(SCHEMA);
    this.#sql = prepare(this.#db);
  }

  insertQueue(queue: Queue): void {
    this.#write(() => {
      const { name, arn, attributes, tags, createdTimestamp, lastModifiedTimestamp, sequenceCounter } = queue;
      this.#sql.insertQueue.run(
        ...[name, arn, JSON.stringify(attributes), JSON.stringify(Object.fromEntries(tags))],
        ...[createdTimestamp, lastModifiedTimestamp, sequenceCounter],
      );
    });
  }

  deleteQueue(name: string): void {
    this.#write(() => {
      this.#sql.deleteQueue.run(name);
      this.#sql.deleteQueueMessages.run(name);
      this.#sql.deleteDeduplications.run(name);
    });
  }

  updateQueueAttributes(name: string, attributes: Record<string, string>, modified: number): void {
    this.#write(() => {
      this.#sql.updateAttributes.run(JSON.stringify(attributes), modified, name);
    });
  }

  updateQueueSequenceCounter(name: string, sequence: number): void {
    this.#write(() => {
      this.#sql.updateSequence.run(sequence, name);
    });
  }

  insertMessage(queue: string, message: Message): void {
    this.#write(() => {
      const { messageId: id, messageDeduplicationId: dedup, sequenceNumber, sentTimestamp } = message;
      const { approximateReceiveCount, approximateFirstReceiveTimestamp } = message;
      const first = approximateFirstReceiveTimestamp ?? null;
      this.#sql.insertMessage.run(id, queue, JSON.stringify(message), approximateReceiveCount, first);
      if (dedup !== undefined) {
        this.#sql.insertDeduplication.run(
          queue,
          storedDeduplication(message),
          id,
          sequenceNumber ?? null,
          sentTimestamp,
        );
      }
    });
  }

  deleteMessage(id: string): void {
    this.#write(() => {
      this.#sql.deleteMessage.run(id);
    });
  }

  updateMessageInflight(id: string, receipt: string, visibleAt: number, receives: number, first?: number): void {
    this.#write(() => {
      this.#sql.updateInFlight.run(receipt, visibleAt, receives, first ?? null, id);
    });
  }

  updateMessageReady(id: string): void {
    this.#write(() => {
      this.#sql.updateReady.run(id);
    });
  }

  deleteQueueMessages(queue: string): void {
    this.#write(() => {
      this.#sql.deleteQueueMessages.run(queue);
    });
  }

  /** Tells why nothing is stored any more; undefined while all is well. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Makes all writes since the last commit durable. Throws if they could not be written: then nothing may be acknowledged. */
  commit(): void {
    if (!this.#writing) return;
    this.#writing = false;
    try {
      this.#db.exec("COMMIT");
    } catch (error) {
      throw this.#fail(error);
    }
  }

  close(): void {
    this.commit();
    this.#db.close();
  }

  /** Fills an empty store with what an earlier run left, and then keeps it. */
  restore(store: QueueStore, urlOf: (name: string) => string, now: number): void {
    this.#sql.forgetDeduplications.run(now - DEDUPLICATION_MILLISECONDS);
    for (const row of this.#sql.queues.all()) {
      const name = String(row.name);
      const attributes: Record<string, string> = JSON.parse(String(row.attributes));
      const tags: Record<string, string> = JSON.parse(String(row.tags));
      const queue = store.createQueue(name, urlOf(name), String(row.arn), attributes, tags);
      Object.assign(queue, {
        createdTimestamp: Number(row.created),
        lastModifiedTimestamp: Number(row.modified),
        sequenceCounter: Number(row.sequence),
        persistence: this,
      });
      this.#restoreMessages(queue, now);
    }
    Object.assign(store, { persistence: this });
  }

  #restoreMessages(queue: Queue, now: number): void {
    for (const row of this.#sql.deduplications.all(queue.name)) {
      const sequenceNumber = row.sequence === null ? undefined : String(row.sequence);
      const sent = { messageId: String(row.id), sequenceNumber, sentAt: Number(row.sent) };
      restoreDeduplication(queue, String(row.dedup), sent, now);
    }
    for (const row of this.#sql.messages.all(queue.name)) {
      const message: Message = JSON.parse(String(row.message));
      message.approximateReceiveCount = Number(row.receives);
      if (row.first_received !== null) message.approximateFirstReceiveTimestamp = Number(row.first_received);
      const visibleAt = Number(row.visible_at ?? 0);
      if (visibleAt > now) {
        restoreInFlight(queue, message, String(row.receipt), visibleAt);
      } else {
        restoreWaiting(queue, message, now);
      }
    }
  }

  #write(work: () => void): void {
    if (this.#failure !== undefined) throw new Error(this.#failure);
    try {
      if (!this.#writing) this.#db.exec("BEGIN");
      this.#writing = true;
      work();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #fail(error: unknown): Error {
    this.#failure ??= storageFailure(error, this.#file);
    this.#writing = false;
    // SQLite has rolled back by itself if the disk is full.
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    return new Error(this.#failure, { cause: error });
  }
}

function restoreInFlight(queue: Queue, message: Message, receiptHandle: string, visibilityDeadline: number): void {
  queue.inflightMessages.set(receiptHandle, { message, receiptHandle, visibilityDeadline });
  const group = message.messageGroupId;
  if (queue.isFifo() && group !== undefined) {
    queue.fifoLockedGroups.set(group, (queue.fifoLockedGroups.get(group) ?? 0) + 1);
  }
}

function restoreWaiting(queue: Queue, message: Message, now: number): void {
  const delayed = (message.delayUntil ?? 0) > now;
  if (!queue.isFifo()) {
    (delayed ? queue.delayedMessages : queue.messages).push(message);
    return;
  }
  const groups = delayed ? queue.fifoDelayed : queue.fifoMessages;
  const groupId = message.messageGroupId ?? "";
  const group = groups.get(groupId) ?? [];
  group.push(message);
  groups.set(groupId, group);
}

function prepare(db: DatabaseSync) {
  return {
    insertQueue: db.prepare("INSERT OR REPLACE INTO queues VALUES (?, ?, ?, ?, ?, ?, ?)"),
    deleteQueue: db.prepare("DELETE FROM queues WHERE name = ?"),
    updateAttributes: db.prepare("UPDATE queues SET attributes = ?, modified = ? WHERE name = ?"),
    updateSequence: db.prepare("UPDATE queues SET sequence = ? WHERE name = ?"),
    queues: db.prepare("SELECT * FROM queues ORDER BY name"),
    insertMessage: db.prepare(
      "INSERT OR REPLACE INTO messages (id, queue, message, receives, first_received) VALUES (?, ?, ?, ?, ?)",
    ),
    deleteMessage: db.prepare("DELETE FROM messages WHERE id = ?"),
    deleteQueueMessages: db.prepare("DELETE FROM messages WHERE queue = ?"),
    updateInFlight: db.prepare(
      "UPDATE messages SET receipt = ?, visible_at = ?, receives = ?, first_received = ? WHERE id = ?",
    ),
    updateReady: db.prepare("UPDATE messages SET receipt = NULL, visible_at = NULL WHERE id = ?"),
    messages: db.prepare("SELECT * FROM messages WHERE queue = ? ORDER BY position"),
    insertDeduplication: db.prepare("INSERT OR REPLACE INTO deduplications VALUES (?, ?, ?, ?, ?)"),
    deleteDeduplications: db.prepare("DELETE FROM deduplications WHERE queue = ?"),
    forgetDeduplications: db.prepare("DELETE FROM deduplications WHERE sent < ?"),
    deduplications: db.prepare("SELECT * FROM deduplications WHERE queue = ? ORDER BY sent"),
  };
}
