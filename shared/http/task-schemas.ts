/** The record of a task, its error, and the options of a call as JSON Schema. */

import {
  anything,
  attempts,
  body,
  count,
  type Document,
  key,
  list,
  object,
  payloadVersion,
  seconds,
  state,
  tags,
  text,
  texts,
  time,
  timeLimit,
  times,
  uuid,
} from "./schema-parts.ts";

const large = object({ sizeBytes: count }, { url: text, gone: { const: true }, damaged: { const: true } });

/** Fields of a record, and those that it may have. */
export const taskRecord: [Document, Document] = [
  {
    id: uuid,
    task: text,
    state,
    queue: text,
    attempt: { type: "integer", minimum: 1 },
    payload: anything,
    createdAt: time,
    rootId: uuid,
  },
  {
    payloadVersion: { ...payloadVersion, description: "The version that it was sent in; absent for the first." },
    result: anything,
    error: { $ref: "#/components/schemas/TaskError" },
    progress: anything,
    attempts,
    startedAt: time,
    finishedAt: time,
    eta: time,
    expires: time,
    parentId: uuid,
    replayOf: uuid,
    replayedBy: uuid,
    replacedBy: { ...uuid, description: "The workflow that it has become." },
    revokeRequestedAt: time,
    messageGroupId: text,
    tags: list(text),
    headers: texts,
    workflow: {
      ...object({ id: uuid, place: text }, { input: text }),
      description: "The workflow that it belongs to, its place there, and the place whose results its payload takes.",
    },
    schedule: {
      ...object({ name: text, at: time }, { manual: { const: true }, by: text }),
      description: "The entry that asked for it, and the fire time.",
    },
    version: { ...text, description: "Of the code that ran it last, where the deployment names it." },
    arrivedAt: { ...time, description: "When the file of an upload came. Absent as long as a form waits for it." },
    large: {
      ...object({}, { payload: large, result: large, error: large }),
      description:
        "Values that are not shown here, for they are large: a link to each, or 'gone' when it is kept no longer; 'damaged' when it is no JSON.",
    },
  },
];

export const taskError = object(
  { name: text, message: text },
  {
    stack: text,
    code: text,
    cause: { $ref: "#/components/schemas/TaskError", description: "Why it came to this error; without a stack." },
    errors: {
      type: "array",
      maxItems: 10,
      items: { $ref: "#/components/schemas/TaskError" },
      description: "What an AggregateError holds.",
    },
    moreErrors: { type: "integer", minimum: 1, description: "How many more it holds." },
  },
);

export const callOptions = body(
  {},
  {
    ...times,
    queue: { type: "string", pattern: "^[a-z][a-z0-9-]{0,62}$" },
    idempotencyKey: key,
    idempotencyExpires: seconds,
    debounce: body({ key, wait: seconds }, { maxWait: seconds }),
    throttle: body({ key, period: seconds }),
    tags,
    headers: texts,
    messageGroupId: { type: "string", pattern: "^[\\x21-\\x7e]{1,128}$" },
    timeLimit,
    softTimeLimit: timeLimit,
    ignoreResult: { type: "boolean" },
  },
);
