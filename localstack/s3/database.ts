/** The tables of the local S3, and the statements that its store runs on them. */
import { DatabaseSync } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS settings (
    bucket TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (bucket, name));
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified INTEGER NOT NULL, headers TEXT NOT NULL, checksum TEXT, tags TEXT, parts TEXT, PRIMARY KEY (bucket, key));
  CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT NOT NULL,
    modified INTEGER NOT NULL, PRIMARY KEY (upload, number));
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, headers TEXT NOT NULL, tags TEXT, created INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS completions (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, etag TEXT NOT NULL, completed INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL, since INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS changes (sequence INTEGER PRIMARY KEY AUTOINCREMENT);
`;

/** @param file `:memory:`, or a path */
export function openDatabase(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  // NORMAL: a commit reaches the operating system at once, the disk soon: safe against a killed process, and fast.
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  db.exec(SCHEMA);
  // A directory of an earlier version knows no parts.
  const columns = db.prepare("SELECT name FROM pragma_table_info('objects')").all();
  if (!columns.some(({ name }) => name === "parts")) db.exec("ALTER TABLE objects ADD COLUMN parts TEXT");
  // The rows only counted: what AUTOINCREMENT gave out stays given out.
  db.exec("DELETE FROM changes");
  return db;
}

/** Compiled once. */
export function prepare(db: DatabaseSync) {
  return {
    insertBucket: db.prepare("INSERT OR IGNORE INTO buckets VALUES (?, ?)"),
    bucket: db.prepare("SELECT created FROM buckets WHERE name = ?"),
    buckets: db.prepare("SELECT * FROM buckets ORDER BY name"),
    deleteBucket: db.prepare("DELETE FROM buckets WHERE name = ?"),
    firstKey: db.prepare("SELECT key FROM objects WHERE bucket = ? LIMIT 1"),
    setting: db.prepare("SELECT body FROM settings WHERE bucket = ? AND name = ?"),
    putSetting: db.prepare("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)"),
    deleteSetting: db.prepare("DELETE FROM settings WHERE bucket = ? AND name = ?"),
    deleteSettings: db.prepare("DELETE FROM settings WHERE bucket = ?"),
    object: db.prepare("SELECT * FROM objects WHERE bucket = ? AND key = ?"),
    objectsFrom: db.prepare("SELECT * FROM objects WHERE bucket = ? AND key >= ? ORDER BY key"),
    objectsAfter: db.prepare("SELECT * FROM objects WHERE bucket = ? AND key > ? ORDER BY key"),
    putObject: db.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    setTags: db.prepare("UPDATE objects SET tags = ? WHERE bucket = ? AND key = ?"),
    deleteObject: db.prepare("DELETE FROM objects WHERE bucket = ? AND key = ?"),
    nextSequence: db.prepare("INSERT INTO changes DEFAULT VALUES"),
    blobs: db.prepare("SELECT blob FROM objects UNION SELECT blob FROM parts"),
  };
}
