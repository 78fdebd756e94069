/** Failures of nodes: as errors, as records keep them, and as values that a task gets. */

import { describeError, NO_REASON, type StoredError, WorkflowStepFailedError } from "../errors.ts";
import type { Outcome } from "./flow.ts";

/** Stands for a group where a sentence names a task. */
export const GROUP = "(group)";

/** An outcome that is no success. */
export type Failed = Exclude<Outcome, { state: "SUCCESS" }>;

/** The outcome of one node that has not ended well. */
export function failedWith(state: Failed["state"], { id, task, error = NO_REASON }: OneFailure): Failed {
  return { state, failed: [{ id, task, error }], count: 1 };
}

interface OneFailure {
  id: string;
  task: string;
  error: StoredError | undefined;
}

/** The error of what could not run. */
export function errorOf(task: string, { failed, count }: Pick<Failed, "failed" | "count">): WorkflowStepFailedError {
  return new WorkflowStepFailedError(task, failed, count);
}

/** The failure of a whole, as a record keeps it. */
export function storedError(task: string, outcome: Pick<Failed, "failed" | "count">): StoredError {
  return describeError(errorOf(task, outcome));
}

/** An error as a task gets it. */
export type ErrorValue = { name: string; message: string; code?: string };

/** The first failure of an outcome, as a task gets it. */
export function firstFailure({ failed }: Failed): { id: string; task: string; error: ErrorValue } {
  const { id = "", task = GROUP, error = NO_REASON } = failed[0] ?? {};
  const { name, message, code } = error;
  return { id, task, error: { name, message, ...(code !== undefined && { code }) } };
}
