import { describeError, TaskRevokedError, WorkflowNotFoundError } from "../errors.ts";
import type { App } from "../task/current-app.ts";
import { endPlace, isTaskNode, nodeAt } from "../workflows/definition.ts";

/**
 * Revokes a workflow, in as many writes whatever its size: what has not begun never runs, what runs sees its signal abort, and the end of
 * it reads REVOKED from now on. One that has ended stays as it is.
 * @throws WorkflowNotFoundError
 */
export async function revokeWorkflow(app: App, id: string): Promise<void> {
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  const place = endPlace(definition.root, "");
  const node = nodeAt(definition.root, place);
  const reason = describeError(new TaskRevokedError(id, "its workflow was revoked"));
  // Dying after this leaves it stopped, and its end open: whatever of it comes next ends it.
  await app.workflows.stop(id, "");
  if (node && isTaskNode(node)) await app.results.requestRevoke(id, reason);
  else await app.workflows.decide({ workflow: id, place }, { state: "REVOKED", error: reason });
}
