import { modules } from "lovage:tasks";
import { createSubmit } from "../shared/index.ts";

/** `POST /tasks/{name}` and `POST /uploads`. */
export const handler = createSubmit(modules);
