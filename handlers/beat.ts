import { modules } from "lovage:tasks";
import { createBeat } from "lovage";

/** Sends the task of a schedule entry when EventBridge Scheduler fires it. */
export const handler = createBeat(modules);
