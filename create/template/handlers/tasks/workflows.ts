import { chord, task } from "lovage";
import * as z from "zod";

export const square = task({
  name: "square",
  payload: z.object({ x: z.number() }),
  run: ({ x }) => x * x,
});

export const total = task({
  name: "total",
  payload: z.object({ all: z.array(z.number()) }),
  run: ({ all }) => all.reduce((sum, x) => sum + x, 0),
});

/** Squares all numbers side by side, then adds the results up: `await sumOfSquares([1, 2, 3]).delay()`. */
export function sumOfSquares(numbers: readonly number[]) {
  return chord(
    numbers.map((x) => square.s({ x })),
    total.s().into("all"),
  );
}
