/**
 * Members that a task adds to its group while that runs. They are a workflow of their own, a group, for which the join waits under a name
 * beside the number of the task's own member (docs/decisions/0063-added-members.md).
 */

import { InvalidWorkflowError, WorkflowNotFoundError } from "../errors.ts";
import { type Message, withoutEdition } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import type { Members } from "../task/draft.ts";
import { MAX_ADDITIONS } from "../workflows/additions.ts";
import {
  type Definition,
  type EachNode,
  type GroupNode,
  isEachNode,
  isGroupNode,
  type Node,
  nodeAt,
  type Place,
  type Policy,
  parentOf,
} from "../workflows/definition.ts";
import { keptUntil } from "./check.ts";
import type { KnownTasks } from "./flow.ts";
import { addedId } from "./results.ts";
import { begin } from "./send.ts";
import { groupOf } from "./shapes.ts";
import { writeDown } from "./write.ts";

/** A task that adds members, the number of that call in its run, and the members. */
interface Addition {
  message: Message;
  call: number;
  members: Members;
}

/** The group around a task, and the name under which it waits for what that adds. */
interface Around {
  definition: Definition;
  node: GroupNode | EachNode;
  place: Place;
  member: string;
}

/**
 * Adds members to the group around a task. May be repeated: what a call has added stays as it was first said.
 * @throws InvalidWorkflowError for a task without a group around it, for a group that waits for it no more, and for members that cannot be sent
 */
export async function addToGroup(app: App, tasks: KnownTasks, addition: Addition): Promise<void> {
  const { message, members } = addition;
  if (Array.isArray(members) && members.length === 0) return;
  const around = await groupAround(app, addition);
  if (around === undefined) {
    throw new InvalidWorkflowError("addToGroup", message.task, "a task that runs as a member of a group");
  }
  const definition = await define(app, tasks, addition, around);
  // Its message has the group wait for them, too: dying after this adds them, and dying before adds nothing.
  await begin({ app, tasks, definition }, undefined);
  const found = await waitFor(app, definition);
  if (found === "waits") return;
  if (found === "full") {
    const given = `${MAX_ADDITIONS + 1} calls by the tasks of one member`;
    throw new InvalidWorkflowError("addToGroup", given, `at most ${MAX_ADDITIONS}, with all members of each`);
  }
  throw new InvalidWorkflowError("addToGroup", message.task, "a task for which its group still waits");
}

/** Has the group wait for members that were added; not so if it waits no more for the one that has added them, or if that has added too often. */
export async function waitFor(app: App, { adds }: Definition): Promise<"waits" | "ended" | "full"> {
  if (adds === undefined) return "ended";
  return app.workflows.joins.add({ workflow: adds.workflow, place: adds.place }, adds.member);
}

/** The nearest group: of its own workflow, or of the one around the task that has become it. */
async function groupAround(app: App, { message, call }: Addition): Promise<Around | undefined> {
  const { workflow } = message;
  if (workflow === undefined || workflow.callback !== undefined) return undefined;
  let at: { id: string; place: Place } | undefined = workflow;
  let by = "";
  while (at !== undefined) {
    const definition: Definition | undefined = await app.workflows.read(at.id);
    if (definition === undefined) throw new WorkflowNotFoundError(at.id);
    for (let above = parentOf(at.place); above !== undefined; above = parentOf(above.place)) {
      const node = groupNodeAt(definition.root, above.place);
      if (node === undefined) continue;
      const own: Place = at.place.slice(above.place === "" ? 0 : above.place.length + 1);
      return { definition, node, place: above.place, member: `${own}${by}+${call}` };
    }
    at = definition.replaces?.workflow;
    by = `~${message.id.slice(-8)}`;
  }
  return undefined;
}

async function define(
  app: App,
  tasks: KnownTasks,
  { message, members }: Addition,
  { definition: around, node, place, member }: Around,
): Promise<Definition> {
  const now = app.clock();
  const policy = policyWithin(node.policy);
  const id = addedId({ workflow: around.id, place }, member);
  const { node: draft } = groupOf(members, policy);
  const written = await writeDown(app, { tasks, queues: app.config.queues, now }, id, draft);
  const until = keptUntil(app, now, written.delaySeconds).toISOString();
  const { rootId, keepUntil, defaults, schedule } = around;
  const definition: Definition = {
    v: 1,
    id,
    root: written.root,
    sentAt: now.toISOString(),
    rootId,
    parentId: message.id,
    keepUntil: keepUntil > until ? keepUntil : until,
    adds: { workflow: around.id, place, member },
    ...(schedule && { schedule: withoutEdition(schedule) }),
    ...(defaults && { defaults }),
  };
  const isFirst = await written.define(definition);
  return isFirst ? definition : ((await app.workflows.read(definition.id)) ?? definition);
}

/** The policy among members that were added: failures that the group around bears are counted there. */
function policyWithin(policy: Policy | undefined): Policy | undefined {
  return typeof policy === "object" ? "collect" : policy;
}

function groupNodeAt(root: Node, place: Place): GroupNode | EachNode | undefined {
  const node = nodeAt(root, place);
  return node && (isGroupNode(node) || isEachNode(node)) ? node : undefined;
}
