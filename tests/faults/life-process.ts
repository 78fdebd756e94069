/**
 * One step of a task's life in a process of its own, so that a test can kill it anywhere. Started by harness.ts with the
 * environment of a function: `life-process.mjs <step> [argument …]`.
 */

import { createApp } from "../../shared/index.ts";
import { takeStep } from "./life.ts";

/** A clock that may be wrong, or in a future that the test needs. */
const offset = Number(process.env.CLOCK_OFFSET_MILLISECONDS ?? 0);
const app = createApp(process.env, { clock: () => new Date(Date.now() + offset), random: () => 0 });

await takeStep(process.argv.slice(2), {
  app,
  deadLetterUrl: process.env.DEAD_LETTER_QUEUE_URL ?? "",
  functionMilliseconds: Number(process.env.FUNCTION_MILLISECONDS),
  print: (line) => process.stdout.write(`${line}\n`),
});
