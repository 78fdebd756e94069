/** Canvases as code writes them: nodes, and groups whose members are read one by one, when they are sent. */

import { InvalidWorkflowError } from "../errors.ts";
import type { ChainNode, EachNode, GroupNode, Node, TaskNode } from "../workflows/definition.ts";

/** A signature or shape, and the tasks that it names. */
export interface DraftCanvas {
  readonly node: Draft;
  readonly tasks: readonly unknown[];
}

/** Signatures and shapes: a list, or what gives them one by one. */
export type Members = Iterable<DraftCanvas> | AsyncIterable<DraftCanvas>;

/** A group whose members nobody knows before they are read. */
export type UnreadGroup = Omit<GroupNode, "group"> & { members: Members };

type DraftChain = Omit<ChainNode, "chain"> & { chain: Draft[] };
export type DraftGroup = Omit<GroupNode, "group"> & { group: Draft[] };
type DraftEach = Omit<EachNode, "each"> & { each: Draft };
export type Draft = TaskNode | DraftChain | DraftGroup | DraftEach | UnreadGroup;

export function isUnread(draft: Draft): draft is UnreadGroup {
  return "members" in draft;
}

/** The nodes right below one, as far as they are known. */
function partsOf(draft: Draft): readonly Draft[] {
  if ("chain" in draft) return draft.chain;
  if ("group" in draft) return draft.group;
  return "each" in draft ? [draft.each] : [];
}

/** Whether all of its members are known. Level by level, so that no depth costs stack. */
export function isWhole(draft: Draft): draft is Node {
  for (let level: readonly Draft[] = [draft]; level.length > 0; level = level.flatMap(partsOf)) {
    if (level.some(isUnread)) return false;
  }
  return true;
}

/** The node of a canvas that is written down to be used later. @throws InvalidWorkflowError for members that are read when they are sent */
export function wholeNode(draft: Draft): Node {
  if (isWhole(draft)) return draft;
  throw new InvalidWorkflowError(
    "group",
    "members that are read one by one",
    "a list of them: only delay(), applyAsync() and ctx.addToGroup() read members while they are sent",
  );
}
