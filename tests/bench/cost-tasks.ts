/** The tutorial's task again, with one option each: what an option costs shows beside the first. */

import * as z from "zod";
import { task } from "../../shared/index.ts";

const payload = z.object({ x: z.number(), y: z.number() });
const run = ({ x, y }: z.infer<typeof payload>): number => x + y;

let stored = 0;
const count = (): void => {
  stored += 1;
};
/** Outcomes are stored when a hook is called. */
const hooks = { onSuccess: count, onFailure: count };

/** How many tasks have ended in this process, with their outcome stored. */
export function storedOutcomes(): number {
  return stored;
}

export const add = task({ name: "add", payload, hooks, run });
export const forgetful = task({ name: "forgetful", payload, hooks, run, ignoreResult: true });
export const unclaimed = task({ name: "unclaimed", payload, hooks, run, trackStarted: false });
export const careless = task({ name: "careless", payload, hooks, run, ignoreResult: true, trackStarted: false });

const broken = (): never => {
  throw new Error("broken");
};
export const failing = task({ name: "failing", payload, hooks, run: broken });
/** Ends with its second run. */
export const retried = task({
  name: "retried",
  payload,
  hooks,
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: (sum, { attempt }) => (attempt === 1 ? broken() : run(sum)),
});

/** As many starts as a limit can allow: nothing waits. */
export const limited = task({ name: "limited", payload, hooks, run, rateLimit: 1000 });
/** About half of 100 tasks wait. */
export const waiting = task({ name: "waiting", payload, hooks, run, rateLimit: 40 });

/** Ten tenants, so that those of one batch do not wait for each other. */
const concurrencyKey = ({ x }: z.infer<typeof payload>): string => `tenant-${x % 10}`;
export const shared = task({ name: "shared", payload, hooks, run, concurrency: 10, concurrencyKey });

export const fair = task({ name: "fair", payload, hooks, run, messageGroupId: concurrencyKey });

export const once = task({
  name: "once",
  payload,
  hooks,
  run: ({ x, y }, context) => context.once("sum", () => x + y),
});

export const total = task({
  name: "total",
  payload: z.object({ numbers: z.array(z.number()) }),
  hooks,
  run: ({ numbers }) => numbers.reduce((all, one) => all + one, 0),
});

export const read = task({
  name: "read",
  payload: z.object({ text: z.string() }),
  hooks,
  run: ({ text }) => text.length,
});
