import { modules } from "lovage:tasks";
import { createUploadListener } from "../shared/index.ts";

/** Sends the upload task for each file that S3 says has arrived. */
export const handler = createUploadListener(modules);
