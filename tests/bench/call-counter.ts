/**
 * Loaded into the process of the emulators before they start: counts the AWS calls that arrive, by operation. At the
 * server, because there every call is seen, whoever made it and whichever client: also those of sandboxes.
 */

import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage } from "node:http";
import { isObject } from "../../localstack/json.ts";
import { answer, cpuMilliseconds } from "./child.ts";

export type Calls = Record<string, number>;

/** The benchmark itself asks how full a queue is. */
const OWN = "GetQueueAttributes";

const calls: Calls = {};

subscribe("http.server.request.start", (event) => {
  if (!isObject(event) || !(event.request instanceof IncomingMessage)) return;
  const operation = String(event.request.headers["x-amz-target"] ?? "")
    .split(".")
    .at(-1);
  if (operation && operation !== OWN) calls[operation] = (calls[operation] ?? 0) + 1;
});

const counterCommands = {
  meter: async () => ({ calls, cpuMilliseconds: cpuMilliseconds() }),
  resident: async () => process.memoryUsage.rss(),
};
export type CounterCommands = typeof counterCommands;

answer(counterCommands, () => void process.kill(process.pid, "SIGTERM"));
// The emulators decide when their process ends.
process.channel?.unref();
