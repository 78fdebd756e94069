/** Workflows as JSON Schema. */

import { node } from "./schedule-schemas.ts";
import {
  body,
  count,
  type Document,
  key,
  list,
  object,
  payloadVersion,
  state,
  tags,
  text,
  texts,
  time,
  timeLimit,
  times,
  uuid,
} from "./schema-parts.ts";

const policy: Document = {
  anyOf: [
    { enum: ["failFast", "waitForAll", "collect", "first"] },
    body({ tolerate: { anyOf: [count, { type: "string", pattern: "^\\d{1,3}(\\.\\d{1,3})?%$" }] } }),
  ],
};
const callback: Document = { $ref: "#/components/schemas/WorkflowTask" };
/** Fields of a task within a workflow. */
const taskFields: Document = {
  task: text,
  payload: { description: "The fields that are known." },
  payloadVersion,
  into: { type: "string", minLength: 1, maxLength: 256, description: "The field that the result before becomes." },
  immutable: { type: "boolean", description: "The result before is not wanted." },
};
/** Fields of a node of a workflow. */
const nodeFields: Document = {
  ...taskFields,
  chain: { type: "array", minItems: 1, items: node },
  group: list(node),
  chord: body({ header: list(node), body: node }),
  each: node,
  policy,
  link: list(callback),
  linkError: list(callback),
};

export const workflowBody = body(
  {},
  {
    ...nodeFields,
    options: {
      type: "object",
      description: "Of the whole: 'countdown' and 'eta' delay its first tasks, 'expires' holds for all.",
      additionalProperties: false,
      properties: {
        ...times,
        queue: text,
        tags,
        headers: texts,
        idempotencyKey: key,
      },
    },
  },
);

export const workflowTask = body(
  { task: text },
  { ...taskFields, options: { $ref: "#/components/schemas/NodeOptions" } },
);

export const workflowNode = {
  ...body({}, { ...nodeFields, options: { $ref: "#/components/schemas/NodeOptions" } }),
  description: "One of 'task', 'chain', 'group', 'chord' and 'each'.",
};

export const nodeOptions = body(
  {},
  {
    ...times,
    queue: text,
    tags,
    headers: texts,
    messageGroupId: text,
    timeLimit,
    softTimeLimit: timeLimit,
  },
);

export const workflowPage = object(
  {
    workflows: list(
      object(
        {
          id: uuid,
          state,
          sentAt: time,
          rootId: uuid,
          title: { ...text, description: "Its tasks by their names, cut short." },
        },
        {
          finishedAt: time,
          parentId: uuid,
          ended: count,
          failed: count,
          parts: { ...count, description: "Steps of its chain, or members of its group." },
          replaces: { ...uuid, description: "The task that has become it." },
        },
      ),
    ),
    searchedFrom: { ...time, description: "No older workflow was looked at." },
  },
  { cursor: { ...uuid, description: "Present if there may be more." } },
);

export const workflow = object(
  {
    id: uuid,
    state,
    sentAt: time,
    nodes: list(
      object(
        { place: text, kind: { enum: ["task", "chain", "group", "each"] }, state },
        {
          parent: text,
          task: text,
          payloadVersion,
          id: uuid,
          attempt: count,
          startedAt: time,
          finishedAt: time,
          error: { $ref: "#/components/schemas/TaskError" },
          policy,
          members: count,
          ended: count,
          failed: count,
          failures: { ...list(text), description: "Places of the first members that failed." },
          added: {
            ...list(uuid),
            description: "Workflows of members that a task has added, the first of them. They are in the counts.",
          },
          folded: {
            const: true,
            description: "Its parts are not shown here, but for the first that failed: ask for its place.",
          },
        },
      ),
    ),
    edges: list(object({ from: text, to: text })),
  },
  { cursor: text },
);
