/** Parameters of calls, as OpenAPI writes them. */

import { STATES } from "../results/record.ts";
import { type Document, tag, text, uuid } from "./schema-parts.ts";

export const id: Document = { name: "id", in: "path", required: true, schema: uuid };
export const name: Document = { name: "name", in: "path", required: true, schema: text };
export const match: Document = {
  name: "If-Match",
  in: "header",
  schema: text,
  description: "The ETag of an earlier answer: an entry that was changed since is left alone.",
};
export const wait: Document = {
  ...query("wait", { type: "number", minimum: 0, maximum: 20, default: 0 }),
  description: "Seconds to wait for a final state.",
};
export const bound: Document = { type: "string", description: "A time, or a date, which begins at midnight in UTC." };
export const unregistered: Document = {
  ...query("unregistered", { enum: ["true", "false"] }),
  description: "Whether 'task' and 'queue' may be names that the service no longer has.",
};
const SEVERAL_STATES = `^(${STATES.join("|")})(,(${STATES.join("|")}))*$`;
/** Tasks that a list, or a bulk act, is about. */
export const chosen: readonly Document[] = [
  { ...query("state", { type: "string", pattern: SEVERAL_STATES }), description: "One, or several with commas." },
  { ...query("task", text), description: "One name, or several with commas." },
  { ...query("queue", text), description: "One name, or several with commas." },
  query("tag", tag),
  { ...query("parent", uuid), description: "Sent by the run of this task." },
  { ...query("root", uuid), description: "This task, and all that came of it." },
  { ...query("from", bound), description: "Sent at or after." },
  { ...query("to", bound), description: "Sent at or before." },
  { ...query("finishedFrom", bound), description: "Ended at or after." },
  { ...query("finishedTo", bound), description: "Ended at or before." },
  unregistered,
];
export const filters: readonly Document[] = [
  ...chosen,
  {
    ...query("search", { type: "string", maxLength: 1000 }),
    description:
      "Words and fields as `-task:add mailbox`; a task has all of them. It is tested after the other filters.",
  },
  {
    ...query("order", { enum: ["newest", "oldest"], default: "newest" }),
    description: "The tasks that come first, by the time in their ids.",
  },
  {
    ...query("values", { enum: ["true", "false"], default: "true" }),
    description: "With false, tasks come without result, progress and stack, and their payload is null.",
  },
  { ...query("cursor", uuid), description: "Of an earlier answer: go on where that ended." },
  query("limit", { type: "integer", minimum: 1, maximum: 100, default: 50 }),
];

export function query(field: string, schema: Document): Document {
  return { name: field, in: "query", schema };
}
