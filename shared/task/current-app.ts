import type { AuditTrail } from "../audit/trail.ts";
import type { Broker } from "../broker/broker.ts";
import type { Config } from "../config.ts";
import type { Control } from "../control/decisions.ts";
import type { Failures } from "../failures/groups.ts";
import type { Concurrency } from "../limits/concurrency.ts";
import type { Bursts } from "../limits/debounce.ts";
import type { RateLimiter } from "../limits/rate-limit.ts";
import type { Log } from "../log.ts";
import type { LargeValues } from "../message/large-values.ts";
import type { Ledger } from "../results/once-ledger.ts";
import type { Reservations } from "../results/reservations.ts";
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
  failures: Failures;
  fifoOrder: FifoOrder;
  log: Log;
  clock: () => Date;
  random: () => number;
  newId: () => string;
}

let factory: (() => App) | undefined;
let current: App | undefined;

/** Names the maker of the default app; `shared/app.ts` does so when it is imported. Nothing is built until it is used. */
export function provideApp(make: () => App): void {
  factory = make;
}

/** Puts `app` in the place of the default one, for tests and scripts. */
export function useApp(app: App): void {
  current = app;
}

/** The app that `delay` sends with. */
export function currentApp(): App {
  current ??= factory?.();
  if (current === undefined) throw new Error("No app is set: import tasks through shared/index.ts, or call useApp().");
  return current;
}
