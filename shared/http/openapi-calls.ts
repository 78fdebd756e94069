/** Every call of the API but those that send a task: what it takes, what it answers, how it refuses. */

import { STATES } from "../results/record.ts";
import { type Document, ref, tag, text, uuid } from "./openapi-schemas.ts";

/** A call of the API. */
export interface Call {
  /** `operationId`: the name that generated clients give it. */
  id: string;
  summary: string;
  parameters?: readonly Document[];
  body?: { schema: Document; required: boolean };
  status: number;
  answer: Document;
  /** Its answer has a `Location`. */
  location?: boolean;
  /** Statuses of its refusals, beside 401 and 500. */
  refusals?: readonly number[];
  /** It needs no key. */
  open?: boolean;
}

/** Of a call that reads a body. */
export const BODY_REFUSALS = [400, 413, 415, 422];

const id: Document = { name: "id", in: "path", required: true, schema: uuid };
const name: Document = { name: "name", in: "path", required: true, schema: text };
const wait: Document = {
  ...query("wait", { type: "number", minimum: 0, maximum: 20, default: 0 }),
  description: "Seconds to wait for a final state.",
};
const bound: Document = { type: "string", description: "A time, or a date, which begins at midnight in UTC." };
const unregistered: Document = {
  ...query("unregistered", { enum: ["true", "false"] }),
  description: "Whether 'task' and 'queue' may be names that the service no longer has.",
};
const filters: readonly Document[] = [
  query("state", { enum: STATES }),
  query("task", text),
  query("queue", text),
  query("tag", tag),
  { ...query("parent", uuid), description: "Sent by the run of this task." },
  { ...query("root", uuid), description: "This task, and all that came of it." },
  { ...query("from", bound), description: "Sent at or after." },
  { ...query("to", bound), description: "Sent at or before." },
  { ...query("finishedFrom", bound), description: "Ended at or after." },
  { ...query("finishedTo", bound), description: "Ended at or before." },
  unregistered,
  { ...query("cursor", uuid), description: "Of an earlier answer: go on where that ended." },
  query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
];

function query(field: string, schema: Document): Document {
  return { name: field, in: "query", schema };
}

/** What an operator decides about the task or queue of this name. */
function decide(call: Pick<Call, "id" | "summary" | "answer"> & Partial<Call>): Call {
  return { parameters: [name], status: 202, refusals: [404], ...call };
}

/** By method and path. */
export const CALLS: Readonly<Record<string, Call>> = {
  "GET /": { id: "readIndex", summary: "Names of the tasks", status: 200, answer: ref("Index") },
  "GET /openapi.json": { id: "readContract", summary: "This document", status: 200, answer: { type: "object" } },
  "GET /health": {
    id: "readHealth",
    summary: "Liveness; needs no key",
    status: 200,
    answer: ref("Health"),
    open: true,
  },
  "GET /tasks": {
    id: "listTasks",
    summary: "List tasks, newest first",
    parameters: filters,
    status: 200,
    answer: ref("TaskPage"),
    refusals: [404, 422],
  },
  "DELETE /tasks": {
    id: "revokeTasks",
    summary: "Revoke all that was sent by now, of one tag, task or queue",
    parameters: [query("tag", tag), query("task", tag), query("queue", tag), unregistered],
    status: 202,
    answer: ref("Revoked"),
    refusals: [404, 409, 422],
  },
  "GET /tasks/{id}": {
    id: "readTask",
    summary: "Read a task",
    parameters: [id, wait],
    status: 200,
    answer: ref("Task"),
    refusals: [404, 422],
  },
  "DELETE /tasks/{id}": {
    id: "revokeTask",
    summary: "Revoke a task",
    parameters: [id],
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [404],
  },
  "POST /tasks/{id}/replay": {
    id: "replayTask",
    summary: "Run a task that has ended again, as a new one",
    parameters: [id],
    body: { schema: ref("Replay"), required: false },
    status: 202,
    answer: ref("Accepted"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409, 410, 503],
  },
  "POST /tasks/{name}/pause": decide({ id: "pauseTask", summary: "Pause a task", answer: ref("PausedTask") }),
  "POST /tasks/{name}/resume": decide({ id: "resumeTask", summary: "Resume a task", answer: ref("PausedTask") }),
  "PUT /tasks/{name}/limits": decide({
    id: "setTaskLimits",
    summary: "Change a task's limits",
    body: { schema: ref("Limits"), required: true },
    answer: ref("TaskLimits"),
    refusals: [...BODY_REFUSALS, 404],
  }),
  "DELETE /tasks/{name}/limits": decide({
    id: "resetTaskLimits",
    summary: "Give a task the limits of its code",
    answer: ref("TaskLimits"),
  }),
  "GET /queues": { id: "listQueues", summary: "Depth of every queue", status: 200, answer: ref("Queues") },
  "POST /queues/{name}/pause": decide({ id: "pauseQueue", summary: "Pause a queue", answer: ref("PausedQueue") }),
  "POST /queues/{name}/resume": decide({ id: "resumeQueue", summary: "Resume a queue", answer: ref("PausedQueue") }),
  "POST /queues/{name}/purge": decide({
    id: "purgeQueue",
    summary: "Revoke everything that was sent to a queue by now",
    answer: ref("Revoked"),
    refusals: [404, 409],
  }),
  "POST /queues/{name}/redrive": decide({
    id: "redriveQueue",
    summary: "Replay a queue's failures at a rate",
    body: { schema: ref("Redrive"), required: false },
    answer: ref("Redriven"),
    refusals: [...BODY_REFUSALS, 404],
  }),
  "GET /control": {
    id: "listDecisions",
    summary: "Pauses, revokes and limits that are in force",
    parameters: [query("cursor", text), query("limit", { type: "integer", minimum: 1, maximum: 1000, default: 1000 })],
    status: 200,
    answer: ref("ControlPage"),
    refusals: [422],
  },
  "DELETE /control": {
    id: "dropRevokes",
    summary:
      "Drop the revoke of one tag, task or queue, or those made before a time: tasks that they stopped and that still wait may run",
    parameters: [query("tag", tag), query("task", tag), query("queue", tag), query("before", bound)],
    status: 202,
    answer: ref("Dropped"),
    refusals: [422],
  },
  "POST /uploads": {
    id: "createUpload",
    summary: "Ask for an upload form",
    body: { schema: ref("UploadRequest"), required: true },
    status: 201,
    answer: ref("Upload"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 503],
  },
  "GET /uploads/{id}": {
    id: "readUpload",
    summary: "Read an upload's task, and links to what it made",
    parameters: [id, wait],
    status: 200,
    answer: ref("UploadedTask"),
    refusals: [404, 422],
  },
};
