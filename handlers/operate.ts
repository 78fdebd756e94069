import { modules } from "lovage:tasks";
import { createOperate } from "../shared/index.ts";

/** Decisions of operators: revoke, replay, pause, resume, limits, purge, redrive. */
export const handler = createOperate(modules);
