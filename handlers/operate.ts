import { modules } from "lovage:tasks";
import { createOperate } from "../shared/index.ts";

/** `DELETE /tasks/{id}` and `POST /tasks/{id}/replay`. */
export const handler = createOperate(modules);
