/** Event messages that wait to be sent to their queues, as the store keeps them. */
import type { DatabaseSync } from "node:sqlite";

export interface Notice {
  readonly id: number;
  readonly queueArn: string;
  readonly body: string;
  /** When it was written down, in milliseconds since the epoch. */
  readonly since: number;
}

export class Notices {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db);
  }

  add(queueArn: string, body: string, now: number): void {
    this.#sql.insert.run(queueArn, body, now);
  }

  /** The first `count` that are for none of these queues. */
  oldest(count: number, exceptFor: readonly string[]): Notice[] {
    return this.#sql.oldest.all(JSON.stringify(exceptFor), count).map((row) => ({
      id: Number(row.id),
      queueArn: String(row.queue),
      body: String(row.body),
      since: Number(row.since),
    }));
  }

  remove(id: number): void {
    this.#sql.remove.run(id);
  }
}

function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare("INSERT INTO notices (queue, body, since) VALUES (?, ?, ?)"),
    oldest: db.prepare("SELECT * FROM notices WHERE queue NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?"),
    remove: db.prepare("DELETE FROM notices WHERE id = ?"),
  };
}
