/** Parts that bodies are made of. */

import { MAX_TIMER_SECONDS } from "../lifetimes.ts";
import { MAX_PAYLOAD_VERSION } from "../message/payload-version.ts";
import { OUTCOMES } from "../results/attempts.ts";
import { STATES } from "../results/record.ts";

/** A JSON Schema, or a part of an OpenAPI document. */
export type Document = Record<string, unknown>;

export const time: Document = { type: "string", format: "date-time" };
export const uuid: Document = { type: "string", format: "uuid" };
export const text: Document = { type: "string" };
export const state: Document = { enum: STATES };
export const count: Document = { type: "integer", minimum: 0 };
/** Texts that are kept as they are; a lone surrogate is refused, which JSON Schema cannot say. */
export const key: Document = { type: "string", minLength: 1, maxLength: 256 };
export const tag: Document = { type: "string", minLength: 1, maxLength: 128 };
/** When a call, a workflow or a task within one begins, and when it is too late. */
export const times: Document = {
  countdown: { type: "number", minimum: 0, maximum: MAX_TIMER_SECONDS },
  eta: time,
  expires: { anyOf: [{ type: "number", exclusiveMinimum: 0, maximum: MAX_TIMER_SECONDS }, time] },
};
export const tags: Document = { type: "array", maxItems: 10, items: tag };
export const seconds: Document = { type: "number", minimum: 1, maximum: MAX_TIMER_SECONDS };
/** The version of a payload. */
export const payloadVersion: Document = {
  type: "integer",
  minimum: 1,
  maximum: MAX_PAYLOAD_VERSION,
  description: "The version of the payload that is sent: by default the newest that its task has.",
};
export const timeLimit: Document = { type: "number", exclusiveMinimum: 0, maximum: 900 };
export const anything: Document = {};
export const texts: Document = { type: "object", additionalProperties: text };
export const scope: Document = { enum: ["task", "queue", "tag"] };

/** An object whose fields are all of these; those in `optional` may be absent. */
export function object(required: Document, optional: Document = {}): Document {
  const names = Object.keys(required);
  return { type: "object", ...(names.length > 0 && { required: names }), properties: { ...required, ...optional } };
}

/** The body of a request: a field that is not known is refused. */
export function body(required: Document, optional: Document = {}): Document {
  return { ...object(required, optional), additionalProperties: false };
}

export function list(items: Document): Document {
  return { type: "array", items };
}

/** Earlier runs of a task. */
export const attempts: Document = {
  ...list(
    object(
      {
        attempt: { type: "integer", minimum: 1 },
        outcome: { enum: OUTCOMES },
      },
      { startedAt: time, endedAt: time, error: object({ name: text, message: text }, { code: text }), version: text },
    ),
  ),
  description: "The runs before the newest, at most the last 20. Not in lists.",
};
