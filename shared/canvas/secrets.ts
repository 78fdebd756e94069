/** The tasks within a workflow that is shown, or edited: their payloads, and the versions of those. */

import { NewerPayloadError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import { FIRST_PAYLOAD_VERSION } from "../message/payload-version.ts";
import type { Registry } from "../task/registry.ts";
import { isChainNode, isGroupNode, isTaskNode, type Node, type TaskNode } from "../workflows/definition.ts";
import type { KnownTasks } from "./flow.ts";

/** A copy with other payloads; a task without one is left as it is. @param other is told the way to the task, such as `/0/link/1` */
export function withPayloads(node: Node, other: (node: TaskNode, way: string) => Json): Node {
  return withTasks(node, (one, way) => (one.payload === undefined ? one : { ...one, payload: other(one, way) }));
}

/**
 * A copy in which each task says the version of its payload, where that has more than one.
 * @param unsaid the version of one that says none: the newest of its task where a caller has just written it, the first where it was stored
 * @throws NewerPayloadError for one that its task does not know
 */
export function withVersions(tasks: Pick<Registry, "find">, node: Node, unsaid: "newest" | "first"): Node {
  return withTasks(node, (one) => {
    const known = tasks.find(one.task);
    if (known === undefined) return one;
    const { payloadVersion: newest } = known;
    const { payloadVersion = unsaid === "newest" ? newest : FIRST_PAYLOAD_VERSION } = one;
    if (unsaid === "newest" && payloadVersion > newest) throw new NewerPayloadError(one.task, payloadVersion, newest);
    return newest === FIRST_PAYLOAD_VERSION ? one : { ...one, payloadVersion };
  });
}

/** A copy with other tasks. */
function withTasks(node: Node, other: (node: TaskNode, way: string) => TaskNode, way = ""): Node {
  const task = (one: TaskNode, at: string): TaskNode => ({ ...other(one, at), ...callbacks(one, at) });
  const callbacks = (one: Node, at: string): Pick<Node, "link" | "linkError"> => ({
    ...(one.link && { link: one.link.map((callback, index) => task(callback, `${at}/link/${index}`)) }),
    ...(one.linkError && {
      linkError: one.linkError.map((callback, index) => task(callback, `${at}/linkError/${index}`)),
    }),
  });
  const inner = (one: Node, index: number): Node => withTasks(one, other, `${way}/${index}`);
  if (isTaskNode(node)) return task(node, way);
  if (isChainNode(node)) return { ...node, chain: node.chain.map(inner), ...callbacks(node, way) };
  if (isGroupNode(node)) return { ...node, group: node.group.map(inner), ...callbacks(node, way) };
  return { ...node, each: inner(node.each, 0), ...callbacks(node, way) };
}

/**
 * An edited workflow, with the secrets of the old one where it says `[secret]`: those of the same task in the same place.
 * @throws InvalidPayloadError for one that stands for no value there
 */
export async function restoreSecrets(tasks: KnownTasks, node: Node, old: Node | undefined): Promise<Node> {
  const before = new Map<string, TaskNode>();
  if (old) withPayloads(old, collectIn(before));
  const given = new Map<string, TaskNode>();
  withPayloads(node, collectIn(given));
  const restored = new Map<string, Json>();
  for (const [way, { task, payload = null }] of given) {
    const was = before.get(way);
    const original = was?.task === task ? (was.payload ?? null) : null;
    const secrets = (await tasks.find(task))?.secrets;
    restored.set(way, (await secrets?.restore(payload, () => original)) ?? payload);
  }
  return withPayloads(node, ({ payload = null }, way) => restored.get(way) ?? payload);
}

function collectIn(found: Map<string, TaskNode>): (node: TaskNode, way: string) => Json {
  return (node, way) => {
    found.set(way, node);
    return node.payload ?? null;
  };
}
