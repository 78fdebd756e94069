/** Workflows: what is refused before one is sent, and how a node ends that could not run. */

import { cut, echo } from "../echo.ts";
import { type StoredError, toError } from "../stored-error.ts";
import { MAX_REASON_CHARS, TaskError } from "./base.ts";
import { TaskRevokedError } from "./running.ts";

/** A workflow cannot be sent as it was written; nothing was sent. */
export class InvalidWorkflowError extends TaskError {
  /** The place of what was refused, such as `chain[1].group[0].payload`; empty for the whole. */
  readonly path: string;

  constructor(path: string, value: unknown, expected: string) {
    const where = path === "" ? "Workflow" : `Workflow at '${cut(path, MAX_REASON_CHARS)}'`;
    super("WORKFLOW_INVALID", `${where} has ${echo(value)}: expected ${expected}.`, { path });
    this.path = path;
  }
}

/** No workflow has this id: none was sent, or it has ended long ago. */
export class WorkflowNotFoundError extends TaskError {
  constructor(id: string) {
    super("WORKFLOW_NOT_FOUND", `Workflow '${id}' is unknown: it was never sent, or it has expired.`, { id });
  }
}

/** A newer version of Lovage has stored the definition of a workflow, and this one cannot read it: it waits for a worker that can. */
export class NewerWorkflowError extends TaskError {
  constructor(id: string, reason: string, cause?: unknown) {
    const sentence = `Workflow '${id}' was stored by a newer version of Lovage (${cut(reason, MAX_REASON_CHARS)}), and nothing of it is lost: expected that version. Deploy it.`;
    super("WORKFLOW_NEWER", sentence, { id }, cause);
  }
}

/** A task of a workflow was to run again whose group has ended well without it: nothing waits for it. */
export class WorkflowEndedError extends TaskError {
  constructor(id: string, state: string) {
    super(
      "WORKFLOW_ENDED",
      `Task ${id} is ${state}, and its workflow has gone on without it: expected a task that holds up its workflow. Send it anew, by itself.`,
      { id, state },
    );
  }
}

/** The task was revoked with its group, or with all of its workflow: a replay that heals the group lets it run again. */
export class WorkflowStoppedError extends TaskRevokedError {
  constructor(id: string) {
    super(id, "its workflow was stopped there", "WORKFLOW_STOPPED");
  }
}

/** A node that failed, as those after it name it. */
export interface FailedNode {
  id: string;
  task: string;
  error: StoredError;
}

/** The task could not run, for a step before it, or a member of the group before it, has not ended well. */
export class WorkflowStepFailedError extends TaskError {
  /** The nodes that failed: the first ten. */
  readonly errors: readonly Error[];

  /** @param task the task that could not run */
  constructor(task: string, failed: readonly FailedNode[], count = failed.length) {
    const shown = failed.slice(0, 10);
    const first = shown.map((one) => `'${one.task}' (${one.id}): ${cut(one.error.message, 200)}`).join("; ");
    const more = count > shown.length ? `; and ${count - shown.length} more` : "";
    super(
      "WORKFLOW_STEP_FAILED",
      `Task '${task}' could not run, for a task before it has not ended well: ${first}${more}.`,
      {
        task,
        failed: shown.map(({ id }) => id),
        count,
      },
    );
    this.errors = shown.map(({ error }) => toError(error));
  }
}
