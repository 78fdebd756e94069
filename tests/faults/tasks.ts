/** Tasks that the worker processes run and the tests send. */

import * as z from "zod";
import { task } from "../../shared/index.ts";

const payload = z.object({ x: z.number(), milliseconds: z.number().default(0) });

/** The answer of every task here, so that a wrong result is seen. */
export const resultOf = (x: number): number => x + 1;

const work = async (milliseconds: number): Promise<void> => {
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
};

export const plain = task({ name: "plain", payload, run: ({ x }) => resultOf(x) });

export const failsOnce = task({
  name: "fails_once",
  payload,
  retry: { maxRetries: 1, backoff: { base: 0 } },
  run: ({ x }, { attempt }) => {
    if (attempt === 1) throw new Error("the first time");
    return resultOf(x);
  },
});

/** Writes a line for the test to count: an effect that no database can take back. Pipes are written synchronously. */
export const effect = task({
  name: "effect",
  payload,
  run: ({ x, milliseconds }, context) =>
    context.once("effect", async () => {
      await work(milliseconds);
      process.stdout.write(`did ${context.id}\n`);
      return resultOf(x);
    }),
});
