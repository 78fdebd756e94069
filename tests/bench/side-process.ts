/** The sender or the worker of one side, as a process: `side-process.ts <smallest | same-writes | lovage | bullmq>`. */

import { setTimeout as wait } from "node:timers/promises";
import { answer, cpuMilliseconds } from "./child.ts";
import { BATCH, LANES } from "./lanes.ts";
import { createLovage } from "./lovage.ts";
import { createBullMQ } from "./peers/bullmq-side.ts";
import { createSameWrites } from "./same-writes.ts";
import { PLUG_FOLDER } from "./setting.ts";
import type { Lanes, Payload, Side } from "./side.ts";
import { createSmallestLoop } from "./smallest-loop.ts";
import { plug } from "./tasks/plug.ts";

const POLL_MILLISECONDS = 5;

const SIDES: Record<string, () => Side> = {
  smallest: createSmallestLoop,
  "same-writes": createSameWrites,
  lovage: createLovage,
  bullmq: createBullMQ,
};

const payloadOf = (index: number): Payload => ({ x: index, y: 1 });

function sideCommands(side: Side) {
  let lanes: Lanes | undefined;
  return {
    cpu: async () => cpuMilliseconds(),

    /** Bytes of memory that the process has. */
    resident: async () => process.memoryUsage.rss(),

    /** Sends `count` tasks; answers with the milliseconds. */
    async send(count: number) {
      const start = performance.now();
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < count) {
          const first = next;
          next = Math.min(count, first + BATCH);
          await side.send(Array.from({ length: next - first }, (_, index) => payloadOf(first + index)));
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      return performance.now() - start;
    },

    /** `count` times: send one task, look every 5 ms until its result is there. Milliseconds of each. */
    async latency(count: number) {
      const samples: number[] = [];
      for (let index = 0; index < count; index += 1) {
        const start = performance.now();
        const [sent] = await side.send([payloadOf(index)]);
        while (!(await sent?.isDone())) await wait(POLL_MILLISECONDS);
        samples.push(performance.now() - start);
      }
      return samples;
    },

    /** The same in the side's own way to wait; nothing if it has none. */
    async get(count: number) {
      const samples: number[] = [];
      for (let index = 0; index < count && side.sendAndGet !== undefined; index += 1) {
        const start = performance.now();
        await side.sendAndGet(payloadOf(index));
        samples.push(performance.now() - start);
      }
      return samples;
    },

    /** Sends a task that keeps a sandbox busy. */
    async plug() {
      await plug.delay({ folder: PLUG_FOLDER });
    },

    async start() {
      lanes = side.work();
    },

    async stop() {
      await lanes?.stop();
    },
  };
}
export type SideCommands = ReturnType<typeof sideCommands>;

const create = SIDES[process.argv[2] ?? ""];
if (create) answer(sideCommands(create()), () => process.exit());
