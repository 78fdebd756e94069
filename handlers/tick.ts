import { modules } from "lovage:tasks";
import { createTick } from "lovage";

/** Once a minute: sends the tasks of schedule entries that are due. */
export const handler = createTick(modules);
