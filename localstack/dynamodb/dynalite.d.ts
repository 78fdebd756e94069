/** The parts of dynalite 4.0.0 (untyped) that the local DynamoDB is built from: its engine, without its HTTP server. */

declare module "dynalite/db/index.js" {
  /** An error to be answered has `statusCode` and `body`; any other is a fault of the engine. */
  export interface DynaliteError extends Error {
    statusCode?: number;
    body?: Record<string, unknown>;
  }

  export type Done = (error: unknown, value?: unknown) => void;

  export type DatabaseOperation = { type: "put"; key: string; value: unknown } | { type: "del"; key: string };

  /** A Level database, with callbacks. */
  export interface Database {
    open(): Promise<void>;
    get(key: string, done: Done): void;
    /** @throws Error with code LEVEL_DATABASE_NOT_OPEN or LEVEL_DECODE_ERROR */
    getSync(key: string): unknown;
    put(key: string, value: unknown, done: (error: unknown) => void): void;
    del(key: string, done: (error: unknown) => void): void;
    batch(operations: readonly DatabaseOperation[], done: (error: unknown) => void): void;
  }

  /** The items of one table, or the entries of one index. */
  export interface SubDatabase {
    /** `release` makes a callback end the lock. */
    lock(key: string, work: (release: (done: Done) => Done) => void): void;
    get(key: string, done: Done): void;
    put(key: string, value: unknown, done: Done): void;
    /** Stands still after some keys unless it is read by its events. */
    createKeyStream(options: object): NodeJS.ReadableStream;
  }

  export interface Store {
    readonly db: Database;
    /** Answers of DescribeTable, by table name. */
    readonly tableDb: {
      readonly awsAccountId: string;
      readonly awsRegion: string;
      get(name: string, done: Done): void;
      put(name: string, table: object, done: Done): void;
      del(name: string, done: Done): void;
    };
    getItemDb(table: string): SubDatabase;
    getIndexDb(kind: "Global" | "Local", table: string, index: string): SubDatabase;
    deleteIndexDb(kind: "Global" | "Local", table: string, index: string, done: Done): void;
    /** A table that is ready. */
    getTable(name: string, done: Done): void;
    readonly lifecycleManager: { gracefulClose(): Promise<void> };
  }

  interface Db {
    create(options: { path?: string; createTableMs?: number; deleteTableMs?: number; updateTableMs?: number }): Store;
    /** Called by every conditional write, under the item's lock. */
    checkConditional(
      data: Record<string, unknown>,
      existingItem: Record<string, unknown> | undefined,
    ): DynaliteError | null | undefined;
    /** Called by whatever reads or writes one item and succeeds: with the item that was read, or those before and after. */
    addConsumedCapacity(
      data: Record<string, unknown>,
      isRead: boolean,
      item: Record<string, unknown> | undefined,
      other?: Record<string, unknown>,
    ): { CapacityUnits: number } | undefined;
    capacityUnits(item: Record<string, unknown> | undefined, isRead: boolean, isConsistent: boolean): number;
    /** Bytes. A text counts by its UTF-16 units, which is right for ASCII. */
    itemSize(item: Record<string, unknown>): number;
    compare(operator: string, value: unknown, others: unknown): boolean;
    validationError(message: string): DynaliteError;
    createKey(item: Record<string, unknown>, table: Record<string, unknown>, keySchema?: unknown): string;
    validateKey(
      key: Record<string, unknown>,
      table: Record<string, unknown>,
      keySchema?: unknown,
    ): Error | null | undefined;
    validateItem(item: Record<string, unknown>, table: Record<string, unknown>): Error | null | undefined;
    updateIndexes(
      store: Store,
      table: Record<string, unknown>,
      existing: Record<string, unknown> | undefined,
      item: Record<string, unknown> | null | undefined,
      done: Done,
    ): void;
    getIndexActions(
      indexes: readonly Record<string, unknown>[],
      existing: Record<string, unknown> | undefined,
      item: Record<string, unknown>,
      table: Record<string, unknown>,
    ): { puts: { index: string; key: string; item: unknown }[] };
    /** Query and Scan. */
    queryTable(
      store: Store,
      table: object,
      data: Record<string, unknown>,
      options: object,
      isLocal: boolean,
      fetchFromItemDb: boolean,
      startKeyNames: string[],
      done: Done,
    ): void;
  }

  const db: Db;
  export default db;
}

declare module "dynalite/validations/index.js" {
  interface Validations {
    checkTypes(data: Record<string, unknown>, types: object): Record<string, unknown>;
    /** The fault of an AttributeValue. Writes its numbers in their shortest form. */
    validateAttributeValue(value: Record<string, unknown>): string | undefined;
    /** The fault of conditions by name, as in `ScanFilter`. */
    validateConditions(conditions: unknown): string | undefined;
  }

  const validations: Validations;
  export default validations;
}

declare module "dynalite/db/conditionParser.js" {
  const parser: import("./expression-cache.ts").Parser;
  export default parser;
}

declare module "dynalite/db/projectionParser.js" {
  const parser: import("./expression-cache.ts").Parser;
  export default parser;
}

declare module "dynalite/db/updateParser.js" {
  const parser: import("./expression-cache.ts").Parser;
  export default parser;
}
