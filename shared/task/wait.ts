/** Waiting for a record, or for all of a workflow, to end. */

import { setTimeout as wait } from "node:timers/promises";
import { InvalidOptionError, SyncSubtaskError } from "../errors.ts";
import { currentRun } from "./context.ts";

/** Milliseconds between two looks: short at first, since most tasks are quick, then longer. */
const FIRST_LOOK = 5;
const LONGEST_LOOK = 500;

const TIMEOUT_SECONDS = 60;

/** Options of a call that waits. */
export interface GetOptions {
  /** Seconds to wait. @defaultValue 60 */
  timeout?: number;
  /** With false it waits inside a task, too, where enough workers are sure to be free. */
  disableSyncSubtasks?: boolean;
}

/** The seconds that a call may wait for `id`. @throws SyncSubtaskError inside a task; InvalidOptionError for a time below 0 */
export function timeoutOf(id: string, { timeout = TIMEOUT_SECONDS, disableSyncSubtasks }: GetOptions): number {
  const run = currentRun();
  if (run && disableSyncSubtasks !== false) throw new SyncSubtaskError(id, run.context.id);
  if (!(timeout >= 0)) throw new InvalidOptionError("timeout", timeout, "0 or more seconds");
  return timeout;
}

/** Looks until there is enough, or `timeoutSeconds` have passed, and answers with what was seen last. */
export async function waitUntil<T>(
  look: () => Promise<T>,
  isEnough: (seen: T) => boolean,
  timeoutSeconds: number,
): Promise<T> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  for (const pause of pauses()) {
    const seen = await look();
    const left = deadline - performance.now();
    if (isEnough(seen) || left <= 0) return seen;
    await wait(Math.min(pause, left));
  }
  return look();
}

/** Milliseconds from one look to the next, without end. */
export function* pauses(): Generator<number, void> {
  for (let pause = FIRST_LOOK; ; pause = Math.min(LONGEST_LOOK, pause * 1.5)) yield pause;
}
