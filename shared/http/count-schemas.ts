/** Counts as JSON Schema. */

import { count, type Document, list, object, state, text, time } from "./schema-parts.ts";

const times = object({ sum: count, max: count });

export const counts: Document = object(
  {
    from: time,
    to: time,
    step: { enum: ["minute", "hour"] },
    points: list(
      object(
        {
          state: { ...state, description: "RETRY counts runs after which the task waits for another." },
          count: { ...count, description: "About how many." },
          runs: { ...count, description: "Those of them that ran: the times are theirs." },
          waitMilliseconds: times,
          runMilliseconds: times,
        },
        {
          at: { ...time, description: "When the minute or hour begins; not by task." },
          task: { ...text, description: "Not by state." },
        },
      ),
    ),
  },
  { cursor: { ...time, description: "The answer is full: ask again with this as 'from'." } },
);
