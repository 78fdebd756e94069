/**
 * Buckets, objects and their settings on disk: one SQLite file that knows everything, and one file of bytes ("blob") per
 * object, named by a random id. A key never becomes a file name, so no key can leave the directory; and an object is
 * replaced by one transaction, after its bytes are complete, so a torn upload changes nothing.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase, prepare } from "./database.ts";
import { Notices } from "./notices.ts";
import { Uploads } from "./uploads.ts";

export interface Checksum {
  /** `crc32`, `sha256`, … */
  readonly algorithm: string;
  readonly value: string;
}

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  /** The file of bytes, a name in the store's directory. */
  readonly blob: string;
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  readonly modifiedAt: number;
  /** Headers that are given back with the object: content-type, x-amz-meta-…. */
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: Checksum | undefined;
  /** The tagging document, if there is one. */
  readonly tags: string | undefined;
  /** Sizes of the parts that it was made of. */
  readonly parts?: readonly number[] | undefined;
}

/** A change of an object, for those who want to be told. */
export interface ObjectChange {
  /** `ObjectCreated:Put`, … */
  readonly eventName: string;
  readonly bucket: string;
  readonly key: string;
  /** Absent when it was removed. */
  readonly object?: StoredObject;
  /** Grows with every change. */
  readonly sequence: number;
  readonly sourceIp: string;
}

/** Is told of changes. */
export interface ChangeWatcher {
  /** Called inside the transaction of every change: what it writes to the store is kept if and only if the change is. */
  changed(change: ObjectChange): void;
  /** Called when changes are durable. */
  committed(): void;
}

export interface BucketEntry {
  readonly name: string;
  readonly createdAt: number;
}

export class S3Store {
  readonly uploads: Uploads;
  readonly notices: Notices;
  readonly #db: DatabaseSync;
  readonly #watchers: ChangeWatcher[] = [];
  readonly #blobs: string;
  readonly #sql: ReturnType<typeof prepare>;

  /** @param databaseFile `:memory:`, or a file in the directory */
  constructor(directory: string, databaseFile: string) {
    this.#blobs = join(directory, "blobs");
    mkdirSync(this.#blobs, { recursive: true });
    this.#db = openDatabase(databaseFile);
    this.#sql = prepare(this.#db);
    this.uploads = new Uploads(this.#db);
    this.notices = new Notices(this.#db);
    this.#removeStrayBlobs();
  }

  close(): void {
    this.#db.close();
  }

  watch(watcher: ChangeWatcher): void {
    this.#watchers.push(watcher);
  }

  /** A name for bytes to come. */
  newBlob(): string {
    return randomUUID();
  }

  blobPath(blob: string): string {
    return join(this.#blobs, blob);
  }

  removeBlobs(...blobs: string[]): void {
    for (const blob of blobs) rmSync(this.blobPath(blob), { force: true });
  }

  createBucket(name: string, now: number): void {
    this.#sql.insertBucket.run(name, now);
  }

  bucket(name: string): BucketEntry | undefined {
    const row = this.#sql.bucket.get(name);
    return row === undefined ? undefined : { name, createdAt: Number(row.created) };
  }

  buckets(): BucketEntry[] {
    return this.#sql.buckets.all().map((row) => ({ name: String(row.name), createdAt: Number(row.created) }));
  }

  /** Deletes an empty bucket; false if it has objects. */
  deleteBucket(name: string): boolean {
    return this.transaction(() => {
      if (this.#sql.firstKey.get(name) !== undefined) return false;
      this.#sql.deleteSettings.run(name);
      this.#sql.deleteBucket.run(name);
      return true;
    });
  }

  setting(bucket: string, name: string): string | undefined {
    const row = this.#sql.setting.get(bucket, name);
    return row === undefined ? undefined : String(row.body);
  }

  putSetting(bucket: string, name: string, body: string): void {
    this.#sql.putSetting.run(bucket, name, body);
  }

  deleteSetting(bucket: string, name: string): void {
    this.#sql.deleteSetting.run(bucket, name);
  }

  object(bucket: string, key: string): StoredObject | undefined {
    const row = this.#sql.object.get(bucket, key);
    return row === undefined ? undefined : toObject(row);
  }

  /** The objects from `from` on (`after`: without it), in the order of their keys' UTF-8 bytes, as S3 lists them. */
  *objectsFrom(bucket: string, from: string, after: boolean): Generator<StoredObject> {
    for (const row of (after ? this.#sql.objectsAfter : this.#sql.objectsFrom).iterate(bucket, from)) {
      yield toObject(row);
    }
  }

  /**
   * Stores an object in place of the one that has its key, whose bytes are removed.
   * @param check looks at the object to be replaced; what it throws leaves everything as it was
   */
  put(
    object: StoredObject,
    eventName: string,
    sourceIp: string,
    check: (existing: StoredObject | undefined) => void = () => {},
  ): void {
    const { bucket, key, blob, size, etag, modifiedAt, headers, checksum, tags, parts } = object;
    const replaced = this.transaction(() => {
      const existing = this.object(bucket, key);
      check(existing);
      this.#sql.putObject.run(
        ...[bucket, key, blob, size, etag, modifiedAt, JSON.stringify(headers)],
        ...[checksum === undefined ? null : JSON.stringify(checksum), tags ?? null],
        parts === undefined ? null : JSON.stringify(parts),
      );
      this.#changed({ eventName, bucket, key, object, sequence: this.#nextSequence(), sourceIp });
      return existing;
    });
    if (replaced !== undefined) this.removeBlobs(replaced.blob);
    this.#committed();
  }

  setTags(bucket: string, key: string, tags: string | undefined): void {
    this.#sql.setTags.run(tags ?? null, bucket, key);
  }

  /** @param check looks at the object to be deleted; what it throws leaves it as it was */
  delete(
    { bucket, key, sourceIp }: { bucket: string; key: string; sourceIp: string },
    check: (existing: StoredObject | undefined) => void = () => {},
  ): void {
    const deleted = this.transaction(() => {
      const existing = this.object(bucket, key);
      check(existing);
      if (existing !== undefined) {
        this.#sql.deleteObject.run(bucket, key);
        const sequence = this.#nextSequence();
        this.#changed({ eventName: "ObjectRemoved:Delete", bucket, key, sequence, sourceIp });
      }
      return existing;
    });
    if (deleted !== undefined) {
      this.removeBlobs(deleted.blob);
      this.#committed();
    }
  }

  /** All or nothing; a transaction inside a transaction is part of it. */
  transaction<T>(work: () => T): T {
    if (this.#db.isTransaction) return work();
    this.#db.exec("BEGIN");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #changed(change: ObjectChange): void {
    for (const watcher of this.#watchers) watcher.changed(change);
  }

  #committed(): void {
    for (const watcher of this.#watchers) watcher.committed();
  }

  #nextSequence(): number {
    return Number(this.#sql.nextSequence.run().lastInsertRowid);
  }

  /** Blobs of uploads whose process was killed. */
  #removeStrayBlobs(): void {
    const known = new Set(this.#sql.blobs.all().map((row) => String(row.blob)));
    this.removeBlobs(...readdirSync(this.#blobs).filter((blob) => !known.has(blob)));
  }
}

function toObject(row: Record<string, unknown>): StoredObject {
  return {
    bucket: String(row.bucket),
    key: String(row.key),
    blob: String(row.blob),
    size: Number(row.size),
    etag: String(row.etag),
    modifiedAt: Number(row.modified),
    headers: JSON.parse(String(row.headers)),
    checksum: row.checksum === null ? undefined : JSON.parse(String(row.checksum)),
    tags: row.tags === null ? undefined : String(row.tags),
    parts: row.parts === null ? undefined : JSON.parse(String(row.parts)),
  };
}
