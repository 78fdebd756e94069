/** BullMQ on Redis, as the harness drives it: what it has beside a port is in the folder that `install-peers.ts` made. */

import { createRequire } from "node:module";
import { join } from "node:path";
import { installations } from "../../cloud/peers.ts";
import type { Payload, Side } from "../side.ts";

/** BullMQ, as far as it is used here. */
interface BullMQ {
  Queue: new (name: string, options: Options) => Queue;
  QueueEvents: new (name: string, options: Options) => Closable;
  Worker: new (
    name: string,
    run: (job: { data: Payload }) => Promise<number>,
    options: Options & { concurrency: number },
  ) => Closable;
}

interface Options {
  connection: { host: string; port: number };
}

interface Closable {
  close(): Promise<void>;
}

interface Job {
  isCompleted(): Promise<boolean>;
  waitUntilFinished(events: Closable): Promise<unknown>;
}

interface Queue extends Closable {
  addBulk(jobs: readonly { name: string; data: Payload }[]): Promise<Job[]>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
}

const QUEUE = "bench";
/** As fast as 200, and several times as fast as 1. */
const CONCURRENCY = 50;

/** @param port of Redis, on this machine */
function open(port: number): { bullmq: BullMQ; options: Options } {
  const bullmq: BullMQ = createRequire(join(installations.bullmq.folder, "package.json"))("bullmq");
  return { bullmq, options: { connection: { host: "127.0.0.1", port } } };
}

export function openQueue(port: number): Queue {
  const { bullmq, options } = open(port);
  return new bullmq.Queue(QUEUE, options);
}

export function createBullMQ(): Side {
  const port = Number(process.env.REDIS_PORT);
  const { bullmq, options } = open(port);
  const queue = openQueue(port);
  const add = (payloads: readonly Payload[]) => queue.addBulk(payloads.map((data) => ({ name: "add", data })));
  let events: Closable | undefined;
  return {
    async send(payloads) {
      return (await add(payloads)).map((job) => ({ isDone: () => job.isCompleted() }));
    },
    async sendAndGet(payload) {
      events ??= new bullmq.QueueEvents(QUEUE, options);
      const [job] = await add([payload]);
      return job?.waitUntilFinished(events);
    },
    work() {
      const worker = new bullmq.Worker(QUEUE, async ({ data: { x, y } }) => x + y, {
        ...options,
        concurrency: CONCURRENCY,
      });
      return { stop: () => worker.close() };
    },
  };
}
