import { task } from "lovage";
import * as z from "zod";

/** One after another within an account: `book.applyAsync(entry, { messageGroupId: entry.account })`. */
export const book = task({
  name: "book",
  queue: "fifo",
  payload: z.object({ account: z.string(), cents: z.number().int() }),
  run: ({ account, cents }) => ({ account, cents }),
});
