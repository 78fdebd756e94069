/** Bulk acts as JSON Schema. */

import { BULK_KINDS, BULK_STATES, OUTCOMES } from "../bulk/act.ts";
import { MAX_BULK_IDS, MAX_BULK_RATE, MIN_BULK_RATE } from "../task/bulk.ts";
import { chosen } from "./parameters.ts";
import { anything, body, count, type Document, list, object, text, time, uuid } from "./schema-parts.ts";

/** Outcomes of a task, and the word for one that has none yet. */
export const SHOWN_OUTCOMES = ["waiting", ...OUTCOMES] as const;

const filter: Document = body(
  {},
  Object.fromEntries(chosen.map(({ name, schema, description }) => [String(name), { ...Object(schema), description }])),
);
export const bulkBody: Document = body(
  { act: { enum: BULK_KINDS } },
  {
    id: { ...uuid, description: "Of version 7, made by the caller: the same call again is the same act." },
    filter: { ...filter, minProperties: 1, description: "As the query of GET /tasks." },
    failure: { ...text, description: "The fingerprint of a kind of failures." },
    ids: { type: "array", minItems: 1, maxItems: MAX_BULK_IDS, items: uuid },
    rate: {
      type: "number",
      minimum: MIN_BULK_RATE,
      maximum: MAX_BULK_RATE,
      default: 10,
      description: "Tasks a second, at most.",
    },
    start: {
      type: "boolean",
      default: true,
      description: "With false it waits for its start when its tasks are found.",
    },
  },
);

/** Fields of a bulk act, and those that it may have. */
export const bulk: readonly [Document, Document] = [
  {
    id: uuid,
    act: { enum: BULK_KINDS },
    by: { ...text, description: "The name of the key." },
    at: time,
    state: { enum: BULK_STATES },
    rate: { type: "number" },
    target: { ...anything, description: "The filter, the kind of failures, or the number of ids." },
    total: { ...count, description: "Tasks that were found; all of them, once it is not 'collecting'." },
    done: count,
    skipped: { ...count, description: "Tasks that were left as they are, for there was nothing to do." },
    failed: { ...count, description: "Tasks that could not be acted on." },
  },
  {
    isCut: { const: true, description: "There are more tasks than an act may be about." },
    startedAt: time,
    endedAt: time,
  },
];

export const bulkActWithTasks = object(
  {
    ...bulk[0],
    tasks: list(
      object({ id: uuid, outcome: { enum: SHOWN_OUTCOMES } }, { code: text, reason: text, replayedBy: uuid }),
    ),
  },
  { ...bulk[1], cursor: text },
);
