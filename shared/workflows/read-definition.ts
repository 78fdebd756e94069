/** Reads a definition as the table keeps it, which this version of Lovage or another has written. */

import { InvalidWorkflowError, NewerWorkflowError } from "../errors.ts";
import type { Json } from "../message/json.ts";
import type { Definition } from "./definition.ts";
import { fieldsOf, optionsOf, readStoredNode, refuse } from "./read-node.ts";

/**
 * A definition as the table keeps it. It was checked when it was sent, so that one which cannot be read is of a newer version.
 * @throws NewerWorkflowError
 */
export function readDefinition(id: string, value: Json): Definition {
  try {
    return definitionOf(value);
  } catch (error) {
    if (error instanceof InvalidWorkflowError) throw new NewerWorkflowError(id, error.message, error);
    throw error;
  }
}

function definitionOf(value: Json): Definition {
  const fields = fieldsOf(value, "");
  const { v } = fields;
  if (v !== 1) return refuse("v", v, "1");
  const text = (name: string): string => {
    const found = fields[name];
    return typeof found === "string" ? found : refuse(name, found, "text");
  };
  const { defaults } = fields;
  return {
    v: 1,
    id: text("id"),
    root: readStoredNode(fields.root ?? null),
    sentAt: text("sentAt"),
    keepUntil: text("keepUntil"),
    rootId: text("rootId"),
    ...(fields.parentId !== undefined && { parentId: text("parentId") }),
    ...(fields.schedule !== undefined && { schedule: scheduleOf(fields.schedule) }),
    ...(fields.begins !== undefined && { begins: text("begins") }),
    ...(fields.replaces !== undefined && { replaces: replacesOf(fields.replaces) }),
    ...(fields.adds !== undefined && { adds: addsOf(fields.adds) }),
    ...(defaults !== undefined && { defaults: defaultsOf(defaults) }),
  };
}

function scheduleOf(value: Json): NonNullable<Definition["schedule"]> {
  const { name, at, edition, manual, by } = fieldsOf(value, "schedule");
  return {
    name: String(name),
    at: String(at),
    ...(edition !== undefined && { edition: String(edition) }),
    ...(manual === true && { manual }),
    ...(by !== undefined && { by: String(by) }),
  };
}

function replacesOf(value: Json): NonNullable<Definition["replaces"]> {
  const { id, task, keepUntil, workflow } = fieldsOf(value, "replaces");
  const mark = workflow === undefined ? undefined : fieldsOf(workflow, "replaces.workflow");
  return {
    id: String(id),
    task: String(task),
    ...(keepUntil !== undefined && { keepUntil: String(keepUntil) }),
    ...(mark && { workflow: { id: String(mark.id), place: String(mark.place) } }),
  };
}

function addsOf(value: Json): NonNullable<Definition["adds"]> {
  const { workflow, place, member } = fieldsOf(value, "adds");
  return { workflow: String(workflow), place: String(place), member: String(member) };
}

function defaultsOf(value: Json): NonNullable<Definition["defaults"]> {
  const { queue, tags, headers, expires } = optionsOf(value, { path: "defaults", isStored: true });
  return {
    ...(queue !== undefined && { queue }),
    ...(tags && { tags }),
    ...(headers && { headers }),
    ...(expires !== undefined && { expires: String(expires) }),
  };
}
