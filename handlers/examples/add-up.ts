import { files, task } from "lovage";
import * as z from "zod";

/** Every `of`-th row of an uploaded CSV, from the row `part` on. */
const part = z.object({ key: z.string(), column: z.string(), part: z.int().min(0), of: z.int().min(1) });
const total = z.object({ rows: z.int(), sum: z.number() });

/** Cuts the work on a CSV into parts: the list that an `each` takes. */
export const splitCsv = task({
  name: "split_csv",
  payload: z.object({ key: z.string(), column: z.string(), parts: z.int().min(1).max(1000) }),
  run: ({ key, column, parts }) =>
    Array.from({ length: parts }, (_, index) => ({ key, column, part: index, of: parts })),
});

/** Adds up a column in one part. */
export const sumPart = task({
  name: "sum_part",
  payload: part,
  run: async ({ key, column, part: first, of }, { signal }) => {
    // Loaded where it is used: a worker that starts does not wait for it.
    const { parse } = await import("csv-parse");
    const file = await files.open(key);
    let row = 0;
    let rows = 0;
    let sum = 0;
    for await (const record of file.pipe(parse({ columns: true }))) {
      signal.throwIfAborted();
      if (row++ % of !== first) continue;
      rows += 1;
      sum += Number(record[column]);
    }
    return { rows, sum };
  },
});

/** Adds up the parts: the body behind them. */
export const addUp = task({
  name: "add_up",
  payload: z.object({ parts: z.array(total) }),
  run: ({ parts }) => ({
    rows: parts.reduce((rows, one) => rows + one.rows, 0),
    sum: parts.reduce((sum, one) => sum + one.sum, 0),
  }),
});
