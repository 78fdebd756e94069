/**
 * The definition of a workflow: nodes within nodes, as `POST /workflows` takes them and as they are stored, once and for good. A node is
 * named by its place: the numbers on the way to it from the root, `1.0.3`; the root's own place is empty. A member of `each` has the number
 * of its item.
 */

import { derivedId, idTime } from "../message/id.ts";
import type { Json } from "../message/json.ts";
import type { ScheduleMark } from "../message/message.ts";

export type Place = string;

/** A group of a workflow. */
export interface GroupId {
  workflow: string;
  place: string;
}

/** Options that a task may have within a workflow. */
export interface NodeOptions {
  countdown?: number;
  eta?: string;
  expires?: number | string;
  queue?: string;
  tags?: string[];
  headers?: Record<string, string>;
  messageGroupId?: string;
  timeLimit?: number;
  softTimeLimit?: number;
}

/** Tasks that are sent when a node has ended: with its result, or with what is known of its failure. */
interface Callbacks {
  link?: TaskNode[];
  linkError?: TaskNode[];
}

/** One task: a signature. */
export interface TaskNode extends Callbacks {
  task: string;
  /** The fields that are known. */
  payload?: Json;
  /** The version of its task's payload that they belong to; absent for the first. */
  payloadVersion?: number;
  /** The field that the result before becomes. Without it the result's own fields stand under the known ones. */
  into?: string;
  /** The result before is not wanted. */
  immutable?: true;
  options?: NodeOptions;
}

/** Marks a chain that was said as `{ chord: { header, body } }`, for sentences that point at a place in it; JSON has no symbols. */
export const CHORD = Symbol("chord");

/** Nodes one after another; each gets the result of the one before. */
export interface ChainNode extends Callbacks {
  chain: Node[];
  [CHORD]?: true;
}

/** Nodes beside each other; each gets the result of the node before the group. */
export interface GroupNode extends Callbacks {
  group: Node[];
  policy?: Policy;
}

/** A group as long as the list before it: one member for each item, which is its input. */
export interface EachNode extends Callbacks {
  each: Node;
  policy?: Policy;
}

export type Node = TaskNode | ChainNode | GroupNode | EachNode;

/**
 * The outcome of a group whose members fail.
 *
 * - `failFast`: the first failure is the group's, and members that have not begun are revoked.
 * - `waitForAll`: all members end; then one failure is the group's.
 * - `collect`: failures become values, beside the results.
 * - `{ tolerate }`: as `collect`, up to so many failures, or such a share, as in `"10%"`.
 * - `first`: the first success is the group's, and the others are revoked; the group fails when all have failed.
 */
export type Policy = "failFast" | "waitForAll" | "collect" | "first" | { tolerate: number | string };

export const DEFAULT_POLICY: Policy = "failFast";

/** A workflow as it was sent. */
export interface Definition {
  v: 1;
  id: string;
  root: Node;
  sentAt: string;
  /** Records of its tasks are kept at least until then. */
  keepUntil: string;
  /** The tree of tasks that it belongs to. */
  rootId: string;
  parentId?: string;
  /** The entry of beat that asked for it, and the fire time; with an `edition` only the tasks that it begins with are bound to it. */
  schedule?: ScheduleMark;
  /** When its first tasks may start, if it was sent ahead of that. */
  begins?: string;
  /** The task that has become this workflow: the end of this is its end. */
  replaces?: { id: string; task: string; keepUntil?: string; workflow?: { id: string; place: Place } };
  /** The group that a task has added this one's members to, and the name under which it waits for them. */
  adds?: { workflow: string; place: Place; member: string };
  /** Options of the whole, which are those of each node that says nothing else. */
  defaults?: Pick<NodeOptions, "queue" | "tags" | "headers"> & { expires?: string };
}

export function isTaskNode(node: Node): node is TaskNode {
  return "task" in node;
}

export function isChainNode(node: Node): node is ChainNode {
  return "chain" in node;
}

export function isGroupNode(node: Node): node is GroupNode {
  return "group" in node;
}

export function isEachNode(node: Node): node is EachNode {
  return "each" in node;
}

/** The place of a child. */
export function childPlace(place: Place, index: number | string): Place {
  return place === "" ? String(index) : `${place}.${index}`;
}

/** The place above, and the number of the child there; undefined for the root. */
export function parentOf(place: Place): { place: Place; index: number } | undefined {
  if (place === "") return undefined;
  const dot = place.lastIndexOf(".");
  return { place: dot === -1 ? "" : place.slice(0, dot), index: Number(place.slice(dot + 1)) };
}

export function isPlace(text: string): boolean {
  return text === "" || /^\d{1,6}(\.\d{1,6}){0,63}$/.test(text);
}

/** The workflow around another, and the place there of the task that has become it, or that has added its members. */
export function aroundOf({ replaces, adds }: Definition): { id: string; place: Place } | undefined {
  return adds ? { id: adds.workflow, place: childPlace(adds.place, memberNumber(adds.member)) } : replaces?.workflow;
}

/** The number of a member in its group; of members that were added, `3.1+0`, that of the one which has added them. */
export function memberNumber(member: string): number {
  return Number.parseInt(member, 10);
}

/** Whether the name of a member stands for those that were added. */
export function isAdded(member: string): boolean {
  return member.includes("+");
}

/** Whether a place lies under another, or is it. */
export function isWithin(place: Place, above: Place): boolean {
  return above === "" || place === above || place.startsWith(`${above}.`);
}

/** The node at a place; undefined if the definition has none there. */
export function nodeAt(root: Node, place: Place): Node | undefined {
  let node: Node | undefined = root;
  for (const index of place === "" ? [] : place.split(".").map(Number)) {
    if (node === undefined || isTaskNode(node)) return undefined;
    if (isEachNode(node)) node = node.each;
    else node = (isChainNode(node) ? node.chain : node.group)[index];
  }
  return node;
}

/** The input of the node at a place: the outcome of the place before it, or an item of that, `1.0#5`; undefined for a first one. */
export function inputBefore(root: Node, place: Place): string | undefined {
  const above = parentOf(place);
  const parent = above && nodeAt(root, above.place);
  if (above === undefined || parent === undefined) return undefined;
  if (isChainNode(parent) && above.index > 0) return childPlace(above.place, above.index - 1);
  const given = inputBefore(root, above.place);
  return isEachNode(parent) && given !== undefined ? `${given}#${above.index}` : given;
}

/** The place whose outcome is that of a node: a chain's is its last step's. */
export function endPlace(node: Node, place: Place): Place {
  let [end, at] = [node, place];
  while (isChainNode(end)) {
    const last = end.chain.length - 1;
    const step: Node | undefined = end.chain[last];
    if (step === undefined) return at;
    [end, at] = [step, childPlace(at, last)];
  }
  return at;
}

/** The id of the task at a place. The task that a workflow ends with has the workflow's own. */
export function idAt({ id, root }: Pick<Definition, "id" | "root">, place: Place): string {
  if (place === endPlace(root, "")) return id;
  return derivedId(idTime(id) ?? new Date(0), `workflow/${id}/${place}`);
}

/** The id of a message that sends the members of a group, or of a callback's task. */
export function helperId(id: string, place: Place, part: string): string {
  return derivedId(idTime(id) ?? new Date(0), `workflow/${id}/${place}/${part}`);
}

/** The most failures that a policy bears among so many members. */
export function tolerated(tolerate: number | string, members: number): number {
  return typeof tolerate === "number" ? tolerate : Math.floor((Number.parseFloat(tolerate) / 100) * members);
}
