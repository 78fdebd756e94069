/** Schedule entries as JSON Schema. */

import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import {
  anything,
  count,
  type Document,
  list,
  object,
  payloadVersion,
  state,
  text,
  time,
  uuid,
} from "./schema-parts.ts";

export const node: Document = { $ref: "#/components/schemas/WorkflowNode" };

/** Fields of a schedule entry but its task and schedule. */
export const rules: Document = {
  workflow: {
    ...node,
    description: "The workflow that it sends, in the place of a task, as POST /workflows takes it.",
  },
  payload: anything,
  payloadVersion,
  timezone: { ...text, description: "By default the service's TIMEZONE." },
  options: {
    type: "object",
    description: "Options of each call; expires and countdown are seconds from the fire time.",
  },
  enabled: { type: "boolean", default: true },
  start: time,
  end: time,
  jitter: { type: "integer", minimum: 0, maximum: 3600, default: 0 },
  description: { type: "string", maxLength: 500 },
  skippedTime: { enum: ["skip", "runAfter"], default: "skip" },
  repeatedTime: { enum: ["once", "twice"], default: "once" },
  overlap: { enum: ["allow", "skip", "queueOne", "cancel"], default: "allow" },
  catchUp: { enum: ["none", "last", "all"], default: "none" },
  catchUpMax: { type: "integer", minimum: 1, maximum: 1000, default: 10 },
  catchUpAge: { type: "integer", minimum: 300, maximum: 2_592_000, default: 86_400 },
  keepHistory: { type: "integer", minimum: 1, maximum: MAX_TIMER_SECONDS },
};
export const entry: readonly [Document, Document] = [
  { name: text, static: { type: "boolean" }, next: list(text) },
  {
    ...rules,
    task: text,
    schedule: text,
    edition: text,
    createdAt: time,
    changedAt: time,
    broken: { ...text, description: "Its document cannot be read, and why." },
  },
];

/** The last runs of an entry. */
export const runs = list(
  object(
    { at: time, outcome: { enum: ["run", "skipped", "missed", "paused", "manual", "waits", "unrecorded"] } },
    { id: uuid, state, workflow: { const: true }, finishedAt: time, until: time, count, reason: text },
  ),
);

/** The same fields, each of which may be null. */
export function nullable(fields: Document): Document {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name, { anyOf: [schema, { type: "null" }] }]),
  );
}
