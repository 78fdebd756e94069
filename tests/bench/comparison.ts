/** The measurements as ratios: the only figures that mean something on another machine. Pure. */

import type { Measured, Round } from "./rounds.ts";
import { quantile, ratios, type Spread } from "./statistics.ts";

/** One contender beside another. Rates: above 1 is better. Times: below 1 is better. */
export interface Comparison {
  of: string;
  to: string;
  send: Spread;
  drain: Spread;
  endToEnd: Spread;
  /** Send to result, polled every 5 ms: of each round's median, and of the 99th percentile of all samples. */
  latencyP50: Spread;
  latencyP99: number;
  /** Processor time per task of the process that sends, the one that works, and the emulators'. */
  senderCpu: Spread;
  workerCpu: Spread | undefined;
  cloudCpu: Spread;
}

/** Which contender is compared with which. The first of each pair is Lovage. */
const PAIRS = [
  ["engine", "same-writes"],
  ["engine", "smallest"],
  ["offline", "same-writes"],
  ["offline", "engine"],
  ["engine", "celery"],
  ["engine", "bullmq"],
] as const;

export function compare(measured: readonly Measured[]): Comparison[] {
  const roundsOf = (name: string): Round[] => measured.find((one) => one.name === name)?.rounds ?? [];
  const isMeasured = (name: string): boolean => measured.some((one) => one.name === name);
  return PAIRS.filter((pair) => pair.every(isMeasured)).map(([of, to]) => {
    const [ours, theirs] = [roundsOf(of), roundsOf(to)];
    const ratio = (figure: (round: Round) => number): Spread => ratios(ours.map(figure), theirs.map(figure));
    const hasWorker = ours.every(({ cpu }) => cpu.worker !== undefined);
    return {
      of,
      to,
      send: ratio(({ send }) => send),
      drain: ratio(({ drain }) => drain),
      endToEnd: ratio(({ endToEnd }) => endToEnd),
      latencyP50: ratio(({ latency }) => quantile(latency, 0.5)),
      latencyP99: quantile(latencies(ours), 0.99) / quantile(latencies(theirs), 0.99),
      senderCpu: ratio(({ cpu }) => cpu.sender),
      workerCpu: hasWorker ? ratio(({ cpu }) => cpu.worker ?? Number.NaN) : undefined,
      cloudCpu: ratio(({ cpu }) => cpu.cloud),
    };
  });
}

/** The samples of all rounds. */
export function latencies(rounds: readonly Round[]): number[] {
  return rounds.flatMap(({ latency }) => latency);
}
