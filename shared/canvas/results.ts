/** Reading what the nodes of a workflow have come to: states, failures, and results, in the order of the definition. */

import { type StoredError, ValueExpiredError, WorkflowNotFoundError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import { isFinal, type StoredRecord } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import {
  childPlace,
  DEFAULT_POLICY,
  type Definition,
  type EachNode,
  endPlace,
  type GroupId,
  type GroupNode,
  helperId,
  idAt,
  inputBefore,
  isAdded,
  isChainNode,
  isEachNode,
  isGroupNode,
  isTaskNode,
  memberNumber,
  type Node,
  nodeAt,
  type Place,
  type Policy,
  tolerated,
} from "../workflows/definition.ts";
import { type ErrorValue, type Failed, failedWith, firstFailure, GROUP } from "./failures.ts";
import type { Outcome } from "./flow.ts";

/** A definition, and where its records are. */
export interface Reading {
  app: App;
  definition: Definition;
}

/** The outcome of one member of a group, where failures are values: with the policies `collect` and `tolerate`. */
export type MemberOutcome<T = Json> = { ok: true; value: T } | { ok: false; error: ErrorValue & { id: string } };

/** Results of as many members are read at once. */
const PAGE = 100;

/** Failures that an error names. */
const NAMED = 10;

export function groupAt({ definition }: Reading, place: Place): GroupId {
  return { workflow: definition.id, place };
}

/** How many members a group has; undefined as long as nobody has read the list of `each`. */
export async function sizeOf(reading: Reading, node: GroupNode | EachNode, place: Place): Promise<number | undefined> {
  return isEachNode(node) ? reading.app.workflows.sizeOf(groupAt(reading, place)) : node.group.length;
}

/** The node that the outcome of a place is that of. */
function endAt({ definition }: Reading, place: Place): { node: Node; place: Place } | undefined {
  const node = nodeAt(definition.root, place);
  if (node === undefined) return undefined;
  const end = endPlace(node, place);
  const last = nodeAt(definition.root, end);
  return last && { node: last, place: end };
}

/** The outcome of a place; undefined as long as it has none. */
export async function outcomeAt(reading: Reading, place: Place): Promise<Outcome | undefined> {
  const end = endAt(reading, place);
  if (end === undefined) return undefined;
  if (isTaskNode(end.node)) return outcomeOf(await reading.app.results.kept(idAt(reading.definition, end.place)));
  if (isChainNode(end.node)) return undefined;
  return groupOutcome(reading, end.node, end.place);
}

/** The state of a whole. One that a task was to become, and that was never begun because the task has ended, reads as revoked. */
export async function stateOfWhole(reading: Reading): Promise<Outcome["state"] | "PENDING"> {
  const { app, definition } = reading;
  const outcome = await outcomeAt(reading, "");
  if (outcome !== undefined) return outcome.state;
  const task = definition.replaces && (await app.results.kept(definition.replaces.id));
  if (task === undefined || !isFinal(task.state)) return "PENDING";
  return task.replacedBy === undefined || task.replacedBy === definition.id ? "REVOKED" : "PENDING";
}

/** The outcome that a record shows, if it is final. */
export function outcomeOf(record: StoredRecord | undefined): Outcome | undefined {
  if (record === undefined || !isFinal(record.state)) return undefined;
  if (record.state === "SUCCESS") return { state: "SUCCESS" };
  return failedWith(record.state === "REVOKED" ? "REVOKED" : "FAILURE", { ...record, error: record.error });
}

/** The outcome of a group: the one that was decided, or that of all its members. */
async function groupOutcome(reading: Reading, node: GroupNode | EachNode, place: Place): Promise<Outcome | undefined> {
  const { app } = reading;
  const group = groupAt(reading, place);
  const decided = await app.workflows.outcomeOf(group);
  if (decided?.state === "SUCCESS") return { state: "SUCCESS" };
  if (decided) return failedWith(decided.state, { id: group.workflow, task: GROUP, error: decided.error });
  const size = await sizeOf(reading, node, place);
  if (size === 0) return { state: "SUCCESS" };
  if (size === undefined || !(await app.workflows.joins.state(group, size)).isWhole) return undefined;
  return judgeWhole(reading, node, place, size);
}

/** Members of a group that were added while it ran: a workflow of their own. */
export interface Added {
  reading: Reading;
  node: GroupNode;
  size: number;
}

/** The id of the workflow that members are which were added to a group under a name. */
export function addedId({ workflow, place }: GroupId, member: string): string {
  return helperId(workflow, place, `added/${member}`);
}

/** Those that a name stands for; undefined if they are gone. */
export async function addedAs({ app }: Reading, group: GroupId, member: string): Promise<Added | undefined> {
  const definition = await app.workflows.read(addedId(group, member));
  if (definition === undefined || !isGroupNode(definition.root)) return undefined;
  return { reading: { app, definition }, node: definition.root, size: definition.root.group.length };
}

/** How far a group has come, with all members that were added. */
export interface GroupTally {
  members: number;
  ended: number;
  failed: number;
  /** Workflows of members that were added. */
  added: string[];
}

export async function tallyOf(reading: Reading, place: Place, size: number): Promise<GroupTally> {
  const group = groupAt(reading, place);
  const { added, ...own } = await reading.app.workflows.joins.tally(group, size);
  const sum: GroupTally = { ...own, added: [] };
  for (const { member, failed } of added) {
    const found = await addedAs(reading, group, member);
    if (found === undefined) continue;
    const inner = await tallyOf(found.reading, "", found.size);
    sum.members += inner.members;
    sum.ended += inner.ended;
    // Those that could not be sent have failed together.
    sum.failed += failed ? Math.max(1, inner.failed) : inner.failed;
    sum.added.push(found.reading.definition.id, ...inner.added);
  }
  return sum;
}

/** Outcomes of members that have not ended well, the first of them. */
async function failuresOf(reading: Reading, place: Place, size: number, limit: number): Promise<Failed[]> {
  const group = groupAt(reading, place);
  const { joins } = reading.app.workflows;
  const own = await joins.failures(group, size, { limit });
  const outcomes = await Promise.all(own.map((member) => outcomeAt(reading, memberPlace(place, member))));
  const failed = outcomes.flatMap((one) => (one === undefined || one.state === "SUCCESS" ? [] : [one]));
  for (const member of await joins.added(group, size)) {
    const found = failed.length < limit && (await addedAs(reading, group, member));
    if (!found) continue;
    const inner = await failuresOf(found.reading, "", found.size, limit - failed.length);
    const whole = await outcomeAt(found.reading, "");
    failed.push(...(inner.length > 0 || whole === undefined || whole.state === "SUCCESS" ? inner : [whole]));
  }
  return failed;
}

/** The outcome of a group whose members have all ended, by its policy. */
export async function judgeWhole(
  reading: Reading,
  node: GroupNode | EachNode,
  place: Place,
  size: number,
): Promise<Outcome> {
  const { policy = DEFAULT_POLICY } = node;
  const group = groupAt(reading, place);
  const { joins } = reading.app.workflows;
  const { hasFailures, hasAdded } = await joins.state(group, size);
  if (policy === "collect" || !(hasFailures || hasAdded)) return { state: "SUCCESS" };
  // A member that was replayed may have ended well since a shard was marked: the shards of members are exact.
  const { members, failed: count } = await tallyOf(reading, place, size);
  if (count === 0) return { state: "SUCCESS" };
  if (typeof policy === "object" && count <= tolerated(policy.tolerate, members)) return { state: "SUCCESS" };
  const failures = await failuresOf(reading, place, size, NAMED);
  // Revoked as a whole only if nothing has failed.
  const state = failures.every((one) => one.state === "REVOKED") ? "REVOKED" : "FAILURE";
  return { state, failed: failures.flatMap(({ failed }) => failed).slice(0, NAMED), count };
}

/** Whether the failures of a group's members are values among its results. */
function collects(policy: Policy | undefined): boolean {
  return policy === "collect" || typeof policy === "object";
}

/**
 * The value that an input means: the result of the node at a place, or an item of it.
 * @throws ValueExpiredError for a large value that is gone; Error for a node that has none
 */
export async function valueAt(reading: Reading, ref: string): Promise<Json> {
  const [place = "", ...items] = ref.split("#");
  const end = endAt(reading, place);
  if (end === undefined) throw new Error(`The workflow has nothing at place '${place}'.`);
  const [first, ...rest] = items.map(Number);
  let value: Json;
  if (first !== undefined && !isTaskNode(end.node) && !isChainNode(end.node)) {
    const size = (await sizeOf(reading, end.node, end.place)) ?? 0;
    if (first >= size) return items.map(Number).reduce(itemAt, await nodeValue(reading, end.node, end.place));
    // One item of a group is one member: the others need not be read.
    value = await memberValue(reading, end.node, childPlace(end.place, first));
    return rest.reduce(itemAt, value);
  }
  value = await nodeValue(reading, end.node, end.place);
  return items.map(Number).reduce(itemAt, value);
}

function itemAt(value: Json, index: number): Json {
  return Array.isArray(value) ? (value[index] ?? null) : null;
}

async function nodeValue(reading: Reading, node: Node, place: Place): Promise<Json> {
  if (isTaskNode(node)) return taskValue(reading, place);
  if (isChainNode(node)) throw new Error(`The chain at place '${place}' has no end.`);
  const values: Json[] = [];
  const decided = await reading.app.workflows.outcomeOf(groupAt(reading, place));
  // The first that has succeeded.
  if (node.policy === "first" && decided?.by !== undefined) {
    if (!isAdded(decided.by)) return valueAt(reading, memberPlace(place, decided.by));
    const found = await addedAs(reading, groupAt(reading, place), decided.by);
    if (found) return valueAt(found.reading, "");
  }
  for await (const value of memberValues(reading, node, place)) values.push(value);
  return values;
}

/** The results of a group's members, in their order, a page at a time; then those of members that were added. */
async function* memberValues(reading: Reading, node: GroupNode | EachNode, place: Place): AsyncGenerator<Json> {
  const size = (await sizeOf(reading, node, place)) ?? 0;
  if (size === 0) return;
  const group = groupAt(reading, place);
  // With the first page, in one call.
  const added = reading.app.workflows.joins.added(group, size);
  for (let from = 0; from < size; from += PAGE) {
    const numbers = Array.from({ length: Math.min(PAGE, size - from) }, (_, offset) => from + offset);
    const [values] = await Promise.all([
      Promise.all(numbers.map((index) => memberValue(reading, node, childPlace(place, index)))),
      added,
    ]);
    yield* values;
  }
  for (const member of await added) {
    const found = await addedAs(reading, group, member);
    if (found) yield* memberValues(found.reading, found.node, "");
  }
}

/** The place of a member that stands in the definition. */
function memberPlace(place: Place, member: string): Place {
  return childPlace(place, memberNumber(member));
}

async function memberValue(reading: Reading, node: GroupNode | EachNode, place: Place): Promise<Json> {
  if (!collects(node.policy)) return valueAt(reading, place);
  const outcome = await outcomeAt(reading, place);
  return asMember(reading, place, outcome ?? failedWith("FAILURE", { id: "", task: GROUP, error: UNENDED }));
}

const UNENDED: StoredError = { name: "Error", message: "it has not ended" };

/** An outcome as a value. */
export async function asMember(reading: Reading, place: Place, outcome: Outcome): Promise<MemberOutcome> {
  if (outcome.state === "SUCCESS") return { ok: true, value: await valueAt(reading, place) };
  const { id, error } = firstFailure(outcome);
  return { ok: false, error: { id, ...error } };
}

async function taskValue({ app, definition }: Reading, place: Place): Promise<Json> {
  const id = idAt(definition, place);
  const record = await app.results.kept(id);
  if (record?.state !== "SUCCESS") {
    throw new Error(`Task ${id} of workflow ${definition.id} has no result: it is ${record?.state ?? "not begun"}.`);
  }
  const complete = await app.results.complete(record, { parts: ["result"] });
  const { result } = record.refs;
  const lost = complete.large?.result;
  if (lost && result) throw new ValueExpiredError(result.key, result.sizeBytes, lost.damaged);
  return complete.result ?? null;
}

/**
 * The results that a task follows, one at a time and in their order: those of a group's members, or the one of a single task.
 * @throws WorkflowNotFoundError, ValueExpiredError
 */
export async function* resultsBefore(app: App, { id, place }: { id: string; place: Place }): AsyncGenerator<Json> {
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  const reading = { app, definition };
  const ref = inputBefore(definition.root, place);
  if (ref === undefined) return;
  const end = ref.includes("#") ? undefined : endAt(reading, ref);
  // A member of `each` follows one item.
  if (end === undefined) yield await valueAt(reading, ref);
  else if (isTaskNode(end.node) || isChainNode(end.node)) yield await nodeValue(reading, end.node, end.place);
  else yield* memberValues(reading, end.node, end.place);
}
