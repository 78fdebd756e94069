/** One task before and after its payload was changed: a worker has one of them. */

import * as z from "zod";
import { task } from "../../shared/index.ts";
import { resultOf } from "./tasks.ts";

const before = z.object({ x: z.number() });

export const older = task({ name: "changed", payload: before, run: ({ x }) => resultOf(x) });

export const newer = task({
  name: "changed",
  versions: [{ schema: before, upgrade: ({ x }) => ({ value: x }) }],
  payload: z.object({ value: z.number() }),
  run: ({ value }) => resultOf(value),
});
