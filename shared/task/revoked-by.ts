import type { Decisions } from "../control/decisions.ts";
import type { Message } from "../message/message.ts";
import type { App } from "./current-app.ts";

/** Before anything was sent. */
const EVER = new Date(0).toISOString();

/**
 * The decision that has revoked a task among many, under any of its names. A task of a workflow is as old as that: one whose turn comes later is revoked, too.
 */
export async function revokedBy(
  app: App,
  decisions: Decisions,
  message: Pick<Message, "queue" | "task" | "tags" | "sentAt" | "workflow">,
  names: readonly string[] = [message.task],
): Promise<ReturnType<Decisions["revokedBy"]>> {
  const { workflow } = message;
  const revokedIf = (sentAt: string) =>
    names.map((task) => decisions.revokedBy({ ...message, task, sentAt })).find((one) => one !== undefined);
  // A callback tells of the end, so that it comes after a revoke.
  if (workflow === undefined || workflow.callback !== undefined) return revokedIf(message.sentAt);
  if (revokedIf(EVER) === undefined) return undefined;
  const asOf = async (maxAgeMilliseconds?: number) => {
    const sentAt = await app.workflows.sentAt(workflow.id, maxAgeMilliseconds);
    return revokedIf(sentAt ?? message.sentAt);
  };
  const decided = await asOf();
  // A replay may have let it go on since this process has looked.
  return decided && asOf(0);
}
