import * as z from "zod";
import { encodingName } from "./encoding-names.ts";

/** One character that may stand between cells: a tab, or a mark that is no quote. Words and numbers have no such marks inside. */
export const DELIMITER = /^(?:\t|[^\p{L}\p{N}\s"])$/u;

/** Words of a person about a text, in the place of guesses: parts of a payload's schema. */
export const words = {
  encoding: z
    .string()
    .refine((name) => encodingName(name) !== undefined, "an encoding that can be read, such as 'shift_jis' or 'cp850'")
    .optional(),
  delimiter: z.string().regex(DELIMITER, "a tab, or one mark such as ';'").optional(),
  header: z.boolean().optional(),
};

export type Words = z.infer<z.ZodObject<typeof words>>;
