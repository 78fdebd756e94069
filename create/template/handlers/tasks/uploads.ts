import { files, task } from "lovage";
import * as z from "zod";

/** Runs for each file that `POST /uploads` gave a form for, when it has arrived. */
export const processUpload = task({
  name: "process_upload",
  payload: z.object({ key: z.string() }),
  run: async ({ key }) => {
    const file = await files.describe(key);
    return { sizeBytes: file?.sizeBytes ?? null };
  },
});
