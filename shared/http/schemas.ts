/** The bodies of the API as JSON Schema, each under its name in the contract. */

import { ROLES } from "../api-keys.ts";
import { GROUP_STATES } from "../failures/groups.ts";
import { MAX_CONCURRENCY } from "../limits/concurrency.ts";
import { activity } from "./activity-schemas.ts";
import { bulk, bulkActWithTasks, bulkBody } from "./bulk-schemas.ts";
import { counts } from "./count-schemas.ts";
import { failure, redriveLimits } from "./failure-schemas.ts";
import { entry, nullable, rules, runs } from "./schedule-schemas.ts";
import {
  body,
  count,
  type Document,
  list,
  object,
  payloadVersion,
  scope,
  state,
  tag,
  text,
  texts,
  time,
  uuid,
} from "./schema-parts.ts";
import { callOptions, taskError, taskRecord } from "./task-schemas.ts";
import { uploads } from "./upload-schemas.ts";
import { nodeOptions, workflow, workflowBody, workflowNode, workflowPage, workflowTask } from "./workflow-schemas.ts";

export function ref(name: keyof typeof schemas): Document {
  return { $ref: `#/components/schemas/${name}` };
}

/** The body of a call that sends a task. @param versions of its payload that may be sent; the one that is described is the newest */
export function sendBody(payload: Document, isNeeded: boolean, versions: { oldest: number; newest: number }): Document {
  const { oldest, newest } = versions;
  const description = `By default ${newest}, which is the version that is described here.`;
  const version = newest > 1 && { payloadVersion: { type: "integer", minimum: oldest, maximum: newest, description } };
  const more = { options: ref("Options"), id: callerId, ...version };
  return isNeeded ? body({ payload }, more) : body({}, { payload, ...more });
}

const callerId = {
  ...uuid,
  description:
    "A UUID of version 7, made by the caller now: the same call again is the same task, and is answered with its state.",
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
  Task: object(...taskRecord),
  UploadedTask: object(
    { ...taskRecord[0], links: { ...texts, description: "Links to what the task made." } },
    {
      ...taskRecord[1],
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
        {
          waiting: count,
          inFlight: count,
          delayed: count,
          unreadable: { const: true },
          workers: {
            ...count,
            description: "The most workers that Lambda runs for it at once; absent: as many as the account allows.",
          },
        },
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
  WorkflowBody: workflowBody,
  WorkflowTask: workflowTask,
  WorkflowNode: workflowNode,
  NodeOptions: nodeOptions,
  AcceptedWorkflow: object({ id: uuid, state }),
  WorkflowPage: workflowPage,
  RevokedWorkflow: object({ id: uuid, revoked: { const: true } }),
  Workflow: workflow,
  DeletedSchedule: object({ name: text, deleted: { const: true } }),
  PausedSchedule: object({ name: text, paused: { type: "boolean" } }),
  SchedulePreview: object({
    schedule: text,
    timezone: text,
    next: { ...list(text), description: "With the offset of the zone." },
    notes: { ...list(text), description: "What may surprise." },
    clockChanges: list(object({ at: text, minutes: { type: "number" }, effect: text })),
  }),
  ...uploads,
  Replay: body(
    {},
    {
      payload: { description: "In the place of the old one." },
      payloadVersion: { ...payloadVersion, description: "Of that payload; by default that of the old one." },
    },
  ),
  Send: {
    ...body({}, { payload: {}, payloadVersion, options: { $ref: "#/components/schemas/Options" }, id: callerId }),
  },
  FailurePage: object({ failures: list({ $ref: "#/components/schemas/Failure" }) }, { cursor: text }),
  Failure: object(...failure),
  FailureWithTasks: object(
    { ...failure[0], tasks: list({ $ref: "#/components/schemas/Task" }) },
    { ...failure[1], cursor: uuid },
  ),
  JudgedFailure: object({ fingerprint: text, state: { enum: GROUP_STATES } }),
  BulkBody: bulkBody,
  BulkAct: object(...bulk),
  BulkPage: object({ acts: list(object(...bulk)) }, { cursor: uuid }),
  BulkActWithTasks: bulkActWithTasks,
  Counts: counts,
  Key: object(
    { name: text, role: { enum: ROLES }, readOnly: { type: "boolean" } },
    { version: { type: "string", description: "Of the deployed code, where the deployment has named it." } },
  ),
  Activity: activity,
  Health: object({ status: { const: "ok" } }),
  Index: object(
    { service: { const: "lovage" }, tasks: list(text), contract: text },
    { versions: list(object({ task: text, oldest: payloadVersion, newest: payloadVersion }, { aliases: list(text) })) },
  ),
  Options: callOptions,
  TaskError: taskError,
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
  const { properties } = resolved(schema);
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}

/** Names of those that must be there. */
export function requiredFieldsOf(schema: Document | undefined): string[] {
  const { required } = resolved(schema);
  return Array.isArray(required) ? required.map(String) : [];
}

function resolved(schema: Document = {}): Document {
  const name = String(schema.$ref ?? "")
    .split("/")
    .at(-1);
  return Object.entries<Document>(schemas).find(([known]) => known === name)?.[1] ?? schema;
}
