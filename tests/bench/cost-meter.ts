/**
 * Loaded into the process of the emulators before they start: counts what AWS would bill. At the server, because there every call is
 * seen, also one that the SDK repeats.
 */

import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage, ServerResponse } from "node:http";
import { isObject } from "../../localstack/json.ts";
import type { Calls } from "./call-counter.ts";
import { type Capacity, createCapacityMeter } from "./capacity-meter.ts";
import { answer } from "./child.ts";

export interface Metered extends Capacity {
  /** SQS's requests of up to 64 KB, by operation. */
  sqs: Calls;
  s3: Calls;
  dynamodb: Calls;
}

const CHUNK_BYTES = 64 * 1024;

const capacity = createCapacityMeter();
let sqs: Calls = {};
let s3: Calls = {};
let dynamodb: Calls = {};

const add = (calls: Calls, operation: string, amount: number): void => {
  calls[operation] = (calls[operation] ?? 0) + amount;
};
/** SQS bills the payload. Counted is the JSON around it too, so this is never too little. */
const chunks = (bytes: unknown): number => Math.max(1, Math.ceil(Number(bytes ?? 0) / CHUNK_BYTES));

subscribe("http.server.request.start", (event) => {
  if (!isObject(event) || !(event.request instanceof IncomingMessage)) return;
  const { headers, url = "/" } = event.request;
  const operation = sqsOperation(headers);
  if (operation !== undefined) add(sqs, operation, chunks(headers["content-length"]));
  else if (headers["x-amz-target"] !== undefined)
    add(dynamodb, String(headers["x-amz-target"]).split(".").at(-1) ?? "", 1);
  else {
    // The SDK names the operation in the address.
    add(s3, new URL(url, "http://s3").searchParams.get("x-id") ?? "another", 1);
  }
});

subscribe("http.server.response.finish", (event) => {
  if (!isObject(event) || !(event.request instanceof IncomingMessage)) return;
  if (!(event.response instanceof ServerResponse) || sqsOperation(event.request.headers) !== "ReceiveMessage") return;
  // Its payload is the answer; the first chunk has been counted.
  add(sqs, "ReceiveMessage", chunks(event.response.getHeader("content-length")) - 1);
});

function sqsOperation(headers: IncomingMessage["headers"]): string | undefined {
  const [service, operation] = String(headers["x-amz-target"] ?? "").split(".");
  return service === "AmazonSQS" ? operation : undefined;
}

const meterCommands = {
  meter: async (): Promise<Metered> => ({ ...capacity.read(), sqs, s3, dynamodb }),
  resident: async () => ({ megabytes: process.memoryUsage.rss() / 2 ** 20 }),
  async reset() {
    capacity.reset();
    sqs = {};
    s3 = {};
    dynamodb = {};
  },
};
export type MeterCommands = typeof meterCommands;

answer(meterCommands, () => void process.kill(process.pid, "SIGTERM"));
// The emulators decide when their process ends.
process.channel?.unref();
