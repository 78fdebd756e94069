import { modules } from "lovage:tasks";
import { createUploadListener } from "lovage";

/** Sends the upload task for each file that S3 says has arrived. */
export const handler = createUploadListener(modules);
