/** Redis as a process of the benchmark: `redis-process.ts <port>`. It keeps everything in memory, which is its fastest way. */

import { spawn } from "node:child_process";
import type { CounterCommands } from "../call-counter.ts";
import { answer, cpuOf } from "../child.ts";

const [port = ""] = process.argv.slice(2);
const settings = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"];
const redis = spawn("redis-server", settings, { stdio: ["ignore", "inherit", "inherit"] });
redis.once("error", () => process.exit());
redis.once("exit", () => process.exit());

const commands: CounterCommands = {
  meter: async () => ({ calls: {}, cpuMilliseconds: cpuOf(redis) }),
  resident: async () => process.memoryUsage.rss(),
};
answer(commands, () => {
  redis.kill("SIGKILL");
  process.exit();
});
