/** A function of `large-chord.ts` as a process of its own: it sends the chord, or receives, runs and deletes in one lane as a sandbox does. */

import * as z from "zod";
import { chord, task } from "../../shared/index.ts";
import { answer } from "./child.ts";
import { connect } from "./connection.ts";
import { startLanes } from "./lanes.ts";
import { createWorkerSide } from "./lovage.ts";

/** Less than the queue hides a message: a fan-out that has no more time goes on in another message. */
const FUNCTION_MILLISECONDS = 80_000;

let ran = 0;
let total: number | null = null;

const double = task({
  name: "double",
  payload: z.object({ n: z.number() }),
  run: ({ n }) => {
    ran += 1;
    return n * 2;
  },
});
const addUp = task({
  name: "add_up",
  timeLimit: 75,
  run: async (_, { results }) => {
    let sum = 0;
    for await (const one of results()) sum += Number(one);
    total = sum;
    return sum;
  },
});

const handle = createWorkerSide([{ file: "tests/bench/large-chord-process.ts", exports: { double, addUp } }], {
  functionMilliseconds: FUNCTION_MILLISECONDS,
});
let lanes: { stop(): Promise<void> } | undefined;

const chordCommands = {
  /** Sends a chord of so many members. */
  async send(count: number) {
    await chord(
      Array.from({ length: count }, (_, n) => double.s({ n })),
      addUp.si(),
    ).delay();
  },
  async start() {
    lanes = startLanes(connect(), handle, 1);
  },
  async stop() {
    await lanes?.stop();
  },
  /** How far this process has come. */
  progress: async () => ({ ran, total, megabytes: process.memoryUsage.rss() / 2 ** 20 }),
};
export type ChordCommands = typeof chordCommands;

answer(chordCommands, () => process.exit());
