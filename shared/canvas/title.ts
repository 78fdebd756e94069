/** A workflow in one line: the names of its tasks. */

import { isChainNode, isEachNode, isTaskNode, type Node } from "../workflows/definition.ts";

const MAX_NAMES = 4;
const MAX_CHARS = 200;

/** `fetch → 12 × resize → publish`; `each × mail`; `(a | b)`. Long ones are cut short. */
export function titleOf(node: Node): string {
  const title = draw(node, 0);
  return title.length <= MAX_CHARS ? title : `${title.slice(0, MAX_CHARS - 1)}…`;
}

function draw(node: Node, depth: number): string {
  if (isTaskNode(node)) return node.task;
  if (depth > 2) return "…";
  if (isEachNode(node)) return `each × ${within(node.each, depth)}`;
  if (isChainNode(node)) {
    const { chain } = node;
    const middle = chain.length - MAX_NAMES;
    const names = middle > 1 ? [...chain.slice(0, MAX_NAMES - 1), undefined, ...chain.slice(-1)] : chain;
    return names.map((step) => (step === undefined ? `… ${middle} more …` : within(step, depth))).join(" → ");
  }
  const [first] = node.group;
  if (first === undefined) return "0 × nothing";
  const names = new Set(node.group.slice(0, 100).map((member) => within(member, depth)));
  const [name] = names;
  if (names.size === 1) return `${node.group.length} × ${name}`;
  const more = names.size > MAX_NAMES ? " | …" : "";
  return `${node.group.length} × (${[...names].slice(0, MAX_NAMES).join(" | ")}${more})`;
}

/** In brackets where a chain stands within something. */
function within(node: Node, depth: number): string {
  const text = draw(node, depth + 1);
  return isChainNode(node) ? `(${text})` : text;
}
