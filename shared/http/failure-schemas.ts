/** Kinds of failures as JSON Schema. */

import { GROUP_STATES } from "../failures/groups.ts";
import { count, type Document, tag, text, time } from "./schema-parts.ts";

/** A kind of failure. */
export const failure: readonly [Document, Document] = [
  {
    fingerprint: { ...text, description: "Made of task, name, code and place." },
    task: text,
    name: { ...text, description: "The error's class." },
    message: { ...text, description: "Of the newest, cut short." },
    sample: { ...text, description: "The id of the newest." },
    firstAt: time,
    lastAt: time,
    firstVersion: text,
    lastVersion: text,
    count: { ...count, description: "About how often." },
    state: { enum: GROUP_STATES },
  },
  {
    code: text,
    place: { ...text, description: "Function and file." },
    reopened: { const: true, description: "It was resolved, and came again." },
  },
];
export const redriveLimits: Document = {
  rate: { type: "number", exclusiveMinimum: 0, maximum: 1000, default: 10, description: "Tasks a second." },
  limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
  cursor: { ...tag, description: "Of an earlier answer: go on where that ended." },
};
