import { task } from "lovage";
import * as z from "zod";

export const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => x + y,
});
