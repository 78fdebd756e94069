/** A workflow's graph as it is drawn: boxes for tasks and groups, and lines from each to what follows it. */

import { Graph as Layout, layout } from "@dagrejs/dagre";
import type { Graph, GraphNode } from "../canvas/graph.ts";

export type { Graph, GraphNode } from "../canvas/graph.ts";

/** The nodes that are looked at. */
export type Focus = "all" | "failed" | "running";

const WANTED: Readonly<Record<Focus, readonly string[]>> = {
  all: [],
  failed: ["FAILURE"],
  running: ["STARTED", "RETRY"],
};

/** The nodes in this focus, and all that they are a part of, in the order of the definition. */
export function focused(graph: Graph, focus: Focus): GraphNode[] {
  const nodes = graph.nodes.toSorted(inOrder);
  if (focus === "all") return nodes;
  const wanted = nodes.filter(({ kind, state }) => kind === "task" && WANTED[focus].includes(state));
  const kept = new Set(wanted.flatMap(({ place }) => pathTo(place)));
  // A folded group may hold failures beyond the first.
  return nodes.filter((node) => kept.has(node.place) || (focus === "failed" && node.folded && (node.failed ?? 0) > 0));
}

/** Tasks that failed, those that ran before those that could not, for the cause is among them. */
export function failedTasks({ nodes }: Pick<Graph, "nodes">): GraphNode[] {
  const failed = nodes.filter(({ kind, state }) => kind === "task" && state === "FAILURE");
  return [...failed.filter((node) => !couldNotRun(node)), ...failed.filter(couldNotRun)];
}

/** It has failed because what it follows did. */
export function couldNotRun({ error }: GraphNode): boolean {
  return error?.code === "WORKFLOW_STEP_FAILED";
}

/** The places from the whole down to this one. */
function pathTo(place: string): string[] {
  const parts = place === "" ? [] : place.split(".");
  return ["", ...parts.map((_, index) => parts.slice(0, index + 1).join("."))];
}

/** How many nodes a place is below the whole. */
export function depthOf(place: string): number {
  return pathTo(place).length - 1;
}

function inOrder(a: GraphNode, b: GraphNode): number {
  const [one, other] = [a, b].map(({ place }) => (place === "" ? [] : place.split(".").map(Number)));
  for (const [index, number] of (one ?? []).entries()) {
    const difference = number - (other?.[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return (one?.length ?? 0) - (other?.length ?? 0);
}

interface Line {
  from: string;
  to: string;
}

/** Places of boxes, and lines between them. A chain has no box: it is its steps, one after another. */
export function toLines(nodes: readonly GraphNode[]): { boxes: string[]; lines: Line[] } {
  const places = new Set(nodes.map(({ place }) => place));
  const children = Map.groupBy(nodes, ({ parent }) => (parent !== undefined && places.has(parent) ? parent : ROOT));
  const [boxes, lines]: [string[], Line[]] = [[], []];

  const connect = (from: readonly string[], to: readonly string[]): void => {
    for (const one of from) for (const other of to) lines.push({ from: one, to: other });
  };
  const walk = (node: GraphNode): { first: string[]; last: string[] } => {
    const parts = children.get(node.place) ?? [];
    if (node.kind === "chain" && parts.length > 0) {
      const steps = parts.map(walk);
      for (const [index, { first }] of steps.entries()) connect(steps[index - 1]?.last ?? [], first);
      return { first: steps[0]?.first ?? [], last: steps.at(-1)?.last ?? [] };
    }
    boxes.push(node.place);
    const members = parts.map(walk);
    for (const { first } of members) connect([node.place], first);
    const last = members.flatMap((member) => member.last);
    // The members that a folded group shows are not all: what follows it follows the whole.
    return { first: [node.place], last: node.folded || last.length === 0 ? [node.place] : last };
  };
  for (const node of children.get(ROOT) ?? []) walk(node);
  return { boxes, lines };
}

/** No place: the parent of what has none. */
const ROOT = "root";

export const BOX = { width: 252, height: 46 };

interface Point {
  x: number;
  y: number;
}

export interface Drawing {
  width: number;
  height: number;
  /** The middle of each box, by its place. */
  boxes: ReadonlyMap<string, Point>;
  lines: readonly (readonly Point[])[];
}

/** From left to right: what follows stands to the right of what it follows. */
export function draw({ boxes, lines }: ReturnType<typeof toLines>): Drawing {
  const graph = new Layout();
  // The quickest of the rankers: in a workflow nothing stands far from what it follows.
  graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 44, marginx: 8, marginy: 8, ranker: "longest-path" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const place of boxes) graph.setNode(place, { ...BOX });
  for (const { from, to } of lines) graph.setEdge(from, to);
  // Boxes come in the order of the definition, in which no two lines of a workflow cross.
  layout(graph, { disableOptimalOrderHeuristic: true });
  const { width, height }: { width: number; height: number } = graph.graph();
  const boxOf = (place: string): Point => graph.node(place);
  return {
    width: Math.ceil(width),
    height: Math.ceil(height),
    boxes: new Map(boxes.map((place): [string, Point] => [place, boxOf(place)])),
    lines: lines.map(({ from, to }) => {
      const { points }: { points: Point[] } = graph.edge(from, to);
      const [start, end] = [boxOf(from), boxOf(to)];
      const [out, into] = [
        { x: start.x + BOX.width / 2, y: start.y },
        { x: end.x - BOX.width / 2, y: end.y },
      ];
      return [out, ...points.slice(1, -1), into];
    }),
  };
}
