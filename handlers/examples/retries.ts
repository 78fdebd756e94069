import { task } from "lovage";
import * as z from "zod";

/** Fails as often as it is told to, then succeeds: shows retries with backoff. */
export const flaky = task({
  name: "flaky",
  payload: z.object({ failures: z.int().min(0).max(10) }),
  retry: { maxRetries: 10, backoff: { base: 0.5, max: 4 } },
  run: ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new Error(`Attempt ${attempt} of ${failures + 1} fails on purpose`);
    return { attempts: attempt };
  },
});

/** Fails on every attempt: shows how a FAILURE reads. */
export const alwaysFails = task({
  name: "always_fails",
  payload: z.object({ reason: z.string().min(1) }),
  retry: { maxRetries: 2, backoff: { base: 0.2, max: 1 } },
  run: ({ reason }) => {
    throw new Error(reason);
  },
});
