import { modules } from "lovage:tasks";
import { createOperate } from "lovage";

/** Decisions of operators: revoke, replay, pause, resume, limits, purge, redrive. */
export const handler = createOperate(modules);
