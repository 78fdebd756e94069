import { AsyncLocalStorage } from "node:async_hooks";
import type { AuditTrail } from "../audit/trail.ts";
import type { Bucket } from "../aws/s3.ts";
import type { Broker } from "../broker/broker.ts";
import type { BulkActs } from "../bulk/acts.ts";
import type { Config } from "../config.ts";
import type { Control } from "../control/decisions.ts";
import type { Counts } from "../counts/counts.ts";
import type { Failures } from "../failures/groups.ts";
import type { Concurrency } from "../limits/concurrency.ts";
import type { Bursts } from "../limits/debounce.ts";
import type { RateLimiter } from "../limits/rate-limit.ts";
import type { Log } from "../log.ts";
import type { Mailer } from "../mail/mailer.ts";
import type { LargeValues } from "../message/large-values.ts";
import type { Reservations } from "../results/idempotency-keys.ts";
import type { Ledger } from "../results/once-ledger.ts";
import type { ResultStore } from "../results/store.ts";
import type { Schedules } from "../schedules/store.ts";
import type { Timers } from "../timers/timers.ts";
import type { Workflows } from "../workflows/store.ts";
import type { FifoOrder } from "./fifo-send-order.ts";

/** Everything that tasks and functions work with. Clock, chance and ids are here so that tests can hold them still. */
export interface App {
  config: Config;
  broker: Broker;
  results: ResultStore;
  timers: Timers;
  schedules: Schedules;
  workflows: Workflows;
  largeValues: LargeValues;
  reservations: Reservations;
  ledger: Ledger;
  rateLimiter: RateLimiter;
  concurrency: Concurrency;
  bursts: Bursts;
  control: Control;
  audit: AuditTrail;
  bulk: BulkActs;
  failures: Failures;
  counts: Counts;
  fifoOrder: FifoOrder;
  /** The bucket of `UPLOADS_BUCKET`: uploads, what tasks make of them, and large values. */
  bucket: Bucket;
  /** In the place of what `MAIL_URL` says, for tests. */
  mailer: Mailer | undefined;
  log: Log;
  clock: () => Date;
  random: () => number;
  newId: () => string;
}

/** Addresses of the copies of this module in this process that have been given an app. */
const GIVEN = Symbol.for("lovage.copies");

let factory: (() => App) | undefined;
let current: App | undefined;
const inside = new AsyncLocalStorage<App>();

/** Names the maker of the default app; `shared/app.ts` does so when it is imported. Nothing is built until it is used. */
export function provideApp(make: () => App): void {
  factory = make;
}

/** Puts `app` in the place of the default one, for tests and scripts. */
export function useApp(app: App): void {
  given().add(import.meta.url);
  current = app;
}

/** Does `work` with `app` as the current one, also behind its pauses, whatever others do meanwhile. */
export function withinApp<T>(app: App, work: () => T): T {
  return inside.run(app, work);
}

/** Makes `app` the current one for the rest of the caller's code, and for what that calls. */
export function enterApp(app: App): void {
  given().add(import.meta.url);
  inside.enterWith(app);
}

/**
 * The app that `delay` sends with.
 * @throws Error where only another copy of Lovage has been given an app: this one would send to AWS in its place
 */
export function currentApp(): App {
  const own = inside.getStore() ?? current;
  if (own !== undefined) return own;
  const [other] = [...given()].filter((copy) => copy !== import.meta.url);
  if (other !== undefined) {
    throw new Error(
      `Lovage is in this process twice: the app was given to ${other}, and the task is of ${import.meta.url}. Expected one copy: let every package depend on one version, and remove the other with npm dedupe.`,
    );
  }
  current = factory?.();
  if (current === undefined) throw new Error("No app is set: import tasks through shared/index.ts, or call useApp().");
  return current;
}

function given(): Set<string> {
  const known: unknown = Reflect.get(globalThis, GIVEN);
  if (known instanceof Set) return known;
  const copies = new Set<string>();
  Reflect.set(globalThis, GIVEN, copies);
  return copies;
}
