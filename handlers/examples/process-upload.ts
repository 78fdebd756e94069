import { files, task } from "lovage";
import * as z from "zod";
import { DELIMITER } from "./process-upload/csv-cell.ts";
import { encodingName } from "./process-upload/encoding-names.ts";
import { MissingUploadError, UploadError } from "./process-upload/errors.ts";

/**
 * Processes an uploaded file: sent when S3 says that it has arrived, and once more at the upload's deadline, whichever
 * comes first. Its result describes the file; files that it derives are listed there as `derived`.
 */
export const processUpload = task({
  name: "process_upload",
  payload: z.object({
    key: z.string().startsWith("uploads/").max(1024),
    // Guesses about a text that a person corrects, by a replay with another payload.
    encoding: z
      .string()
      .refine(
        (name) => encodingName(name) !== undefined,
        "an encoding that can be read, such as 'shift_jis' or 'cp850'",
      )
      .optional(),
    delimiter: z.string().regex(DELIMITER, "a tab, or one mark such as ';'").optional(),
    header: z.boolean().optional(),
  }),
  retry: { maxRetries: 3, backoff: { base: 1, max: 60 }, notOn: [UploadError] },
  run: async ({ key, ...text }, { id, signal, progress }) => {
    const file = await files.describe(key);
    if (file === undefined) throw new MissingUploadError();
    // Loaded when a file comes: every function that knows the task's schema would pay for it at its start.
    const { summariseFile } = await import("./process-upload/summarise.ts");
    const derived: string[] = [];
    const summary = await summariseFile(
      { ...file, open: () => files.open(key) },
      {
        text,
        signal,
        progress,
        async saveDerived(name, body, contentType) {
          await files.saveDerived(id, name, body, contentType);
          derived.push(name);
        },
      },
    );
    return { filename: file.filename, ...summary, derived };
  },
});
