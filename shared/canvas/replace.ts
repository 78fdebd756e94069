/** A task that becomes a workflow, and keeps its id. */

import { WorkflowNotFoundError } from "../errors.ts";
import { derivedId, idTime } from "../message/id.ts";
import { type Message, withoutEdition } from "../message/message.ts";
import type { App } from "../task/current-app.ts";
import type { Definition, Node } from "../workflows/definition.ts";
import { nodeOfCode } from "../workflows/read-node.ts";
import { checkNode, keptUntil } from "./check.ts";
import type { KnownTasks } from "./flow.ts";
import { begin, recordEnd } from "./send.ts";

/**
 * Writes down what a task becomes, and answers with the workflow's id: of one attempt it is the same, however often it is run.
 * @throws InvalidWorkflowError
 */
export async function defineReplacement(app: App, tasks: KnownTasks, message: Message, node: Node): Promise<string> {
  const { id: task, attempt, keepUntil, workflow, rootId, tags, headers, schedule } = message;
  const now = app.clock();
  const root = nodeOfCode(node);
  const delaySeconds = await checkNode({ tasks, queues: app.config.queues, now }, root);
  const until = keptUntil(app, now, delaySeconds).toISOString();
  const id = derivedId(idTime(task) ?? now, `replace/${task}/${attempt}`);
  const defaults = { ...(tags && { tags }), ...(headers && { headers }) };
  const definition: Definition = {
    v: 1,
    id,
    root,
    sentAt: now.toISOString(),
    rootId,
    parentId: task,
    keepUntil: keepUntil !== undefined && keepUntil > until ? keepUntil : until,
    replaces: {
      id: task,
      task: message.task,
      ...(keepUntil !== undefined && { keepUntil }),
      ...(workflow && workflow.callback === undefined && { workflow: { id: workflow.id, place: workflow.place } }),
    },
    ...(schedule && { schedule: withoutEdition(schedule) }),
    ...(Object.keys(defaults).length > 0 && { defaults }),
  };
  await app.workflows.define(definition);
  return id;
}

/** Begins what a task has become. May be repeated. @throws WorkflowNotFoundError */
export async function beginReplacement(app: App, tasks: KnownTasks, id: string): Promise<void> {
  const definition = await app.workflows.read(id);
  if (definition === undefined) throw new WorkflowNotFoundError(id);
  const flow = { app, tasks, definition };
  await begin(flow, undefined);
  await recordEnd(flow);
}
