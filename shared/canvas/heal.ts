/**
 * Replaying a task of a workflow heals the workflow in place: the task runs again under its own id, and all that was held up by its failure
 * waits again: the group that it failed, members that were revoked with it, the tasks after it. Each step may be repeated; the task itself is
 * let go last, so that a call that breaks off is made again.
 */

import { DEFAULT_QUEUE } from "../config.ts";
import {
  type ErrorCode,
  type StoredError,
  TaskUnfinishedError,
  WorkflowEndedError,
  WorkflowNotFoundError,
} from "../errors.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import type { Registry } from "../task/registry.ts";
import { payloadOf, type Replay, replay, replayId } from "../task/replay.ts";
import type { CanvasOptions } from "../task/signature.ts";
import { dispatch, type Sent } from "../task/submit.ts";
import {
  childPlace,
  type EachNode,
  endPlace,
  type GroupId,
  type GroupNode,
  idAt,
  inputBefore,
  isAdded,
  isChainNode,
  isTaskNode,
  isWithin,
  type Node,
  nodeAt,
  type Place,
  type TaskNode,
} from "../workflows/definition.ts";
import { readNode, readStoredNode } from "../workflows/read-node.ts";
import { fanOutMessage } from "./fan-out.ts";
import type { Flow } from "./flow.ts";
import { ended } from "./go-on.ts";
import { addedAs, addedId, groupAt, outcomeAt, sizeOf } from "./results.ts";
import { withVersions } from "./secrets.ts";
import { type Firing, sendFiring, WORKFLOW } from "./send.ts";
import { sendNode } from "./send-node.ts";

/** Members that are looked at together. */
const PAGE = 100;

/** No place of a workflow: the task that is replayed is not in this one. */
const ELSEWHERE = "-";

/** Of a task that was revoked with its group. */
const STOPPED: ErrorCode = "WORKFLOW_STOPPED";

interface Healing extends Work {
  flow: Flow;
  /** Undefined: whatever has failed is to run again. */
  target: Place | undefined;
  /** The place of the task that is replayed: groups on the way to it may wait for their members still. */
  way: Place;
  /** The task that has become the workflow which heals, or that workflow itself if its members were added: it goes on. */
  within?: string;
}

/** All that is to be done once nothing stands in its way, in this workflow and in those around it. */
interface Work {
  /** The tasks that run again. */
  runs: Run[];
  /** Groups whose members were not all sent. */
  unsent: { flow: Flow; node: GroupNode | EachNode; place: Place; from: number }[];
  /** The tasks that have become a workflow which goes on. */
  become: StoredRecord[];
}

interface Run {
  flow: Flow;
  node: TaskNode;
  place: Place;
  record: StoredRecord;
}

/**
 * Runs a task that has ended once more: one of a workflow in its place, any other as a new task. Another payload keeps the secrets of the old
 * one where it says `[secret]`. @throws as `replay` does
 */
export async function replayOrHeal(
  app: App,
  registry: Registry,
  old: StoredRecord,
  change: Replay = {},
): Promise<Sent> {
  if (old.task === WORKFLOW && old.schedule)
    return fireAgain(app, registry, { ...old, schedule: old.schedule }, change);
  const { payload: given } = change;
  const { secrets } = registry.get(old.task);
  const payload = given === undefined ? undefined : await secrets.restore(given, () => payloadOf(app, old));
  const edited = payload === undefined ? change : { ...change, payload };
  return old.workflow === undefined ? replay(app, registry, old, edited) : heal(app, registry, old, edited);
}

/** Sends the workflow of a firing that could not be sent, or another in its place, under an id of its own: the same for whoever asks. */
async function fireAgain(
  app: App,
  registry: Registry,
  old: StoredRecord & Pick<Firing, "schedule">,
  { payload, eta }: Replay,
): Promise<Sent> {
  const { queue, tags, headers, schedule } = old;
  const root =
    payload === undefined
      ? readStoredNode(await payloadOf(app, old))
      : withVersions(registry, readNode(payload), "first");
  const options: CanvasOptions = {
    ...(queue !== DEFAULT_QUEUE && app.config.queues.includes(queue) && { queue }),
    ...(tags && { tags }),
    ...(headers && { headers }),
    ...(eta && { eta }),
  };
  return sendFiring(app, registry, root, { options, id: replayId(old, payload), schedule });
}

/**
 * @throws WorkflowNotFoundError, TaskUnfinishedError for a task that has not ended, or has ended well, WorkflowEndedError for one that nothing
 * waits for; ValueExpiredError
 */
async function heal(app: App, registry: Registry, old: StoredRecord, change: Replay): Promise<Sent> {
  const { id, place } = old.workflow ?? { id: old.id, place: "" };
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  const flow: Flow = { app, tasks: registry, definition };
  // With RETRY, an earlier call may have died before it sent the message.
  if (old.state !== "FAILURE" && old.state !== "REVOKED" && old.state !== "RETRY") {
    throw new TaskUnfinishedError(old.id, old.state);
  }

  const work: Work = { runs: [], unsent: [], become: [] };
  // A task that could not run has failed by others: those run again.
  await healWorkflow(flow, old.error?.code === "WORKFLOW_STEP_FAILED" ? undefined : place, work, { way: place });
  // Before anything of their workflows runs: the end of one finds its task waiting for it.
  for (const record of work.become) if (isFinal(record.state)) await app.results.reopen(record, "STARTED");
  for (const { flow: of, ...group } of work.unsent) {
    const ref = inputBefore(of.definition.root, group.place);
    const input = ref === undefined ? undefined : { ref };
    await dispatch(app, fanOutMessage(of, { ...group, input }, group.from));
  }
  // The task itself last: once it runs, a repeated call is refused.
  const isOwn = ({ record }: Run): boolean => record.id === old.id;
  for (const one of work.runs.toSorted((a, b) => Number(isOwn(a)) - Number(isOwn(b)))) {
    const again = isOwn(one) ? change : {};
    if (!isFinal(one.record.state)) await run(one, again);
    else {
      // It may become another workflow; nothing more of the one that it has become is wanted.
      if (one.record.replacedBy !== undefined) await app.workflows.stop(one.record.replacedBy, "");
      // Dying after this leaves a record that waits for its message: the call is repeated, and sends it.
      if (await app.results.reopen(one.record, "RETRY"))
        await run({ ...one, record: { ...one.record, attempt: one.record.attempt + 1 } }, again);
    }
  }
  const state = (await app.results.stateOf(old.id)) ?? "RETRY";
  // A group that bears failures has ended well, or another member was the first.
  if (isFinal(state) && work.runs.length === 0 && work.unsent.length === 0) throw new WorkflowEndedError(old.id, state);
  return { id: old.id, state };
}

/** Lets a workflow wait again, and those that stand around it: the task that has become it waits for its end. */
async function healWorkflow(
  flow: Flow,
  target: Place | undefined,
  work: Work,
  { way, within }: Pick<Healing, "way" | "within">,
): Promise<void> {
  const { app, definition } = flow;
  const { id, root, replaces, adds } = definition;
  // All of a whole that somebody has revoked runs again; of a group that has failed fast, what was revoked with it.
  const isRevoked = await app.workflows.isRevoked(id);
  const healing = {
    ...work,
    flow,
    way,
    target: isRevoked ? undefined : target,
    ...(within !== undefined && { within }),
  };
  await app.workflows.goOn(id, "");
  await reopen(healing, root, "");
  if (adds) {
    const around = await app.workflows.read(adds.workflow);
    const above = childPlace(adds.place, adds.member);
    if (around) await healWorkflow({ ...flow, definition: around }, above, work, { way: above, within: id });
    return;
  }
  const task = replaces && (await app.results.kept(replaces.id));
  // It may have ended well without this, or have run once more.
  if (task === undefined || task.replacedBy !== id || task.state === "SUCCESS") return;
  const around = replaces?.workflow && (await app.workflows.read(replaces.workflow.id));
  if (replaces?.workflow === undefined || around === undefined) return void work.become.push(task);
  const { place: above } = replaces.workflow;
  await healWorkflow({ ...flow, definition: around }, above, work, { way: above, within: task.id });
}

/** Lets a node that has not ended well wait again, and notes the tasks in it that are to run; false if there are none. */
async function reopen(healing: Healing, node: Node, place: Place): Promise<boolean> {
  const { flow } = healing;
  if ((await outcomeAt(flow, place))?.state === "SUCCESS") return false;
  if (isTaskNode(node)) return reopenTask(healing, node, place);
  if (!isChainNode(node)) return reopenGroup(healing, node, place);
  for (const [index, step] of node.chain.entries()) {
    const at = childPlace(place, index);
    if ((await outcomeAt(flow, at))?.state === "SUCCESS") continue;
    const isHealed = await reopen(healing, step, at);
    if (isHealed && endPlace(step, at) !== endPlace(node, place)) await reopenEnd(flow, node, place);
    return isHealed;
  }
  return false;
}

async function reopenTask(healing: Healing, node: TaskNode, place: Place): Promise<boolean> {
  const { flow, target, runs } = healing;
  const record = await flow.app.results.kept(idAt(flow.definition, place));
  if (record === undefined) return false;
  if (record.id === healing.within) {
    healing.become.push(record);
    return true;
  }
  if (!isFinal(record.state)) {
    // It waits or runs already; one that is due may lack its message, and a second one of the same attempt is harmless.
    const isDue = record.state === "RETRY" && Date.parse(record.eta ?? "") <= flow.app.clock().getTime();
    if (isDue) runs.push({ flow, node, place, record });
    return true;
  }
  const isStopped = record.error?.code === STOPPED;
  if (target !== undefined && target !== place && !isStopped) return false;
  runs.push({ flow, node, place, record });
  return true;
}

async function reopenGroup(healing: Healing, node: GroupNode | EachNode, place: Place): Promise<boolean> {
  const { flow, target, unsent } = healing;
  const group = groupAt(flow, place);
  const { workflows } = flow.app;
  const size = await sizeOf(flow, node, place);
  if (size === undefined) {
    // Its list was refused, or never read: it begins anew.
    if (target !== undefined && !isWithin(target, place)) return false;
    await workflows.undecide(group);
    unsent.push({ flow, node, place, from: 0 });
    return true;
  }
  const reopened: string[] = [];
  const failed = await workflows.joins.unwell(group, size);
  // Within a member that has not ended as a whole, a task may have.
  const onWay = memberOnWay(healing, group);
  if (onWay !== undefined && !failed.includes(onWay)) failed.push(onWay);
  for (let first = 0; first < failed.length; first += PAGE) {
    const heals = failed.slice(first, first + PAGE).map(async (name) => {
      if (isAdded(name)) return (await reopenAdded(healing, group, name)) ? [name] : [];
      const at = childPlace(place, name);
      const member = nodeAt(flow.definition.root, at);
      return member !== undefined && (await reopen(healing, member, at)) ? [name] : [];
    });
    reopened.push(...(await Promise.all(heals)).flat());
  }
  const decided = await workflows.outcomeOf(group);
  const isEnded = decided !== undefined && decided.by === undefined && isOwnEnd(decided, target, place);
  if (reopened.length === 0 && !isEnded) return false;
  // Sent from there on, for nobody knows which of them were: a second message changes nothing, and lets a group go on whose members have ended.
  const from =
    decided && ((await workflows.joins.firstPending(group, size)) ?? (isEnded ? Math.max(0, size - 1) : undefined));
  for (const name of reopened) await workflows.joins.reopen(group, size, name);
  await workflows.goOn(flow.definition.id, place);
  await workflows.undecide(group);
  if (from !== undefined) unsent.push({ flow, node, place, from });
  return true;
}

/** The member of a group that the task which is replayed lies in. */
function memberOnWay({ way, within }: Healing, { workflow, place }: GroupId): string | undefined {
  if (way === place || !isWithin(way, place)) return undefined;
  const rest = place === "" ? way : way.slice(place.length + 1);
  return addedId({ workflow, place }, rest) === within ? rest : rest.split(".")[0];
}

/** Members that were added wait again: those that heal, those that were revoked with their group, and with no target all that have failed. */
async function reopenAdded(healing: Healing, group: GroupId, name: string): Promise<boolean> {
  const { flow, within, target } = healing;
  const found = await addedAs(flow, group, name);
  if (found === undefined) return false;
  const { definition } = found.reading;
  if (definition.id === within) return true;
  if (target === undefined) await flow.app.workflows.goOn(definition.id, "");
  const inner = {
    ...healing,
    flow: { ...flow, definition },
    way: ELSEWHERE,
    target: target === undefined ? undefined : ELSEWHERE,
  };
  return reopen(inner, found.node, "");
}

/** Whether a group ended by itself, and not by a member: it was stopped before all were sent, or they could not be. */
function isOwnEnd({ error }: { error?: StoredError }, target: Place | undefined, place: Place): boolean {
  return error?.code === STOPPED || target === undefined || isWithin(target, place);
}

/** The end of a chain that was not reached waits again. */
async function reopenEnd(flow: Flow, chain: Node, place: Place): Promise<void> {
  const end = endPlace(chain, place);
  const node = nodeAt(flow.definition.root, end);
  if (node === undefined || isChainNode(node)) return;
  if (!isTaskNode(node)) return flow.app.workflows.undecide(groupAt(flow, end));
  const record = await flow.app.results.kept(idAt(flow.definition, end));
  // It was never begun, for the chain has not come so far: it could not run, or was revoked with the whole.
  if (record && isFinal(record.state)) await flow.app.results.reopen(record, "PENDING");
}

async function run({ flow, node, place, record }: Run, { payload, payloadVersion }: Replay): Promise<void> {
  const { id } = flow.definition;
  const { countdown, eta, ...options } = node.options ?? {};
  // Another payload is whole.
  const input = payload === undefined ? record.workflow?.input : undefined;
  const failure = await sendNode(flow, {
    node: { ...node, payloadVersion: payloadVersion ?? payloadVersionOf(record), options },
    id: record.id,
    mark: { id, place, ...(input !== undefined && { input }) },
    payload: payload ?? (await payloadOf(flow.app, record)),
    parentId: record.parentId,
    attempt: record.attempt,
    others: record.others,
  });
  if (failure) await ended(flow, place, failure);
}
