/**
 * The way on: a node has ended, and what comes after it is sent. Each step may be repeated: ids are derived, a join is a set, and what was
 * decided stays so. A delivery that finds a record final does all of it again (docs/decisions/0052-joins.md).
 */

import { describeError, InvalidPayloadError, TaskError, WorkflowStoppedError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import { resultText } from "../message/user-values.ts";
import {
  childPlace,
  DEFAULT_POLICY,
  type Definition,
  type EachNode,
  endPlace,
  type GroupNode,
  helperId,
  idAt,
  isChainNode,
  isTaskNode,
  type Node,
  nodeAt,
  type Place,
  parentOf,
} from "../workflows/definition.ts";
import { errorOf, type Failed, failedWith, firstFailure, GROUP, storedError } from "./failures.ts";
import { sendMembers } from "./fan-out.ts";
import { type Flow, type Outcome, outcomeInput, type Start } from "./flow.ts";
import { payloadWith } from "./input.ts";
import { groupAt, judgeWhole, outcomeOf, sizeOf, valueAt } from "./results.ts";
import { baseMessage, failNode, sendNode, unmadeMark } from "./send-node.ts";

/** Starts a node. */
export async function start(flow: Flow, place: Place, given: Start): Promise<void> {
  const { input, parentId, eta } = given;
  const node = nodeAt(flow.definition.root, place);
  if (node === undefined) throw new Error(`Workflow ${flow.definition.id} has nothing at place '${place}'.`);
  if (isChainNode(node)) return start(flow, childPlace(place, 0), given);
  if (!isTaskNode(node)) return sendMembers(flow, { node, place, ...given }, { start, ended });

  const { id } = flow.definition;
  if (flow.again && (await hasBegun(flow, place))) return;
  const isByReference = input !== undefined && input.value === undefined && !node.immutable;
  const call = {
    node,
    id: idAt(flow.definition, place),
    mark: { id, place, ...(isByReference && { input: input.ref }) },
    payload: node.payload,
    parentId,
    eta,
  };
  let failure: Outcome | undefined;
  try {
    const payload = input?.value === undefined ? node.payload : payloadWith(node, input.value);
    failure = await sendNode(flow, { ...call, payload });
  } catch (error) {
    if (!(error instanceof InvalidPayloadError)) throw error;
    failure = await failNode(flow, await baseMessage(flow, call), error, call.mark);
  }
  // Its record says why; what comes after it is told, as after any other failure.
  if (failure) await ended(flow, place, failure);
}

/** Whether the message of a task has come to a worker: then the rest is that one's. One that only waits is sent again. */
async function hasBegun({ app, definition }: Flow, place: Place): Promise<boolean> {
  const record = await app.results.kept(idAt(definition, place));
  return record !== undefined && record.state !== "PENDING";
}

/** Goes on after a node. */
export async function ended(flow: Flow, place: Place, outcome: Outcome): Promise<void> {
  const { root } = flow.definition;
  const node = nodeAt(root, place);
  if (node === undefined) return;
  await callBack(flow, node, place, outcome);
  const above = parentOf(place);
  if (above === undefined) return flow.definition.adds ? addedEnded(flow, outcome) : endReplaced(flow, outcome);
  const parent = nodeAt(root, above.place);
  if (parent === undefined || isTaskNode(parent)) return;
  if (!isChainNode(parent)) {
    return memberEnded(flow, parent, { place: above.place, member: String(above.index) }, outcome);
  }

  if (outcome.state !== "SUCCESS") {
    await endUnreached(flow, parent, above.place, place, outcome);
    return ended(flow, above.place, outcome);
  }
  if (above.index === parent.chain.length - 1) return ended(flow, above.place, outcome);
  // The child of what has come before it, as every task that a task sends.
  const end = endPlace(node, place);
  const sender = isTaskNode(nodeAt(root, end) ?? node) ? idAt(flow.definition, end) : undefined;
  const input = outcomeInput(place, outcome.value);
  return start(flow, childPlace(above.place, above.index + 1), { input, parentId: sender });
}

type Replaces = NonNullable<Definition["replaces"]>;

/** The end of a workflow that a task has become is that task's, and the workflow around it goes on. */
async function endReplaced(flow: Flow, outcome: Outcome): Promise<void> {
  const { app, definition } = flow;
  const { replaces } = definition;
  if (replaces === undefined) return;
  if (outcome.state === "SUCCESS") {
    const value = outcome.value ?? (await valueAt(flow, ""));
    const end = { state: outcome.state, resultJson: resultText(replaces.task, value) };
    await app.results.endReplaced(replaces, definition.id, end);
  } else await app.results.endReplaced(replaces, definition.id, await endOfReplaced(flow, replaces, outcome));
  if (replaces.workflow === undefined) return;
  const around = await app.workflows.read(replaces.workflow.id);
  if (around === undefined) return;
  const record = await app.results.kept(replaces.id);
  // A replay has had it run once more: that run's end counts.
  if (record?.replacedBy !== definition.id) return;
  // The task's record decides, for it may have been revoked meanwhile. Dying before this repeats it all.
  const own = outcomeOf(record);
  if (own) await ended({ ...flow, definition: around }, replaces.workflow.place, own);
}

/** The end of a task whose workflow has not ended well. Where it was stopped with those around it, a replay of one of them brings it back. */
async function endOfReplaced({ app }: Flow, { id, task, workflow }: Replaces, outcome: Failed) {
  const { state } = outcome;
  const isStopped =
    state === "REVOKED" && workflow !== undefined && (await app.workflows.isStopped(workflow.id, workflow.place, 0));
  return { state, error: isStopped ? describeError(new WorkflowStoppedError(id)) : storedError(task, outcome) };
}

/** The end of members that were added: together they are one of the group around them. */
async function addedEnded(flow: Flow, outcome: Outcome): Promise<void> {
  const { adds } = flow.definition;
  const around = adds && (await flow.app.workflows.read(adds.workflow));
  if (adds === undefined || around === undefined) return;
  const node = nodeAt(around.root, adds.place);
  if (node === undefined || isTaskNode(node) || isChainNode(node)) return;
  await memberEnded({ ...flow, definition: around }, node, adds, outcome);
}

async function memberEnded(
  flow: Flow,
  node: GroupNode | EachNode,
  { place, member }: { place: Place; member: string },
  outcome: Outcome,
): Promise<void> {
  const { workflows } = flow.app;
  const { policy = DEFAULT_POLICY } = node;
  const group = groupAt(flow, place);
  const isFailed = outcome.state !== "SUCCESS";
  if (isFailed ? policy === "failFast" : policy === "first") {
    // Decided before the join is told: whoever sees it empty finds this.
    const decision = isFailed
      ? { state: outcome.state, error: storedError(GROUP, outcome), by: member }
      : { state: outcome.state, by: member };
    const decided = await workflows.decide(group, decision);
    if (decided.by === member) {
      await workflows.stop(flow.definition.id, place);
      // Without its value, for `first` has that of one member and not a list.
      await ended(flow, place, isFailed ? outcome : { state: "SUCCESS" });
    }
  }
  const size = await sizeOf(flow, node, place);
  if (size === undefined) throw new Error(`Workflow ${group.workflow} has a member at '${place}', and no list.`);
  const { isWhole } = await workflows.joins.finish(group, size, member, isFailed);
  if (isWhole) await groupEnded(flow, node, place, size);
}

/** All members of a group have ended. */
async function groupEnded(flow: Flow, node: GroupNode | EachNode, place: Place, size: number): Promise<void> {
  const decided = await flow.app.workflows.outcomeOf(groupAt(flow, place));
  // The member that has decided goes on from there, and does so again if its worker dies.
  if (decided?.by !== undefined) return;
  const outcome: Outcome = decided
    ? failedWith("REVOKED", { id: flow.definition.id, task: GROUP, error: decided.error })
    : await judgeWhole(flow, node, place, size);
  await ended(flow, place, outcome);
}

/** Ends the node whose outcome is that of a chain which does not get so far. Steps between are never sent, and read so. */
async function endUnreached(flow: Flow, chain: Node, place: Place, failed: Place, outcome: Failed): Promise<void> {
  const end = endPlace(chain, place);
  const node = nodeAt(flow.definition.root, end);
  if (
    node === undefined ||
    isChainNode(node) ||
    end === endPlace(nodeAt(flow.definition.root, failed) ?? chain, failed)
  )
    return;
  if (!isTaskNode(node)) {
    const state = outcome.state;
    await flow.app.workflows.decide(groupAt(flow, end), { state, error: storedError(GROUP, outcome) });
    return callBack(flow, node, end, outcome);
  }
  // A replay may come to it later, and fail it once more: then it is run by this record.
  const mark = unmadeMark(flow, node, end);
  const message = await baseMessage(flow, { node, id: idAt(flow.definition, end), mark, payload: node.payload });
  const error = errorOf(node.task, outcome);
  if (outcome.state === "REVOKED") await flow.app.results.expire(message, describeError(error));
  else await failNode(flow, message, error, { id: mark.id, place: end });
  const own = { id: message.id, task: node.task, error: describeError(error) };
  await callBack(flow, node, end, failedWith(outcome.state, own));
}

/** Sends the callbacks of a node. Their ids are derived: one that is attached once runs once. */
async function callBack(flow: Flow, node: Node, place: Place, outcome: Outcome): Promise<void> {
  const { id } = flow.definition;
  const isGood = outcome.state === "SUCCESS";
  for (const [index, callback] of (isGood ? (node.link ?? []) : (node.linkError ?? [])).entries()) {
    const part = `${isGood ? "link" : "linkError"}/${index}`;
    const end = endPlace(node, place);
    const isOfTask = isTaskNode(nodeAt(flow.definition.root, end) ?? node);
    const input = isGood ? outcome.value : failedFields(id, outcome);
    const isByReference = input === undefined && !callback.immutable;
    const call = {
      node: callback,
      id: helperId(id, place, part),
      mark: { id, place, callback: part, ...(isByReference && { input: place }) },
      ...(isOfTask && { parentId: idAt(flow.definition, end) }),
    };
    try {
      const payload = input === undefined ? callback.payload : payloadWith(callback, input);
      await sendNode(flow, { ...call, payload });
    } catch (error) {
      // A callback changes no outcome: its own record says what was wrong with it.
      if (!(error instanceof TaskError)) throw error;
      await failNode(flow, await baseMessage(flow, { ...call, payload: callback.payload }), error, call.mark);
    }
  }
}

function failedFields(workflow: string, outcome: Failed): Json {
  return { ...firstFailure(outcome), workflow };
}
