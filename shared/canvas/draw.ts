/**
 * A graph as text for Graphviz and Mermaid. Identifiers are made of places; names are text, in which nothing means anything.
 * https://graphviz.org/doc/info/lang.html https://mermaid.js.org/syntax/flowchart.html
 */

import type { Graph, GraphNode } from "./graph.ts";

const COLORS: Readonly<Record<GraphNode["state"], string>> = {
  PENDING: "#e5e7eb",
  STARTED: "#bfdbfe",
  RETRY: "#fde68a",
  SUCCESS: "#bbf7d0",
  FAILURE: "#fecaca",
  REVOKED: "#e9d5ff",
};

export function toDot(graph: Graph): string {
  const inside = (place: string | undefined, indent: string): string[] =>
    childrenOf(graph, place).flatMap((node) => {
      const label = quoteDot(labelOf(node, "\n"));
      const paint = `style=filled, fillcolor="${COLORS[node.state]}"`;
      if (!hasChildren(graph, node)) return [`${indent}${nameOf(node.place)} [label=${label}, shape=box, ${paint}];`];
      return [
        `${indent}subgraph cluster_${nameOf(node.place)} {`,
        `${indent}  label=${label};`,
        ...inside(node.place, `${indent}  `),
        `${indent}}`,
      ];
    });
  // Graphviz draws an edge between nodes; one of a cluster is cut at its border.
  const edges = graph.edges.map(({ from, to }) => {
    const [tail, head] = [leafOf(graph, from, -1), leafOf(graph, to, 0)];
    const cuts = [
      ...(tail === from ? [] : [`ltail=cluster_${nameOf(from)}`]),
      ...(head === to ? [] : [`lhead=cluster_${nameOf(to)}`]),
    ];
    return `  ${nameOf(tail)} -> ${nameOf(head)}${cuts.length > 0 ? ` [${cuts.join(", ")}]` : ""};`;
  });
  return ["digraph workflow {", "  compound=true;", ...inside(undefined, "  "), ...edges, "}", ""].join("\n");
}

export function toMermaid(graph: Graph): string {
  const inside = (place: string | undefined, indent: string): string[] =>
    childrenOf(graph, place).flatMap((node) => {
      const label = quoteMermaid(labelOf(node, " · "));
      if (!hasChildren(graph, node)) return [`${indent}${nameOf(node.place)}[${label}]:::${node.state}`];
      return [
        `${indent}subgraph ${nameOf(node.place)} [${label}]`,
        ...inside(node.place, `${indent}  `),
        `${indent}end`,
      ];
    });
  return [
    "flowchart LR",
    ...inside(undefined, "  "),
    ...graph.edges.map(({ from, to }) => `  ${nameOf(from)} --> ${nameOf(to)}`),
    ...Object.entries(COLORS).map(([state, color]) => `  classDef ${state} fill:${color},stroke:#374151,color:#111827`),
    "",
  ].join("\n");
}

/** `n1_0_3`: no word of either language. */
function nameOf(place: string): string {
  return `n${place.replaceAll(".", "_")}`;
}

/** The parts of a node; without one, the node at the top of what is shown. */
function childrenOf({ nodes }: Graph, place: string | undefined): GraphNode[] {
  if (place === undefined) return nodes.slice(0, 1);
  return nodes.filter(({ parent }) => parent === place);
}

function hasChildren(graph: Graph, node: GraphNode): boolean {
  return node.kind !== "task" && graph.nodes.some(({ parent }) => parent === node.place);
}

/** The first or last node without parts within a place. */
function leafOf(graph: Graph, place: string, which: 0 | -1): string {
  let at = place;
  for (;;) {
    const next = childrenOf(graph, at).at(which);
    if (next === undefined) return at;
    at = next.place;
  }
}

function labelOf({ kind, task, state, members, ended, failed, folded }: GraphNode, separator: string): string {
  const counts = members === undefined ? [] : [`${ended ?? 0} of ${members} ended, ${failed ?? 0} failed`];
  return [task ?? kind, state, ...counts, ...(folded ? ["not shown"] : [])].join(separator);
}

function quoteDot(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Mermaid takes entity codes within quotes, and nothing else of what is written as one then means anything. */
function quoteMermaid(text: string): string {
  const escaped = text.replaceAll(/[^\p{L}\p{N} ·,.:_-]/gu, (sign) => `#${sign.codePointAt(0)};`);
  return `"${escaped}"`;
}
