/**
 * Every call of the API, declared once: its route, the function that answers it, its parameters, body, answers and refusals. The router,
 * the 405 answers, the fields that a body or query may have and the OpenAPI document are made of it; tests hold serverless.yml and the
 * docs to it.
 */

import { ACTS } from "../audit/trail.ts";
import { BULK_CALLS } from "./bulk-calls.ts";
import { BODY_REFUSALS, type Call, decide } from "./call.ts";
import { COUNT_CALLS } from "./count-calls.ts";
import { FAILURE_CALLS } from "./failure-calls.ts";
import { bound, filters, id, name, query, unregistered, wait } from "./parameters.ts";
import { SCHEDULE_CALLS } from "./schedule-calls.ts";
import { tag, text } from "./schema-parts.ts";
import { ref } from "./schemas.ts";
import { UPLOAD_CALLS } from "./upload-calls.ts";

/** By `operationId`: the name that generated clients give a call. */
export const CALLS = {
  sendTask: {
    route: "POST /tasks/{name}",
    function: "submit",
    summary: "Send a task",
    parameters: [name],
    body: { schema: ref("Send"), required: false },
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409, 503],
  },
  readIndex: {
    route: "GET /",
    function: "read",
    summary: "Names of the tasks",
    status: 200,
    answer: ref("Index"),
  },
  readContract: {
    route: "GET /openapi.json",
    function: "read",
    summary: "This document",
    status: 200,
    answer: { type: "object" },
  },
  readHealth: {
    route: "GET /health",
    function: "read",
    summary: "Liveness; needs no key",
    status: 200,
    answer: ref("Health"),
    open: true,
  },
  readKey: {
    route: "GET /key",
    function: "read",
    summary: "Name and role of the key that asks",
    status: 200,
    answer: ref("Key"),
  },
  listActivity: {
    route: "GET /activity",
    function: "read",
    summary: "Acts of operators, newest first; kept for 90 days",
    parameters: [
      { ...query("from", bound), description: "At or after. By default 7 days ago." },
      { ...query("to", bound), description: "At or before." },
      query("by", text),
      query("act", { enum: ACTS }),
      { ...query("cursor", text), description: "Of an earlier answer: go on where that ended." },
      query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
    ],
    status: 200,
    answer: ref("Activity"),
    refusals: [422],
  },
  listTasks: {
    route: "GET /tasks",
    function: "read",
    summary: "List tasks, in the order in which they were sent",
    parameters: filters,
    status: 200,
    answer: ref("TaskPage"),
    refusals: [404, 422],
  },
  revokeTasks: {
    route: "DELETE /tasks",
    function: "operate",
    summary: "Revoke all that was sent by now, of one tag, task or queue",
    parameters: [query("tag", tag), query("task", tag), query("queue", tag), unregistered],
    status: 202,
    answer: ref("Revoked"),
    refusals: [404, 409, 422],
  },
  readTask: {
    route: "GET /tasks/{id}",
    function: "read",
    summary: "Read a task",
    parameters: [id, wait],
    status: 200,
    answer: ref("Task"),
    refusals: [404, 422],
  },
  revokeTask: {
    route: "DELETE /tasks/{id}",
    function: "operate",
    summary: "Revoke a task",
    parameters: [id],
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [404],
  },
  replayTask: {
    route: "POST /tasks/{id}/replay",
    function: "operate",
    summary: "Run a task that has ended again, as a new one",
    parameters: [id],
    body: { schema: ref("Replay"), required: false },
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409, 410, 503],
  },
  pauseTask: decide({
    route: "POST /tasks/{name}/pause",
    summary: "Pause a task",
    answer: ref("PausedTask"),
  }),
  resumeTask: decide({
    route: "POST /tasks/{name}/resume",
    summary: "Resume a task",
    answer: ref("PausedTask"),
  }),
  setTaskLimits: decide({
    route: "PUT /tasks/{name}/limits",
    summary: "Change a task's limits",
    body: { schema: ref("Limits"), required: true },
    answer: ref("TaskLimits"),
    refusals: [...BODY_REFUSALS, 404],
  }),
  resetTaskLimits: decide({
    route: "DELETE /tasks/{name}/limits",
    summary: "Give a task the limits of its code",
    answer: ref("TaskLimits"),
  }),
  listQueues: {
    route: "GET /queues",
    function: "read",
    summary: "Depth of every queue",
    status: 200,
    answer: ref("Queues"),
  },
  pauseQueue: decide({
    route: "POST /queues/{name}/pause",
    summary: "Pause a queue",
    answer: ref("PausedQueue"),
  }),
  resumeQueue: decide({
    route: "POST /queues/{name}/resume",
    summary: "Resume a queue",
    answer: ref("PausedQueue"),
  }),
  purgeQueue: decide({
    route: "POST /queues/{name}/purge",
    summary: "Revoke everything that was sent to a queue by now",
    answer: ref("Revoked"),
    refusals: [404, 409],
  }),
  redriveQueue: decide({
    route: "POST /queues/{name}/redrive",
    summary: "Replay a queue's failures at a rate",
    body: { schema: ref("Redrive"), required: false },
    answer: ref("Redriven"),
    refusals: [...BODY_REFUSALS, 404],
  }),
  listDecisions: {
    route: "GET /control",
    function: "read",
    summary: "Pauses, revokes and limits that are in force",
    parameters: [query("cursor", text), query("limit", { type: "integer", minimum: 1, maximum: 1000, default: 1000 })],
    status: 200,
    answer: ref("ControlPage"),
    refusals: [422],
  },
  dropRevokes: {
    route: "DELETE /control",
    function: "operate",
    summary:
      "Drop the revoke of one tag, task or queue, or those made before a time: tasks that they stopped and that still wait may run",
    parameters: [query("tag", tag), query("task", tag), query("queue", tag), query("before", bound)],
    status: 202,
    answer: ref("Dropped"),
    refusals: [422],
  },
  sendWorkflow: {
    route: "POST /workflows",
    function: "submit",
    summary: "Send a workflow: a task, chain, group, chord or each, and these within each other",
    body: { schema: ref("WorkflowBody"), required: true },
    status: 202,
    answer: ref("AcceptedWorkflow"),
    location: true,
    refusals: [...BODY_REFUSALS, 409, 503],
  },
  listWorkflows: {
    route: "GET /workflows",
    function: "read",
    summary: "List workflows, newest first",
    parameters: [
      query("state", { enum: ["PENDING", "SUCCESS", "FAILURE", "REVOKED"] }),
      ...filters.filter(({ name }) => ["from", "to", "cursor", "limit"].includes(String(name))),
    ],
    status: 200,
    answer: ref("WorkflowPage"),
    refusals: [422],
  },
  readWorkflow: {
    route: "GET /workflows/{id}",
    function: "read",
    summary: "Read a workflow: its nodes with their states, or those of one place",
    parameters: [
      id,
      {
        ...query("place", { type: "string", maxLength: 500 }),
        description: "Of a node, such as 1.0: only what is under it.",
      },
      { ...query("cursor", text), description: "Of an earlier answer: members of the group at 'place' from there on." },
      {
        ...query("limit", { type: "integer", minimum: 0, maximum: 1000, default: 100 }),
        description: "Members of a group; with 0 it is folded.",
      },
      {
        ...query("failed", { type: "boolean", default: false }),
        description: "Of the group at 'place' only members that have failed.",
      },
      {
        ...query("format", { enum: ["json", "dot", "mermaid"], default: "json" }),
        description: "Graphviz's or Mermaid's text.",
      },
    ],
    status: 200,
    answer: ref("Workflow"),
    otherTypes: ["text/vnd.graphviz", "text/vnd.mermaid"],
    refusals: [404, 422],
  },
  revokeWorkflow: {
    route: "DELETE /workflows/{id}",
    function: "operate",
    summary: "Revoke a workflow: what has not begun never runs",
    parameters: [id],
    status: 202,
    answer: ref("RevokedWorkflow"),
    location: true,
    refusals: [404],
  },
  ...UPLOAD_CALLS,
  ...BULK_CALLS,
  ...FAILURE_CALLS,
  ...COUNT_CALLS,
  ...SCHEDULE_CALLS,
} satisfies Record<string, Call>;
