import * as z from "zod";
import { task } from "../../../shared/index.ts";

/** The tutorial's task: as near to no work as a task comes, so that what is measured is Lovage. */
export const add = task({
  name: "add",
  payload: z.object({ x: z.number(), y: z.number() }),
  run: ({ x, y }) => x + y,
});
