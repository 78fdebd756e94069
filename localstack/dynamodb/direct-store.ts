/**
 * dynalite's store on a shorter way. dynalite wraps each read and write of its database in five promises and a turn of the event
 * loop, and decodes a table's description for each request, which together cost more than the request itself.
 */
import type { Done, Store } from "dynalite/db/index.js";
import { isObject, type JsonObject } from "../json.ts";

export interface DirectStore {
  /** For operations on items: its tables are shared, and must not be changed. */
  readonly store: Store;
  /** The table that is ready, if there is one. @throws DynaliteError */
  table(name: string): JsonObject;
}

/** @param isInMemory whether a write may skip dynalite's own way, which a database on disk needs */
export function directStore(store: Store, isInMemory: boolean): DirectStore {
  readAtOnce(store);
  if (isInMemory) writeAtOnce(store);
  const tables = rememberTables(store);
  const direct: Store = Object.create(store, { getTable: { value: tables } });
  return {
    store: direct,
    table(name) {
      let found: unknown;
      let failure: unknown;
      tables(name, (error, table) => {
        found = table;
        failure = error;
      });
      if (isObject(found)) return found;
      throw failure;
    },
  };
}

/** Both databases can be read without waiting: one is in memory, the other's pages nearly always are. */
function readAtOnce({ db }: Store): void {
  db.get = (key, done) => {
    let value: unknown;
    try {
      value = db.getSync(key);
    } catch (error) {
      done(asClosed(error));
      return;
    }
    done(null, value);
  };
}

function writeAtOnce({ db }: Store): void {
  const prototype: unknown = Object.getPrototypeOf(db);
  const put: unknown = isObject(prototype) ? prototype.put : undefined;
  if (typeof put !== "function") {
    throw new Error("Package 'memory-level' has no usable 'put': expected version 3.1. Run `npm ci`.");
  }
  db.put = (key, value, done) => {
    Promise.resolve(Reflect.apply(put, db, [key, value])).then(
      () => done(null),
      (error: unknown) => done(asClosed(error)),
    );
  };
}

function asClosed(error: unknown): unknown {
  const isClosed = isObject(error) && error.code === "LEVEL_DATABASE_NOT_OPEN";
  return isClosed ? new Error("Database is closed", { cause: error }) : error;
}

/** Reads a table's description once, and again after each write of it. */
function rememberTables(store: Store): (name: string, done: Done) => void {
  const tables = new Map<string, unknown>();
  const { tableDb } = store;
  const { put, del } = tableDb;
  // Before and after: a request that comes while the write is under way reads the old one.
  const forgetting = (name: string, done: Done): Done => {
    tables.delete(name);
    return (...outcome) => {
      tables.delete(name);
      done(...outcome);
    };
  };
  tableDb.put = (name, table, done) => put(name, table, forgetting(name, done));
  tableDb.del = (name, done) => del(name, forgetting(name, done));
  return (name, done) => {
    const known = tables.get(name);
    if (known !== undefined) {
      done(null, known);
      return;
    }
    store.getTable(name, (error, table) => {
      if (!error) tables.set(name, table);
      done(error, table);
    });
  };
}
