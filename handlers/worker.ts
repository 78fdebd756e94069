import { modules } from "lovage:tasks/lazy";
import { createWorker } from "lovage";

/** Runs the tasks whose messages arrive on a queue. */
export const handler = createWorker(modules);
