import type { TaskState } from "../results/record.ts";

/** A shape for each state, so that none is told by its colour alone. */
export const SHAPES: Readonly<Record<TaskState, string>> = {
  PENDING: "○",
  STARTED: "◐",
  RETRY: "↻",
  SUCCESS: "●",
  FAILURE: "▲",
  REVOKED: "■",
};
