/** The bodies of the API as JSON Schema, each under its name in the contract. */

import { ROLES } from "../api-keys.ts";
import { ACTS } from "../audit/trail.ts";
import { OUTCOMES } from "../bulk/act.ts";
import { GROUP_STATES } from "../failures/groups.ts";
import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { bulk, bulkBody } from "./bulk-schemas.ts";
import { counts } from "./count-schemas.ts";
import { failure, redriveLimits } from "./failure-schemas.ts";
import { entry, node, nullable, rules, runs } from "./schedule-schemas.ts";
import {
  anything,
  attempts,
  body,
  count,
  type Document,
  key,
  list,
  object,
  scope,
  seconds,
  state,
  tag,
  text,
  texts,
  time,
  timeLimit,
  uuid,
} from "./schema-parts.ts";

export function ref(name: keyof typeof schemas): Document {
  return { $ref: `#/components/schemas/${name}` };
}

/** The body of a call that sends a task. */
export function sendBody(payload: Document, isNeeded: boolean): Document {
  const more = { options: ref("Options"), id: callerId };
  return isNeeded ? body({ payload }, more) : body({}, { payload, ...more });
}

const callerId = {
  ...uuid,
  description:
    "A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state.",
};
const large = object({ sizeBytes: count }, { url: text, gone: { const: true }, damaged: { const: true } });
const TASK = {
  required: {
    id: uuid,
    task: text,
    state,
    queue: text,
    attempt: { type: "integer", minimum: 1 },
    payload: anything,
    createdAt: time,
    rootId: uuid,
  },
  optional: {
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
    arrivedAt: { ...time, description: "When the file of an upload came. Absent as long as a form waits for it." },
    large: {
      ...object({}, { payload: large, result: large, error: large }),
      description:
        "Values that are not shown here, for they are large: a link to each, or 'gone' when it is kept no longer; 'damaged' when it is no JSON.",
    },
  },
};

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

const limits = {
  rateLimit: {
    description: "Starts in a time, such as '100/m'; a number is starts a second; null is no limit.",
    type: ["string", "number", "null"],
  },
  concurrency: { type: ["integer", "null"], minimum: 1, maximum: MAX_CONCURRENCY },
};
const decided = { name: text, at: time };
const reason = { code: text, reason: text };

export const schemas = {
  Task: object(TASK.required, TASK.optional),
  UploadedTask: object(
    { ...TASK.required, links: { ...texts, description: "Links to what the task made." } },
    {
      ...TASK.optional,
      filename: { type: "string", description: "The client's name for the file." },
      original: { ...text, description: "A link to the file as it came." },
    },
  ),
  TaskPage: object(
    {
      tasks: list({ $ref: "#/components/schemas/Task" }),
      searchedFrom: { ...time, description: "No older task was looked at." },
    },
    { cursor: { ...uuid, description: "Present if there may be more." } },
  ),
  Accepted: object({ id: uuid, task: text, state }, { replayOf: uuid }),
  AcceptedRun: object({ id: uuid, state }, { task: { ...text, description: "Absent of a workflow." } }),
  Revoked: object({ revoked: object({ scope, name: text, sentUntil: time }) }),
  Dropped: {
    anyOf: [
      object({ dropped: object({ scope, name: text }), meaning: text }),
      object({ dropped: object({ before: time, count }), more: { type: "boolean" }, meaning: text }),
    ],
  },
  PausedTask: object({ task: text, paused: { type: "boolean" } }),
  PausedQueue: object({ queue: text, paused: { type: "boolean" } }),
  Limits: { ...body({}, limits), description: "What is absent is as the task's code says." },
  TaskLimits: object({ task: text, limits: { anyOf: [{ $ref: "#/components/schemas/Limits" }, { type: "null" }] } }),
  Queues: object({
    queues: list(
      object(
        { name: text, paused: { type: "boolean" } },
        { waiting: count, inFlight: count, delayed: count, unreadable: { const: true } },
      ),
    ),
    dead: {
      type: ["integer", "null"],
      minimum: 0,
      description: "Messages in the dead-letter queue; null if it cannot be read.",
    },
  }),
  Redrive: body(
    {},
    {
      ...redriveLimits,
      task: tag,
      from: { type: "string", description: "A date or a time. By default 7 days ago." },
      to: { type: "string", description: "A date or a time. By default now." },
    },
  ),
  Redriven: object(
    {
      redriven: { ...count, description: "Tasks that this call has sent." },
      skipped: list(object({ id: uuid, ...reason }, { replayedBy: uuid })),
    },
    { stopped: object(reason), cursor: text },
  ),
  ControlPage: object(
    {
      decisions: list({
        anyOf: [
          object({ kind: { const: "pause" }, scope: { enum: ["task", "queue"] }, ...decided }),
          object({ kind: { const: "revoke" }, scope, ...decided }),
          object({
            kind: { const: "limits" },
            scope: { const: "task" },
            ...decided,
            limits: { $ref: "#/components/schemas/Limits" },
          }),
        ],
      }),
    },
    { cursor: text },
  ),
  ScheduleBody: body({ schedule: text }, { task: text, ...rules }),
  ScheduleChange: body({}, nullable({ task: text, schedule: text, ...rules })),
  Schedule: object(...entry),
  ScheduleWithRuns: object({ ...entry[0], runs }, entry[1]),
  SchedulePage: object({ schedules: list(object(entry[0], { ...entry[1], runs })) }, { cursor: text }),
  WorkflowBody: body(
    {},
    {
      ...nodeFields,
      options: {
        ...{
          type: "object",
          description: "Of the whole: 'countdown' and 'eta' delay its first tasks, 'expires' holds for all.",
        },
        additionalProperties: false,
        properties: {
          countdown: { type: "number", minimum: 0, maximum: MAX_TIMER_SECONDS },
          ...{
            eta: time,
            expires: { anyOf: [{ type: "number", exclusiveMinimum: 0, maximum: MAX_TIMER_SECONDS }, time] },
          },
          ...{ queue: text, tags: { type: "array", maxItems: 10, items: tag }, headers: texts, idempotencyKey: key },
        },
      },
    },
  ),
  WorkflowTask: body({ task: text }, { ...taskFields, options: { $ref: "#/components/schemas/NodeOptions" } }),
  WorkflowNode: {
    ...body({}, { ...nodeFields, options: { $ref: "#/components/schemas/NodeOptions" } }),
    description: "One of 'task', 'chain', 'group', 'chord' and 'each'.",
  },
  NodeOptions: body(
    {},
    {
      countdown: { type: "number", minimum: 0, maximum: MAX_TIMER_SECONDS },
      ...{ eta: time, expires: { anyOf: [{ type: "number", exclusiveMinimum: 0, maximum: MAX_TIMER_SECONDS }, time] } },
      ...{ queue: text, tags: { type: "array", maxItems: 10, items: tag }, headers: texts, messageGroupId: text },
      ...{ timeLimit, softTimeLimit: timeLimit },
    },
  ),
  AcceptedWorkflow: object({ id: uuid, state }),
  WorkflowPage: object(
    {
      workflows: list(
        object(
          {
            ...{ id: uuid, state, sentAt: time, rootId: uuid },
            title: { ...text, description: "Its tasks by their names, cut short." },
          },
          {
            ...{ finishedAt: time, parentId: uuid, ended: count, failed: count },
            parts: { ...count, description: "Steps of its chain, or members of its group." },
            replaces: { ...uuid, description: "The task that has become it." },
          },
        ),
      ),
      searchedFrom: { ...time, description: "No older workflow was looked at." },
    },
    { cursor: { ...uuid, description: "Present if there may be more." } },
  ),
  RevokedWorkflow: object({ id: uuid, revoked: { const: true } }),
  Workflow: object(
    {
      ...{ id: uuid, state, sentAt: time },
      nodes: list(
        object(
          { place: text, kind: { enum: ["task", "chain", "group", "each"] }, state },
          {
            ...{ parent: text, task: text, id: uuid, attempt: count, startedAt: time, finishedAt: time },
            error: { $ref: "#/components/schemas/TaskError" },
            ...{ policy, members: count, ended: count, failed: count },
            failures: { ...list(text), description: "Places of the first members that failed." },
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
  ),
  DeletedSchedule: object({ name: text, deleted: { const: true } }),
  PausedSchedule: object({ name: text, paused: { type: "boolean" } }),
  SchedulePreview: object({
    ...{ schedule: text, timezone: text },
    next: { ...list(text), description: "With the offset of the zone." },
    notes: { ...list(text), description: "What may surprise." },
    clockChanges: list(object({ at: text, minutes: { type: "number" }, effect: text })),
  }),
  UploadRequest: body(
    {
      filename: { type: "string", minLength: 1, maxLength: 255 },
      contentType: { type: "string", pattern: "^[\\w.+-]+/[\\w.+-]+", examples: ["text/csv"] },
    },
    { size: { type: "integer", minimum: 0 } },
  ),
  Upload: object({
    id: uuid,
    upload: {
      ...object({ method: { const: "POST" }, url: text, fields: texts }),
      description: "Send `fields` and then the file, as the field `file`, in multipart/form-data to `url`.",
    },
    expiresAt: time,
    maxBytes: { ...count, description: "S3 refuses a larger file." },
  }),
  Replay: body({}, { payload: { description: "In the place of the old one." } }),
  Send: { ...body({}, { payload: {}, options: { $ref: "#/components/schemas/Options" }, id: callerId }) },
  FailurePage: object({ failures: list({ $ref: "#/components/schemas/Failure" }) }, { cursor: text }),
  Failure: object(...failure),
  FailureWithTasks: object(
    { ...failure[0], tasks: list({ $ref: "#/components/schemas/Task" }) },
    { ...failure[1], cursor: uuid },
  ),
  JudgedFailure: object({ fingerprint: text, state: { enum: GROUP_STATES } }),
  ReplayFailures: body({}, redriveLimits),
  BulkBody: bulkBody,
  BulkAct: object(...bulk),
  BulkPage: object({ acts: list(object(...bulk)) }, { cursor: uuid }),
  BulkActWithTasks: object(
    {
      ...bulk[0],
      tasks: list(
        object(
          { id: uuid, outcome: { enum: ["waiting", ...OUTCOMES] } },
          { code: text, reason: text, replayedBy: uuid },
        ),
      ),
    },
    { ...bulk[1], cursor: text },
  ),
  Counts: counts,
  Key: object({ name: text, role: { enum: ROLES }, readOnly: { type: "boolean" } }),
  Activity: object(
    {
      acts: list(
        object(
          {
            ...{ id: uuid, at: time },
            act: { enum: ACTS },
            by: { ...text, description: "The name of the key." },
            target: anything,
            state: {
              enum: ["asked", "done", "refused"],
              description: "Of one that stays 'asked', the outcome is unknown: the function died, or still works.",
            },
          },
          { outcome: anything, sourceIp: text },
        ),
      ),
      searchedFrom: time,
    },
    { cursor: text },
  ),
  Health: object({ status: { const: "ok" } }),
  Index: object({ service: { const: "lovage" }, tasks: list(text), contract: text }),
  Options: body(
    {},
    {
      countdown: { type: "number", minimum: 0, maximum: MAX_TIMER_SECONDS },
      eta: time,
      expires: { anyOf: [{ type: "number", exclusiveMinimum: 0, maximum: MAX_TIMER_SECONDS }, time] },
      queue: { type: "string", pattern: "^[a-z][a-z0-9-]{0,62}$" },
      idempotencyKey: key,
      idempotencyExpires: seconds,
      debounce: body({ key, wait: seconds }, { maxWait: seconds }),
      throttle: body({ key, period: seconds }),
      tags: { type: "array", maxItems: 10, items: tag },
      headers: texts,
      messageGroupId: { type: "string", pattern: "^[\\x21-\\x7e]{1,128}$" },
      timeLimit,
      softTimeLimit: timeLimit,
      ignoreResult: { type: "boolean" },
    },
  ),
  TaskError: object(
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
  ),
  Problem: {
    ...object(
      { type: text, title: text, status: { type: "integer" }, detail: text, code: text },
      { id: uuid, issues: { type: "array", maxItems: 20, items: object({ message: text, path: list(text) }) } },
    ),
    description: "Problem details, RFC 9457: a sentence for people, and a code that stays.",
  },
} satisfies Record<string, Document>;

/** Names of the fields of a schema, which may be named by a reference. */
export function fieldsOf(schema: Document | undefined): string[] {
  const name = String(schema?.$ref ?? "")
    .split("/")
    .at(-1);
  const named = Object.entries<Document>(schemas).find(([known]) => known === name)?.[1];
  const { properties } = named ?? schema ?? {};
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}
