import type { Decisions } from "../control/decisions.ts";
import type { Message } from "../message/message.ts";
import type { App } from "./current-app.ts";

/** Before anything was sent. */
const EVER = new Date(0).toISOString();

/** The decision that has revoked a task among many. A task of a workflow is as old as that: one whose turn comes later is revoked, too. */
export async function revokedBy(
  app: App,
  decisions: Decisions,
  message: Pick<Message, "queue" | "task" | "tags" | "sentAt" | "workflow">,
): Promise<ReturnType<Decisions["revokedBy"]>> {
  const { workflow } = message;
  // A callback tells of the end, so that it comes after a revoke.
  if (workflow === undefined || workflow.callback !== undefined) return decisions.revokedBy(message);
  const oldest = decisions.revokedBy({ ...message, sentAt: EVER });
  if (oldest === undefined) return undefined;
  const asOf = async (maxAgeMilliseconds?: number) => {
    const sentAt = await app.workflows.sentAt(workflow.id, maxAgeMilliseconds);
    return decisions.revokedBy({ ...message, sentAt: sentAt ?? message.sentAt });
  };
  const decided = await asOf();
  // A replay may have let it go on since this process has looked.
  return decided && asOf(0);
}
