/** BullMQ beside Lovage, on Redis: where `node tests/cloud/install-peers.ts bullmq` has installed it. */

import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../../cloud/peer-process.ts";
import { isInstalled } from "../../cloud/peers.ts";
import type { CounterCommands } from "../call-counter.ts";
import { startChild } from "../child.ts";
import type { Contender } from "../contender.ts";
import { startSides } from "../contender.ts";
import { openQueue } from "./bullmq-side.ts";

const LOOK_MILLISECONDS = 10;

/** Undefined where it is not installed. */
export async function startBullMQ(profile: boolean): Promise<Contender | undefined> {
  if (!isInstalled("bullmq")) return undefined;
  const port = await freePort();
  const cloud = startChild<CounterCommands>({
    name: "redis",
    module: join(import.meta.dirname, "redis-process.ts"),
    arguments: [String(port)],
    profile: false,
  });
  await cloud.says(/Ready to accept connections/);
  const queue = openQueue(port);
  const count = async (...states: string[]): Promise<number> =>
    Object.values(await queue.getJobCounts(...states)).reduce((sum, one) => sum + one, 0);
  const sides = startSides("bullmq", "bullmq", { REDIS_PORT: String(port) }, profile);
  return {
    name: "bullmq",
    cloud,
    ...sides,
    async emptied() {
      while ((await count("waiting", "active")) > 0) await wait(LOOK_MILLISECONDS);
    },
    results: () => count("completed"),
    async stop() {
      await sides.stop();
      await queue.close();
      await cloud.stop();
    },
  };
}
