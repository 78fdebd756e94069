import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { task } from "../../../shared/index.ts";

export const LARGE = "x".repeat(20_000);
const tree: z.ZodType = z.lazy(() => z.object({ name: z.string(), leaves: z.array(tree).default([]) }));

export const add = task({ name: "add", payload: z.object({ x: z.number(), y: z.number() }), run: ({ x, y }) => x + y });
const grow = task({ name: "grow", payload: z.object({ tree: z.json() }), run: () => LARGE });
export const tick = task({ name: "tick", run: () => null });
const mail = task({
  name: "mail",
  payload: toStandardJsonSchema(v.object({ to: v.pipe(v.string(), v.email()), copies: v.optional(v.number(), 1) })),
  run: ({ to }) => to,
});
const ship = task({
  name: "ship",
  payload: type({ to: "string", "parcels?": "number.integer > 0" }),
  run: ({ to }) => to,
});
const fails = task({
  name: "fails",
  payload: z.object({ text: z.string().default("") }),
  retry: { maxRetries: 0 },
  run: () => {
    throw new AggregateError([new Error("one"), new Error("two", { cause: "deep" })], "both", {
      cause: new TypeError("why"),
    });
  },
});
const reports = task({
  name: "reports",
  payload: z.object({}),
  run: async (_, { progress }) => {
    await progress({ done: 1 });
    return 1;
  },
});
const upload = task({
  name: "process_upload",
  payload: z.object({ key: z.string() }),
  run: () => ({ derived: ["small.png"] }),
});
const plain = task({ name: "plain", payload: v.object({ to: v.string() }), run: ({ to }) => to });
const trim = task({
  name: "trim",
  payload: z.object({ to: z.custom<string>((value) => typeof value === "string") }),
  run: ({ to }) => to,
});
/** Tasks of every library for schemas, and of every way to end. */
export const tasks = { plain, trim, add, grow, tick, mail, ship, fails, reports, upload };
