/** Sends the members of a group. More than a few are sent by a message of their own, so that its sender may die anywhere. */

import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, InvalidWorkflowError, type TaskError, WorkflowStoppedError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import type { Message } from "../message/message.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import { dispatch } from "../task/submit.ts";
import {
  childPlace,
  type EachNode,
  type GroupNode,
  helperId,
  isEachNode,
  isTaskNode,
  type Place,
} from "../workflows/definition.ts";
import { MAX_MEMBERS } from "../workflows/read-node.ts";
import { failedWith, GROUP } from "./failures.ts";
import { type Flow, type Input, itemOf, type Outcome, type Start } from "./flow.ts";
import { payloadWith } from "./input.ts";
import { groupAt, valueAt } from "./results.ts";

/** The task name of a message that sends members. */
export const FAN_OUT = "lovage.group";

/** So many are sent by whoever comes to the group. */
const FEW = 10;
/** Members that are sent at once: each batch has its shards of the join first, in one call, and the records after it fill theirs. */
const BATCH = 500;

interface Group extends Start {
  node: GroupNode | EachNode;
  place: Place;
}

/** The two steps that a fan-out takes back into the workflow. */
export interface Way {
  start(flow: Flow, place: Place, given: Start): Promise<void>;
  ended(flow: Flow, place: Place, outcome: Outcome): Promise<void>;
}

/** Starts a group, by a message unless it is small. */
export async function sendMembers(flow: Flow, group: Group, way: Way): Promise<void> {
  const { node, input } = group;
  const list = isEachNode(node) ? input?.value : node.group;
  const isSmall = Array.isArray(list) && list.length <= FEW && group.eta === undefined;
  if (isSmall) return fanOut(flow, group, way, { from: 0, mayGoOn: () => true });
  await dispatch(flow.app, fanOutMessage(flow, group, 0));
}

/** The message that sends the members of a group, from one on. */
export function fanOutMessage(flow: Flow, { place, input, parentId, eta }: Omit<Group, "node">, from: number): Message {
  const { app, definition } = flow;
  const { id, rootId, defaults, keepUntil } = definition;
  const wanted = defaults?.queue ?? DEFAULT_QUEUE;
  const parent = parentId ?? definition.parentId;
  return {
    v: 1,
    id: helperId(id, place, `members/${from}`),
    task: FAN_OUT,
    attempt: 1,
    payload: null,
    // On a FIFO queue it would stand among the tasks of some group.
    queue: app.config.queues.includes(wanted) && !app.broker.isFifo(wanted) ? wanted : DEFAULT_QUEUE,
    sentAt: app.clock().toISOString(),
    rootId,
    ...(parent !== undefined && { parentId: parent }),
    ...(eta !== undefined && { eta }),
    keepUntil,
    workflow: { id, place, fanOut: from, ...(input && { input: input.ref }) },
  };
}

/**
 * Sends members from one on, as long as there is time; then a message goes on. Dying anywhere in it repeats it: members that were sent
 * before are sent again under the same ids.
 */
export async function fanOut(
  flow: Flow,
  group: Group,
  way: Way,
  { from, mayGoOn }: { from: number; mayGoOn: () => boolean },
): Promise<void> {
  const { node, place, parentId } = group;
  const { workflows } = flow.app;
  let input = group.input;
  let size = isEachNode(node) ? 0 : node.group.length;
  if (isEachNode(node)) {
    if (input === undefined) throw new Error(`'each' at place '${place}' has no node before it.`);
    const value = input.value ?? (await valueAt(flow, input.ref));
    const refusal = await refusalOf(flow, node, value, from);
    if (refusal || !Array.isArray(value))
      return way.ended(flow, place, await failGroup(flow, place, refusal ?? noList(place, value)));
    input = { ...input, value };
    size = value.length;
    await workflows.setSize(groupAt(flow, place), size);
  }
  if (size === 0) return way.ended(flow, place, { state: "SUCCESS", value: [] });
  for (let first = from; first < size; first += BATCH) {
    if (first > from && !mayGoOn()) return dispatch(flow.app, fanOutMessage(flow, { ...group, eta: undefined }, first));
    if (await workflows.isStopped(flow.definition.id, childPlace(place, first)))
      return endStopped(flow, { place, size }, way);
    const to = Math.min(first + BATCH, size);
    const isNew = await workflows.joins.create(groupAt(flow, place), size, { from: first, to });
    // Another message has sent some of them, as one of a second call with the same key: those that have begun are left alone.
    const known = isNew ? flow : { ...flow, again: true };
    const numbers = Array.from({ length: to - first }, (_, offset) => first + offset);
    const given = input;
    const inputOf = (index: number): Input | undefined => (isEachNode(node) && given ? itemOf(given, index) : given);
    await Promise.all(
      numbers.map((index) => way.start(known, childPlace(place, index), { input: inputOf(index), parentId })),
    );
  }
}

/**
 * Ends a group that was stopped from above before all its members were sent, so that a replay finds it: its own join never empties. One that
 * its own outcome has stopped is ended by the member that decided.
 */
async function endStopped(flow: Flow, { place, size }: { place: Place; size: number }, way: Way): Promise<void> {
  const { app, definition } = flow;
  if (!(await app.workflows.isStopped(definition.id, place))) return;
  // A second message of a group that has ended before.
  if ((await app.workflows.joins.state(groupAt(flow, place), size)).isWhole) return;
  const error = describeError(new WorkflowStoppedError(definition.id));
  const decided = await app.workflows.decide(groupAt(flow, place), { state: "REVOKED", error });
  if (decided.by !== undefined) return;
  return way.ended(flow, place, failedWith("REVOKED", { id: definition.id, task: GROUP, error }));
}

/** Ends a group that cannot be begun. */
export async function failGroup(flow: Flow, place: Place, error: Error): Promise<Outcome> {
  const described = describeError(error);
  await flow.app.workflows.decide(groupAt(flow, place), { state: "FAILURE", error: described });
  const { id } = flow.definition;
  flow.app.log.warn("A group of a workflow could not be begun", { workflow: id, place, error: described });
  return failedWith("FAILURE", { id, task: GROUP, error: described });
}

function noList(place: Place, value: Json): TaskError {
  return new InvalidWorkflowError(place, value, "a list as the result before 'each'");
}

/** Why no member of `each` is sent: before the first one, each item is looked at. */
async function refusalOf(flow: Flow, { each }: EachNode, value: Json, from: number): Promise<TaskError | undefined> {
  if (!Array.isArray(value) || from > 0) return undefined;
  if (value.length > MAX_MEMBERS) {
    return new InvalidWorkflowError("", `${value.length} items in the list before 'each'`, `at most ${MAX_MEMBERS}`);
  }
  const task = isTaskNode(each) ? await flow.tasks.find(each.task) : undefined;
  if (task === undefined || !isTaskNode(each) || payloadVersionOf(each) > task.payloadVersion) return undefined;
  for (const [index, item] of value.entries()) {
    try {
      await task.validate(payloadWith(each, item), payloadVersionOf(each));
    } catch (error) {
      const { message } = describeError(error);
      return new InvalidWorkflowError(`each, item ${index}`, item, `what task '${task.name}' accepts (${message})`);
    }
  }
  return undefined;
}
