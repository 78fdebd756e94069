/** Rounds of measurements: in each, every contender does the same in turn, and the turn begins with another one. */

import type { Calls } from "./call-counter.ts";
import type { Contender } from "./contender.ts";

export interface RoundsOptions {
  tasks: number;
  /** At most, and fewer, but not fewer than 3, if `seconds` have passed: a busy machine shall not take for ever. */
  rounds: number;
  seconds: number;
  /** Tasks sent one at a time for the latency, and half as many for `get()`. */
  samples: number;
  progress: (line: string) => void;
}

/** Processor time per task in milliseconds. Of sandboxes it is known on Linux. */
export interface Cpu {
  sender: number;
  worker: number | undefined;
  cloud: number;
}

/** One contender's round. */
export interface Round {
  /** Tasks per second. */
  send: number;
  drain: number;
  endToEnd: number;
  /** Milliseconds from before the send until the result was seen. */
  latency: number[];
  /** The same by `result.get()`; empty for the hand-written loops. */
  get: number[];
  /** AWS calls while sending and draining, by operation. */
  callsPerTask: Calls;
  cpu: Cpu;
}

/** A contender's rounds, the warm-up left out. */
export interface Measured {
  name: string;
  rounds: Round[];
}

const LEAST_ROUNDS = 3;

type Part = "bulk" | "endToEnd" | "latency";

/** @throws Error if a task has no result in the end */
export async function measureRounds(contenders: readonly Contender[], options: RoundsOptions): Promise<Measured[]> {
  const { tasks, rounds, seconds, samples, progress } = options;
  const start = performance.now();
  const measured = contenders.map(({ name }): Measured => ({ name, rounds: [] }));
  const sent = new Map(contenders.map(({ name }) => [name, 0]));

  // Round 0 warms up: compilers, connections, sandboxes.
  for (let round = 0; round <= rounds; round += 1) {
    const size = round === 0 ? { tasks: Math.ceil(tasks / 2), samples: Math.ceil(samples / 4) } : { tasks, samples };
    const done = new Map<string, Partial<Round>>();
    for (const part of ["bulk", "endToEnd", "latency"] as const) {
      for (const contender of rotated(contenders, round)) {
        progress(`${round === 0 ? "warm-up" : `round ${round} of ${rounds}`}: ${contender.name}, ${part}`);
        const tasks = Math.ceil(size.tasks * (contender.portion ?? 1));
        const { count, ...figures } = await measurePart(contender, part, { ...size, tasks });
        done.set(contender.name, { ...done.get(contender.name), ...figures });
        sent.set(contender.name, (sent.get(contender.name) ?? 0) + count);
      }
    }
    if (round === 0) continue;
    for (const { name, rounds } of measured) {
      const figures = done.get(name) ?? {};
      if (isWhole(figures)) rounds.push(figures);
    }
    if (round >= LEAST_ROUNDS && performance.now() - start > seconds * 1000) break;
  }
  progress("");
  await Promise.all(contenders.map((contender) => checkResults(contender, sent.get(contender.name) ?? 0)));
  return measured;
}

async function measurePart(
  contender: Contender,
  part: Part,
  size: { tasks: number; samples: number },
): Promise<Partial<Round> & { count: number }> {
  switch (part) {
    case "bulk":
      return measureBulk(contender, size.tasks);
    case "endToEnd":
      return measureEndToEnd(contender, size.tasks);
    case "latency":
      return measureLatency(contender, size.samples);
  }
}

/** All are sent while the workers are held back; then these start. */
async function measureBulk(contender: Contender, count: number): Promise<Partial<Round> & { count: number }> {
  await contender.hold();
  const before = await readMeters(contender);
  const sendMilliseconds = await contender.sender.ask("send", count);
  const start = performance.now();
  await contender.release();
  await contender.emptied();
  const drainMilliseconds = performance.now() - start;
  const after = await readMeters(contender);
  contender.rest();
  const operations = Object.entries(after.calls).map(([operation, calls]) => {
    return [operation, (calls - (before.calls[operation] ?? 0)) / count] as const;
  });
  return {
    count,
    send: (count / sendMilliseconds) * 1000,
    drain: (count / drainMilliseconds) * 1000,
    callsPerTask: Object.fromEntries(operations.filter(([, calls]) => calls > 0)),
    cpu: {
      sender: (after.sender - before.sender) / count,
      worker: after.worker === undefined ? undefined : (after.worker - (before.worker ?? 0)) / count,
      cloud: (after.cloud - before.cloud) / count,
    },
  };
}

/** From the first send to the last deleted message, with the workers running. */
async function measureEndToEnd(contender: Contender, count: number): Promise<Partial<Round> & { count: number }> {
  await contender.release();
  const start = performance.now();
  await contender.sender.ask("send", count);
  await contender.emptied();
  const milliseconds = performance.now() - start;
  contender.rest();
  return { count, endToEnd: (count / milliseconds) * 1000 };
}

async function measureLatency(contender: Contender, samples: number): Promise<Partial<Round> & { count: number }> {
  await contender.release();
  const latency = await contender.sender.ask("latency", samples);
  const get = await contender.sender.ask("get", Math.ceil(samples / 2));
  await contender.emptied();
  contender.rest();
  return { count: latency.length + get.length, latency, get };
}

async function readMeters(contender: Contender) {
  const { sender, cloud } = contender;
  const [senderCpu, workerCpu, meter] = await Promise.all([
    sender.ask("cpu"),
    contender.workerCpu(),
    cloud.ask("meter"),
  ]);
  return { sender: senderCpu, worker: workerCpu, cloud: meter.cpuMilliseconds, calls: meter.calls };
}

async function checkResults(contender: Contender, sent: number): Promise<void> {
  const results = await contender.results();
  if (results === sent) return;
  throw new Error(
    `'${contender.name}' was sent ${sent} tasks and stored ${results} results: its figures mean nothing.`,
  );
}

function isWhole(figures: Partial<Round>): figures is Round {
  return ["send", "drain", "endToEnd", "latency", "get", "callsPerTask", "cpu"].every((name) => name in figures);
}

function rotated<T>(all: readonly T[], by: number): T[] {
  return [...all.slice(by % all.length), ...all.slice(0, by % all.length)];
}
