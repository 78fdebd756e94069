import { modules } from "lovage:tasks";
import { createSubmit } from "lovage";

/** `POST /tasks/{name}` and `POST /uploads`. */
export const handler = createSubmit(modules);
