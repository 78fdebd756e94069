/** Checks a workflow against its tasks before anything of it is sent. */

import { DEFAULT_QUEUE } from "../config.ts";
import { describeError, InvalidPayloadError, InvalidWorkflowError } from "../errors.ts";
import { MAX_TIMER_SECONDS, UNFINISHED_SECONDS } from "../lifetimes.ts";
import { parseJson, toJsonText } from "../message/json.ts";
import { payloadVersionOf } from "../message/payload-version.ts";
import type { App } from "../task/current-app.ts";
import { type ApplyOptions, checkQueue, type ResolvedOptions, resolveOptions } from "../task/options.ts";
import { payloadOrNone } from "../task/payload.ts";
import { secondsAfter } from "../task/times.ts";
import { CHORD, isChainNode, isGroupNode, isTaskNode, type Node, type TaskNode } from "../workflows/definition.ts";
import { placeIn } from "../workflows/read-node.ts";
import type { KnownTasks } from "./flow.ts";
import { callOptions } from "./options.ts";

/** The ground on which a workflow is checked. */
export interface Checking {
  tasks: KnownTasks;
  queues: readonly string[];
  now: Date;
}

/** Where a node stands, and whether it gets a result. */
export interface Position {
  path: string;
  /** The name of the members of a group that is said as a part of a chord. @defaultValue group */
  members?: string;
  isFirst: boolean;
}

/** A whole has no options of its own. */
const WHOLE = { queue: DEFAULT_QUEUE, timeLimit: undefined, softTimeLimit: undefined };

/** Checks a workflow and the options of the whole. @throws InvalidOptionError, and as checkNode */
export async function checkWhole(checking: Checking, root: Node, options: ApplyOptions): Promise<ResolvedOptions> {
  const resolved = optionsOfWhole(checking, options);
  refuseLong(checking, resolved, await checkNode(checking, root));
  return resolved;
}

/** The options of a whole. @throws InvalidOptionError */
export function optionsOfWhole({ now, queues }: Checking, options: ApplyOptions): ResolvedOptions {
  const resolved = resolveOptions(options, now, WHOLE);
  checkQueue(resolved.queue, queues);
  return resolved;
}

/**
 * Checks names, options, and each payload that is whole already; answers with the seconds by which its own delays put off the end.
 * @throws InvalidWorkflowError with the place, TaskNotRegisteredError's sentence within
 */
export async function checkNode(checking: Checking, root: Node): Promise<number> {
  const delaySeconds = await checkPart(checking, root, { path: "", isFirst: true });
  refuseLong(checking, {}, delaySeconds);
  return delaySeconds;
}

/** @throws InvalidWorkflowError for delays that are longer, with that of the whole, than its items are kept */
export function refuseLong({ now }: Checking, { eta }: { eta?: Date | undefined }, delaySeconds: number): void {
  const all = delaySeconds + (eta === undefined ? 0 : (eta.getTime() - now.getTime()) / 1000);
  if (all <= MAX_TIMER_SECONDS) return;
  throw new InvalidWorkflowError(
    "",
    `delays of ${Math.ceil(all)} seconds together`,
    `at most ${MAX_TIMER_SECONDS} (400 days)`,
  );
}

/** @throws InvalidWorkflowError for an `each` that nothing stands before */
export function refuseNothingBefore(path: string): never {
  throw new InvalidWorkflowError(path, "nothing before it", "a node before it whose result is the list");
}

/** How long all of a workflow is kept that begins at a time. */
export function keptUntil(app: App, begin: Date, delaySeconds: number): Date {
  return secondsAfter(begin, delaySeconds + app.config.resultExpires + UNFINISHED_SECONDS);
}

/** As checkNode, of a node within a whole. */
export async function checkPart(checking: Checking, node: Node, position: Position): Promise<number> {
  const { path, isFirst, members = "group" } = position;
  for (const kind of ["link", "linkError"] as const) {
    for (const [index, callback] of (node[kind] ?? []).entries()) {
      await checkPart(checking, callback, { path: `${placeIn(path, kind)}[${index}]`, isFirst: false });
    }
  }
  if (isTaskNode(node)) return checkTask(checking, node, position);
  if (isChainNode(node)) {
    let sum = 0;
    for (const [index, step] of node.chain.entries()) {
      const own = node[CHORD] ? chordPlace(path, index) : { path: `${placeIn(path, "chain")}[${index}]` };
      sum += await checkPart(checking, step, { ...own, isFirst: isFirst && index === 0 });
    }
    return sum;
  }
  if (isGroupNode(node)) {
    let longest = 0;
    for (const [index, member] of node.group.entries()) {
      const own = { path: `${placeIn(path, members)}[${index}]`, isFirst };
      longest = Math.max(longest, await checkPart(checking, member, own));
    }
    return longest;
  }
  if (isFirst) refuseNothingBefore(placeIn(path, "each"));
  return checkPart(checking, node.each, { path: placeIn(path, "each"), isFirst: false });
}

/** The place of the header, or of the body. */
function chordPlace(path: string, index: number): Pick<Position, "path" | "members"> {
  const chord = placeIn(path, "chord");
  return index === 0 ? { path: chord, members: "header" } : { path: placeIn(chord, "body") };
}

async function checkTask({ queues, tasks, now }: Checking, node: TaskNode, position: Position): Promise<number> {
  const { path, isFirst } = position;
  const at = (name: string): string => placeIn(path, name);
  const task = await tasks.find(node.task);
  if (task === undefined) throw new InvalidWorkflowError(at("task"), node.task, "the name of a registered task");
  let delaySeconds = 0;
  try {
    const { queue, eta } = resolveOptions(callOptions(node), now, task);
    checkQueue(queue, queues);
    delaySeconds = eta ? (eta.getTime() - now.getTime()) / 1000 : 0;
  } catch (error) {
    throw new InvalidWorkflowError(at("options"), node.options, `options of a task (${describeError(error).message})`);
  }
  if (isFirst && node.into !== undefined) {
    throw new InvalidWorkflowError(at("into"), node.into, "no 'into' in a first task, before which there is no result");
  }
  if (!isFirst && !node.immutable) return delaySeconds;
  const version = payloadVersionOf(node);
  const payload = payloadOrNone(task.schema, node.payload, version === task.payloadVersion);
  // Newer code has stored it: its worker waits for that.
  if (version > task.payloadVersion) return delaySeconds;
  try {
    await task.validate(parseJson(toJsonText(payload)), version);
  } catch (error) {
    const issues = error instanceof InvalidPayloadError ? error.message : describeError(error).message;
    throw new InvalidWorkflowError(at("payload"), payload, `what task '${node.task}' accepts (${issues})`);
  }
  return delaySeconds;
}
