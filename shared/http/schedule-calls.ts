/** The calls about schedule entries. */

import { BODY_REFUSALS, type Call } from "./call.ts";
import { match, name, query } from "./parameters.ts";
import { text } from "./schema-parts.ts";
import { ref } from "./schemas.ts";

/** A change of the schedule entry of this name. */
function schedule<Route extends Call["route"]>(
  call: Pick<Call, "summary" | "answer"> & Partial<Call> & { route: Route },
): Call & { route: Route } {
  return { function: "operate", parameters: [name, match], status: 200, refusals: [404, 409, 412, 422], ...call };
}

export const SCHEDULE_CALLS = {
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
    answer: ref("AcceptedRun"),
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
} satisfies Record<string, Call>;
