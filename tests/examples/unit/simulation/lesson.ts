import type { SimulatedApp } from "../../../../shared/testing/index.ts";

/** Tasks, and a story with what must hold at its end. */
export interface Told {
  tasks: Readonly<Record<string, unknown>>;
  story: (app: SimulatedApp) => Promise<void>;
}

/** The same work twice: with a fault that was planted, and mended. */
export interface Lesson {
  planted: Told;
  mended: Told;
}

/** Every task may fail a few times: its cloud and its services do. */
export const retry = { maxRetries: 6 };
