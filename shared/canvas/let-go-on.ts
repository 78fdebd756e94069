/** The part of a worker that is about workflows: the way on after a task, the members of a group, and the payload that needs results. */

import { describeError, TaskFailedError, WorkflowNotFoundError } from "../errors.ts";
import { NO_DELIVERY } from "../message/delivery.ts";
import { parseJson } from "../message/json.ts";
import type { Message, WorkflowMark } from "../message/message.ts";
import { payloadText } from "../message/user-values.ts";
import { isFinal } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import { isEachNode, isGroupNode, isTaskNode, type Node, nodeAt, type TaskNode } from "../workflows/definition.ts";
import { waitFor } from "./added.ts";
import { failGroup, fanOut } from "./fan-out.ts";
import type { Flow, Input, KnownTasks, Outcome } from "./flow.ts";
import { ended, start } from "./go-on.ts";
import { payloadWith } from "./input.ts";
import { keep } from "./keep.ts";
import { outcomeOf, valueAt } from "./results.ts";
import { revokeWorkflow } from "./revoke.ts";

/** A message that belongs to a workflow. */
export type WorkflowMessage = Message & { workflow: WorkflowMark };

export function isOfWorkflow(message: Message): message is WorkflowMessage {
  return message.workflow !== undefined;
}

/** @throws WorkflowNotFoundError if the definition is gone: its time is over, or it was never written */
async function flowOf(app: App, tasks: KnownTasks, id: string): Promise<Flow> {
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  return { app, tasks, definition };
}

/**
 * Goes on after a task whose record is final.
 * @param resultJson the result of a run that has just succeeded; without it the record is asked how the task ended, and whether it has
 */
export async function letGoOn(
  app: App,
  tasks: KnownTasks,
  message: WorkflowMessage,
  resultJson?: string,
): Promise<void> {
  const { id, place, callback } = message.workflow;
  if (callback !== undefined) return;
  const outcome: Outcome | undefined =
    resultJson === undefined
      ? outcomeOf(await app.results.kept(message.id))
      : { state: "SUCCESS", value: parseJson(resultJson) };
  // It goes on by another message.
  if (outcome === undefined) return;
  const flow = await flowOf(app, tasks, id);
  await ended({ ...flow, again: resultJson === undefined }, place, outcome);
}

/** Sends the members of a group, as a message asks. */
export async function letFanOut(
  app: App,
  tasks: KnownTasks,
  message: WorkflowMessage,
  delivery: { mayGoOn: () => boolean; again: boolean },
): Promise<void> {
  const { id, place, fanOut: from = 0, input, ended: isOver } = message.workflow;
  const flow = { ...(await flowOf(app, tasks, id)), again: delivery.again };
  const node = nodeAt(flow.definition.root, place);
  if (node === undefined || !(isGroupNode(node) || isEachNode(node))) {
    throw new WorkflowNotFoundError(id);
  }
  if (isOver) {
    // No worker could send them, however often it was tried: its own record says so.
    const record = await app.results.kept(message.id);
    if (record === undefined || !isFinal(record.state)) return;
    const error = record.error ?? { name: "Error", message: "its members could not be sent" };
    return ended(flow, place, await failGroup(flow, place, new TaskFailedError(record.id, error)));
  }
  const { begins, schedule } = flow.definition;
  if (begins !== undefined && schedule?.edition !== undefined && message.eta === begins) {
    // It was sent ahead of its time, and whoever has changed its entry since then was told that it does not fire.
    if (!(await app.schedules.stands(schedule.name, schedule.edition, new Date(begins))))
      return revokeWorkflow(app, id);
  }
  if (flow.definition.adds && from === 0 && (await waitFor(app, flow.definition)) !== "waits") {
    app.log.warn("Members that a task has added are not sent, for it has ended without them, or has added too often", {
      workflow: id,
    });
    return revokeWorkflow(app, id);
  }
  const given: Input | undefined = input === undefined ? undefined : { ref: input };
  const { parentId } = message;
  await fanOut(flow, { node, place, input: given, parentId }, { start, ended }, { from, mayGoOn: delivery.mayGoOn });
}

/** Has records kept for longer, as a message asks. */
export async function letKeep(app: App, { workflow }: WorkflowMessage, mayGoOn: () => boolean): Promise<void> {
  const { definition } = await flowOf(app, NO_TASKS, workflow.id);
  // Given up by the dead-letter function: the next task that is late asks again.
  if (!workflow.ended) await keep(app, definition, workflow, mayGoOn);
}

/** Ends a message whose workflow is gone, so that it does not come back for ever. */
export async function endOrphan(app: App, message: WorkflowMessage, error: WorkflowNotFoundError): Promise<void> {
  const described = describeError(error);
  app.log.error("A message belongs to a workflow that is not there", { id: message.id, workflow: message.workflow.id });
  await app.results.failUnclaimed(message, NO_DELIVERY, described);
}

/**
 * The payload of a task, completed with the results that its message names, as JSON text.
 * @throws InvalidPayloadError for results that do not fit beside what is known, PayloadTooLargeError, ValueExpiredError
 */
export async function completePayload(app: App, { workflow, task }: WorkflowMessage, text: string): Promise<string> {
  const { id, place, input, callback } = workflow;
  if (input === undefined) return text;
  const { definition } = await flowOf(app, NO_TASKS, id);
  const node = nodeOf(nodeAt(definition.root, place), callback);
  if (node === undefined) throw new WorkflowNotFoundError(id);
  const value = await valueAt({ app, definition }, input);
  // The fields of the message hold, for a replay may have others; but a message cannot say that nothing is known.
  const known = node.payload === undefined ? {} : { payload: parseJson(text) };
  return payloadText(task, payloadWith({ ...node, ...known }, value));
}

const NO_TASKS: KnownTasks = { find: () => undefined };

/** The signature at a place, or of a callback there, such as `link/0`. */
function nodeOf(node: Node | undefined, callback: string | undefined): TaskNode | undefined {
  if (node === undefined || callback === undefined) return node && isTaskNode(node) ? node : undefined;
  const [kind, index] = callback.split("/");
  return (kind === "link" ? node.link : node.linkError)?.[Number(index)];
}
