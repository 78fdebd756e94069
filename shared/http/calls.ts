/**
 * Every call of the API, declared once: its route, the function that answers it, its parameters, body, answers and refusals. The router,
 * the 405 answers, the fields that a body or query may have and the OpenAPI document are made of it; tests hold serverless.yml and the
 * docs to it.
 */

import { ACTS } from "../audit/trail.ts";
import type { Role } from "../config.ts";
import { bound, filters, id, match, name, query, unregistered, wait } from "./parameters.ts";
import { type Document, ref, tag, text } from "./schemas.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A call of the API. */
export interface Call {
  /** Method and path, as OpenAPI writes it. */
  route: `${Method} /${string}`;
  /** The function of serverless.yml that answers it, which is also the role that a key needs. */
  function: Role;
  summary: string;
  parameters?: readonly Document[];
  body?: { schema: Document; required: boolean };
  status: number;
  answer: Document;
  /** Media types that it can answer with beside JSON, as text. */
  otherTypes?: readonly string[];
  /** Its answer has a `Location`. */
  location?: boolean;
  /** Statuses of its refusals, beside 401 and 500. */
  refusals?: readonly number[];
  /** It needs no key. */
  open?: boolean;
}

/** Of a call that reads a body. */
const BODY_REFUSALS = [400, 413, 415, 422];

/** A decision of an operator about the task or queue of this name. */
function decide<Route extends Call["route"]>(
  call: Pick<Call, "summary" | "answer"> & Partial<Call> & { route: Route },
): Call & { route: Route } {
  return { function: "operate", parameters: [name], status: 202, refusals: [404], ...call };
}

/** A change of the schedule entry of this name. */
function schedule<Route extends Call["route"]>(
  call: Pick<Call, "summary" | "answer"> & Partial<Call> & { route: Route },
): Call & { route: Route } {
  return { function: "operate", parameters: [name, match], status: 200, refusals: [404, 409, 412, 422], ...call };
}

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
    summary: "List tasks, newest first",
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
  listSchedules: {
    route: "GET /schedules",
    function: "read",
    summary: "Schedule entries by name",
    parameters: [
      query("prefix", { type: "string", maxLength: 200 }),
      query("task", text),
      query("enabled", { enum: ["true", "false"] }),
      {
        ...query("cursor", { type: "string", maxLength: 200 }),
        description: "Of an earlier answer: go on where that ended.",
      },
      query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
      {
        ...query("runs", { type: "integer", minimum: 0, maximum: 20, default: 0 }),
        description: "So many of the last runs of each.",
      },
    ],
    status: 200,
    answer: ref("SchedulePage"),
    refusals: [422],
  },
  readSchedule: {
    route: "GET /schedules/{name}",
    function: "read",
    summary: "Read a schedule entry, its next fire times and its last runs",
    parameters: [name],
    status: 200,
    answer: ref("ScheduleWithRuns"),
    refusals: [404, 422],
  },
  putSchedule: schedule({
    route: "PUT /schedules/{name}",
    summary: "Make a schedule entry, or replace it; the same again changes nothing",
    body: { schema: ref("ScheduleBody"), required: true },
    answer: ref("Schedule"),
    refusals: [...BODY_REFUSALS, 404, 409, 412],
  }),
  changeSchedule: schedule({
    route: "PATCH /schedules/{name}",
    summary: "Change some fields of a schedule entry; null takes one away",
    body: { schema: ref("ScheduleChange"), required: true },
    answer: ref("Schedule"),
    refusals: [...BODY_REFUSALS, 404, 409, 412],
  }),
  deleteSchedule: schedule({
    route: "DELETE /schedules/{name}",
    summary: "Delete a schedule entry; a run that is under way goes on",
    answer: ref("DeletedSchedule"),
  }),
  runSchedule: schedule({
    route: "POST /schedules/{name}/run",
    summary: "Run a schedule entry now, also one that is paused or over; it moves no fire time",
    parameters: [name],
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [404, 422, 503],
  }),
  pauseSchedule: schedule({
    route: "POST /schedules/{name}/pause",
    summary: "Pause a schedule entry, one of the code, too",
    parameters: [name],
    status: 202,
    answer: ref("PausedSchedule"),
    refusals: [404, 422],
  }),
  resumeSchedule: schedule({
    route: "POST /schedules/{name}/resume",
    summary: "Let a schedule entry go on with its next fire time",
    parameters: [name],
    status: 202,
    answer: ref("PausedSchedule"),
    refusals: [404, 422],
  }),
  previewSchedule: {
    route: "GET /schedule-preview",
    function: "read",
    summary: "The next fire times of a schedule, and what the clock changes of the next year do to it",
    parameters: [
      { ...query("schedule", text), required: true },
      query("timezone", text),
      query("start", text),
      query("end", text),
      query("skippedTime", { enum: ["skip", "runAfter"] }),
      query("repeatedTime", { enum: ["once", "twice"] }),
      query("count", { type: "integer", minimum: 1, maximum: 100, default: 5 }),
    ],
    status: 200,
    answer: ref("SchedulePreview"),
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
  createUpload: {
    route: "POST /uploads",
    function: "submit",
    summary: "Ask for an upload form",
    body: { schema: ref("UploadRequest"), required: true },
    status: 201,
    answer: ref("Upload"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 503],
  },
  renewUpload: {
    route: "POST /uploads/{id}",
    function: "submit",
    summary: "Ask for another form of an upload whose file has not come",
    parameters: [id],
    body: { schema: ref("UploadRequest"), required: true },
    status: 201,
    answer: ref("Upload"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409],
  },
  readUpload: {
    route: "GET /uploads/{id}",
    function: "read",
    summary: "Read an upload's task, and links to what it made",
    parameters: [id, wait],
    status: 200,
    answer: ref("UploadedTask"),
    refusals: [404, 422],
  },
} satisfies Record<string, Call>;
