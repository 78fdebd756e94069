import { task } from "lovage";
import * as z from "zod";

/** A module here is registered by being there. */
export const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => x + y,
});
