import { modules } from "lovage:tasks";
import { createRead } from "../shared/index.ts";

/** Every `GET`, and the answer to calls that no route knows. */
export const handler = createRead(modules);
