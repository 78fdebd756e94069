import * as z from "zod";
import { task } from "../../shared/index.ts";

export const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => x + y,
});
