/** Multipart uploads that are under way, and their parts, as the store keeps them. */
import type { DatabaseSync } from "node:sqlite";

export interface Part {
  readonly number: number;
  readonly blob: string;
  readonly size: number;
  readonly md5: string;
  readonly modifiedAt: number;
}

export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  /** Given back with the object that it becomes. */
  readonly keptHeaders: Readonly<Record<string, string>>;
  readonly tags: string | undefined;
}

export class Uploads {
  readonly #sql: ReturnType<typeof prepare>;

  constructor(db: DatabaseSync) {
    this.#sql = prepare(db);
  }

  add({ id, bucket, key, keptHeaders, tags }: Upload, now: number): void {
    this.#sql.insert.run(id, bucket, key, JSON.stringify(keptHeaders), tags ?? null, now);
  }

  find(id: string, bucket: string, key: string): Upload | undefined {
    const row = this.#sql.find.get(id, bucket, key);
    if (row === undefined) return undefined;
    const tags = row.tags === null ? undefined : String(row.tags);
    return { id, bucket, key, keptHeaders: JSON.parse(String(row.headers)), tags };
  }

  /** All uploads of a bucket, in the order of their keys and beginnings. */
  list(bucket: string): (Upload & { createdAt: number })[] {
    return this.#sql.list.all(bucket).map((row) => ({
      id: String(row.id),
      bucket,
      key: String(row.key),
      keptHeaders: JSON.parse(String(row.headers)),
      tags: undefined,
      createdAt: Number(row.created),
    }));
  }

  /** Remembers what an upload became: whoever did not hear the answer asks again. */
  complete({ id, bucket, key }: Upload, etag: string, now: number): void {
    this.#sql.complete.run(id, bucket, key, etag, now);
  }

  completed(id: string, bucket: string, key: string): string | undefined {
    const row = this.#sql.completed.get(id, bucket, key);
    return row === undefined ? undefined : String(row.etag);
  }

  /** In the order of their numbers. */
  parts(id: string): Part[] {
    return this.#sql.parts.all(id).map((row) => ({
      number: Number(row.number),
      blob: String(row.blob),
      size: Number(row.size),
      md5: String(row.md5),
      modifiedAt: Number(row.modified),
    }));
  }

  /** Answers with the part that had this number before. */
  putPart(id: string, { number, blob, size, md5, modifiedAt }: Part): Part | undefined {
    const replaced = this.parts(id).find((part) => part.number === number);
    this.#sql.putPart.run(id, number, blob, size, md5, modifiedAt);
    return replaced;
  }

  /** Answers with the blobs of its parts, which nothing names any more. */
  forget(id: string): string[] {
    const blobs = this.parts(id).map((part) => part.blob);
    this.#sql.deleteParts.run(id);
    this.#sql.delete.run(id);
    return blobs;
  }
}

function prepare(db: DatabaseSync) {
  return {
    insert: db.prepare("INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)"),
    find: db.prepare("SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?"),
    list: db.prepare("SELECT * FROM uploads WHERE bucket = ? ORDER BY key, created, id"),
    complete: db.prepare("INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?)"),
    completed: db.prepare("SELECT etag FROM completions WHERE id = ? AND bucket = ? AND key = ?"),
    delete: db.prepare("DELETE FROM uploads WHERE id = ?"),
    parts: db.prepare("SELECT * FROM parts WHERE upload = ? ORDER BY number"),
    putPart: db.prepare("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)"),
    deleteParts: db.prepare("DELETE FROM parts WHERE upload = ?"),
  };
}
