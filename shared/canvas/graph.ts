/** A workflow as it stands: its nodes with their states, and which follows which. It costs what it shows. */

import { InvalidOptionError, type StoredError, WorkflowNotFoundError } from "../errors.ts";
import type { TaskState } from "../results/record.ts";
import type { App } from "../task/current-app.ts";
import {
  childPlace,
  type EachNode,
  type GroupNode,
  idAt,
  isChainNode,
  isEachNode,
  isTaskNode,
  type Node,
  nodeAt,
  type Place,
  type Policy,
  parentOf,
  type TaskNode,
} from "../workflows/definition.ts";
import { groupAt, outcomeAt, type Reading, sizeOf, stateOfWhole, tallyOf } from "./results.ts";

/** One node of a graph. */
export interface GraphNode {
  place: Place;
  kind: "task" | "chain" | "group" | "each";
  /** The node that this one is a part of. */
  parent?: Place;
  state: TaskState;
  /** Of a task. */
  task?: string;
  /** Of its payload; absent for the first. */
  payloadVersion?: number;
  id?: string;
  attempt?: number;
  startedAt?: string;
  finishedAt?: string;
  error?: Pick<StoredError, "name" | "message" | "code">;
  /** Of a group: how many members it has, have ended, and have failed; absent as long as nobody knows. */
  policy?: Policy;
  members?: number;
  ended?: number;
  failed?: number;
  /** Places of the first members that failed. */
  failures?: Place[];
  /** Workflows of members that were added while it ran, the first of them; they are in the counts. */
  added?: string[];
  /** Its parts are not among the nodes, but for the first members that failed: ask for this place. */
  folded?: true;
}

export interface Graph {
  id: string;
  state: TaskState;
  sentAt: string;
  nodes: GraphNode[];
  /** Steps of chains: `to` begins when `from` has ended well. */
  edges: { from: Place; to: Place }[];
  /** Of the page of members that was asked for: go on here. */
  cursor?: string;
}

/** The part of a workflow that is asked for. */
export interface GraphQuery {
  /** @defaultValue the whole */
  place?: Place;
  /** Of a group: the first member. @defaultValue 0 */
  from?: number;
  /** Of a group: members at most; 0 folds it. @defaultValue 100 */
  limit?: number;
  /** Of a group: only members that have failed. @defaultValue false */
  failed?: boolean;
}

/** A group, or a chain, of more parts is folded. */
const MAX_PARTS = 100;
/** Nodes of one answer; beyond, whatever has parts is folded. */
const MAX_NODES = 1000;
const MAX_FAILURES = 10;
const MAX_ADDED = 100;

interface Drawing extends Reading {
  nodes: GraphNode[];
  edges: { from: Place; to: Place }[];
}

/** @throws WorkflowNotFoundError; InvalidOptionError for a place that the workflow does not have */
export async function readGraph(app: App, id: string, query: GraphQuery = {}): Promise<Graph> {
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  const { place = "", from = 0, limit = MAX_PARTS, failed = false } = query;
  const node = nodeAt(definition.root, place);
  if (node === undefined) throw new InvalidOptionError("place", place, "the 'place' of a node of this workflow");
  const drawing: Drawing = { app, definition, nodes: [], edges: [] };
  const state = await stateOfWhole(drawing);
  const page = await draw(drawing, node, place, { isDead: state !== "PENDING", page: { from, limit, failed } });
  return {
    id,
    state,
    sentAt: definition.sentAt,
    nodes: drawing.nodes,
    edges: drawing.edges,
    ...(page !== undefined && { cursor: String(page) }),
  };
}

/** The parts of one node that are shown. */
interface Page {
  from: number;
  limit: number;
  failed: boolean;
}

/** The way in which a node is drawn. */
interface Hand {
  /** A task that has no record by now will never have one. */
  isDead: boolean;
  /** Of the node that was asked for: its parts are shown, however many there are, a page at a time. */
  page?: Page;
}

/** Answers with the member after the page, if there is one. */
async function draw(drawing: Drawing, node: Node, place: Place, hand: Hand): Promise<number | undefined> {
  if (isTaskNode(node)) {
    drawing.nodes.push(await taskNode(drawing, node, place, hand.isDead));
    return undefined;
  }
  const own = isChainNode(node)
    ? await chainNode(drawing, place, hand.isDead)
    : await groupNode(drawing, node, place, hand.isDead);
  drawing.nodes.push(own);
  const parts = isChainNode(node) ? node.chain.length : ((await sizeOf(drawing, node, place)) ?? 0);
  const page = hand.page ?? { from: 0, limit: MAX_PARTS, failed: false };
  const isFolded = hand.page ? page.limit === 0 : parts > MAX_PARTS || drawing.nodes.length + parts > MAX_NODES;
  if (isFolded) own.folded = true;
  const isDead = hand.isDead || own.state === "FAILURE" || own.state === "REVOKED";
  const shown = async (): Promise<Parts> => {
    if (isFolded) return { numbers: (own.failures ?? []).map((failed) => parentOf(failed)?.index ?? 0) };
    return page.failed && !isChainNode(node) ? failuresOn(drawing, place, parts, page) : partsOn(page, parts);
  };
  const { numbers, next } = await shown();
  const at = (index: number): Node | undefined =>
    isEachNode(node) ? node.each : (isChainNode(node) ? node.chain : node.group)[index];
  // Each part into a list of its own, for they are read at the same time.
  const drawn = await Promise.all(
    numbers.map(async (index) => {
      const part = at(index);
      const own: Drawing = { ...drawing, nodes: [], edges: [] };
      if (part !== undefined) await draw(own, part, childPlace(place, index), { isDead });
      return own;
    }),
  );
  for (const [index, part] of drawn.entries()) {
    drawing.nodes.push(...part.nodes);
    drawing.edges.push(...part.edges);
    if (isChainNode(node) && index > 0) {
      drawing.edges.push({ from: childPlace(place, page.from + index - 1), to: childPlace(place, page.from + index) });
    }
  }
  return next;
}

interface Parts {
  numbers: number[];
  /** The first one after the page. */
  next?: number;
}

/** The parts of one page. */
function partsOn({ from, limit }: Page, parts: number): Parts {
  const to = Math.min(parts, from + limit);
  const numbers = Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
  return { numbers, ...(to < parts && { next: to }) };
}

/** Of a group only the members that have failed. */
async function failuresOn(drawing: Drawing, place: Place, parts: number, { from, limit }: Page): Promise<Parts> {
  const { joins } = drawing.app.workflows;
  const found = (await joins.failures(groupAt(drawing, place), parts, { from, limit: limit + 1 })).map(Number);
  const next = found[limit];
  return { numbers: found.slice(0, limit), ...(next !== undefined && { next }) };
}

async function taskNode(
  { app, definition }: Drawing,
  { task, payloadVersion }: TaskNode,
  place: Place,
  isDead: boolean,
): Promise<GraphNode> {
  const id = idAt(definition, place);
  const record = await app.results.kept(id);
  const version = payloadVersion === undefined ? {} : { payloadVersion };
  const common = { place, kind: "task" as const, ...parentIn(place), task, ...version, id };
  if (record === undefined) {
    // It was never sent: it will be, or the workflow has ended, or was stopped, before it came to it.
    const isOver = isDead || (await app.workflows.isStopped(definition.id, place));
    return { ...common, state: isOver ? "REVOKED" : "PENDING" };
  }
  const { state, attempt, startedAt, finishedAt, error } = record;
  return {
    ...common,
    state,
    attempt,
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(error && {
      error: { name: error.name, message: error.message, ...(error.code !== undefined && { code: error.code }) },
    }),
  };
}

async function chainNode(drawing: Drawing, place: Place, isDead: boolean): Promise<GraphNode> {
  const outcome = await outcomeAt(drawing, place);
  return { place, kind: "chain", ...parentIn(place), state: outcome?.state ?? (isDead ? "REVOKED" : "PENDING") };
}

async function groupNode(
  drawing: Drawing,
  node: GroupNode | EachNode,
  place: Place,
  isDead: boolean,
): Promise<GraphNode> {
  const group = groupAt(drawing, place);
  const [outcome, members] = await Promise.all([outcomeAt(drawing, place), sizeOf(drawing, node, place)]);
  const { joins } = drawing.app.workflows;
  const tally = members === undefined ? undefined : await tallyOf(drawing, place, members);
  const failures =
    members !== undefined && tally?.failed ? await joins.failures(group, members, { limit: MAX_FAILURES }) : [];
  const { added = [], ...counts } = tally ?? {};
  return {
    place,
    kind: isEachNode(node) ? "each" : "group",
    ...parentIn(place),
    state: outcome?.state ?? (isDead ? "REVOKED" : "PENDING"),
    ...(node.policy !== undefined && { policy: node.policy }),
    ...counts,
    ...(failures.length > 0 && { failures: failures.map((member) => childPlace(place, member)) }),
    ...(added.length > 0 && { added: added.slice(0, MAX_ADDED) }),
  };
}

function parentIn(place: Place): { parent?: Place } {
  const above = parentOf(place);
  return above === undefined ? {} : { parent: above.place };
}
