/**
 * Writes to LevelDB one batch at a time, and none after one that has failed.
 *
 * LevelDB goes on after a write that the disk refused, on a log that is torn at that place: what it acknowledges then is
 * gone at the next start. So a failure is final for the process; the start after it reads all that was acknowledged before.
 * One at a time, because a write behind the one that fails may succeed before anybody has heard of the failure. Those that
 * arrive meanwhile go together, as LevelDB itself would let them.
 */
import type { Database, DatabaseOperation } from "dynalite/db/index.js";

type Done = (error: unknown) => void;

interface Waiting {
  readonly operations: readonly DatabaseOperation[];
  readonly done: Done;
}

/** @param failed is called once, with the error of the first write that fails; answers the error of all later ones */
export function guardWrites(db: Database, failed: (error: unknown) => Error): void {
  const write = db.batch.bind(db);
  let waiting: Waiting[] = [];
  let isWriting = false;
  let failure: Error | undefined;

  function enqueue(operations: readonly DatabaseOperation[], done: Done): void {
    waiting.push({ operations, done });
    if (!isWriting) writeNext();
  }

  function writeNext(): void {
    const group = waiting;
    waiting = [];
    isWriting = group.length > 0;
    if (!isWriting) return;
    if (failure !== undefined) {
      settle(group, failure);
      return;
    }
    write(
      group.flatMap(({ operations }) => operations),
      (error) => {
        const isClosed = error instanceof Error && error.message === "Database is closed";
        if (error && !isClosed) failure = failed(error);
        settle(group, error ? (failure ?? error) : undefined);
      },
    );
  }

  function settle(group: readonly Waiting[], error: unknown): void {
    for (const { done } of group) setImmediate(done, error);
    setImmediate(writeNext);
  }

  db.put = (key, value, done) => enqueue([{ type: "put", key, value }], done);
  db.del = (key, done) => enqueue([{ type: "del", key }], done);
  db.batch = enqueue;
}
