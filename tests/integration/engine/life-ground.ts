import * as z from "zod";
import { type TaskContext, task } from "../../../shared/index.ts";

/** Runs of `record`; a test empties it. */
export const runs: { payload: unknown; context: TaskContext }[] = [];

export const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });

export const record = task({
  name: "record",
  payload: z.object({ note: z.string().default("none") }),
  run: (payload, context) => {
    runs.push({ payload, context });
    return payload.note;
  },
});

export const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.number() }),
  retry: { maxRetries: 3, backoff: { base: 0.2, jitter: false } },
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new TypeError(`attempt ${attempt} fails`);
    return attempt;
  },
});
