/** The calls about bulk acts. */

import { SHOWN_OUTCOMES } from "./bulk-schemas.ts";
import { BODY_REFUSALS, type Call } from "./call.ts";
import { id, query } from "./parameters.ts";
import { text, uuid } from "./schema-parts.ts";
import { ref } from "./schemas.ts";

export const BULK_CALLS = {
  makeBulkAct: {
    route: "POST /bulk",
    function: "operate",
    summary: "Revoke or replay many tasks, at a rate",
    body: { schema: ref("BulkBody"), required: true },
    status: 202,
    answer: ref("BulkAct"),
    location: true,
    refusals: [...BODY_REFUSALS, 404, 409, 503],
  },
  listBulkActs: {
    route: "GET /bulk",
    function: "read",
    summary: "Bulk acts, newest first; kept for 90 days",
    parameters: [
      { ...query("cursor", uuid), description: "Of an earlier answer: go on where that ended." },
      query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
    ],
    status: 200,
    answer: ref("BulkPage"),
    refusals: [422],
  },
  readBulkAct: {
    route: "GET /bulk/{id}",
    function: "read",
    summary: "A bulk act, how far it is, and a page of its tasks with their outcomes",
    parameters: [
      id,
      { ...query("cursor", text), description: "Of an earlier answer: go on where that ended." },
      { ...query("outcome", { enum: SHOWN_OUTCOMES }), description: "Only tasks with this outcome." },
    ],
    status: 200,
    answer: ref("BulkActWithTasks"),
    refusals: [404, 422],
  },
  startBulkAct: {
    route: "POST /bulk/{id}/start",
    function: "operate",
    summary: "Let a bulk act go on that is ready",
    parameters: [id],
    status: 202,
    answer: ref("BulkAct"),
    refusals: [404, 409, 503],
  },
  stopBulkAct: {
    route: "DELETE /bulk/{id}",
    function: "operate",
    summary: "Stop a bulk act: what it has done stays, and the other tasks are left as they are",
    parameters: [id],
    status: 202,
    answer: ref("BulkAct"),
    refusals: [404],
  },
} satisfies Record<string, Call>;
