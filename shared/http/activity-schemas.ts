/** Acts of operators as JSON Schema. */

import { ACTS } from "../audit/trail.ts";
import { anything, list, object, text, time, uuid } from "./schema-parts.ts";

export const activity = object(
  {
    acts: list(
      object(
        {
          id: uuid,
          at: time,
          act: { enum: ACTS },
          by: { ...text, description: "The name of the key." },
          target: anything,
          state: {
            enum: ["asked", "done", "refused"],
            description: "Of one that stays 'asked', the outcome is unknown: the function died, or still works.",
          },
        },
        { outcome: anything, sourceIp: text },
      ),
    ),
    searchedFrom: time,
  },
  { cursor: text },
);
