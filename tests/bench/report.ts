import type { BeatReport } from "./beat.ts";
import type { FunctionBundles } from "./bundles.ts";
import { type Comparison, latencies } from "./comparison.ts";
import type { CostReport } from "./cost.ts";
import { printCost } from "./cost-report.ts";
import type { Measured, Round } from "./rounds.ts";
import { median, quantile, type Spread, spread } from "./statistics.ts";
import { table } from "./table.ts";

export interface FunctionReport extends FunctionBundles {
  importMilliseconds: Record<"deployed" | "withoutTasks" | "bare", number>;
}

/** The results of one run of the benchmark: the JSON file as it is, and the tables. */
export interface Report {
  measuredAt: string;
  seconds: number;
  node: string;
  machine: string;
  /** Average number of processes that wanted a core in the last minute, ours included. */
  load: number;
  tasks: number;
  rounds: number;
  samples: number;
  comparisons: Comparison[];
  contenders: Measured[];
  functions: FunctionReport[];
  cost: CostReport;
  beat: BeatReport;
}

/** Contenders in full; the ratios use the short names. */
const TITLES: Record<string, string> = {
  smallest: "smallest: hand-written loop, 1 write per task",
  "same-writes": "same-writes: the loop with Lovage's 3 writes",
  engine: "engine: Lovage in the same loop",
  offline: "offline: Lovage in its whole local cloud",
  celery: "celery: Celery 5.7, threads, on the same SQS and DynamoDB",
  bullmq: "bullmq: BullMQ 6.7, 50 at a time, on Redis in memory",
};

/** Prints the tables, ratios first. */
export function printReport(report: Report, print: (line: string) => void): void {
  const { tasks, rounds, samples, seconds, node, machine, load, contenders } = report;
  print(`Lovage beside hand-written loops on the same emulators: ${tasks} tasks, ${rounds} round(s), Node ${node},`);
  print(`${machine}, load ${load.toFixed(1)}, ${seconds.toFixed(0)} s. Medians [least–greatest].`);
  const section = (title: string, rows: readonly (readonly string[])[]): void => {
    print("");
    print(title);
    for (const line of table(rows)) print(`  ${line}`);
  };
  section("Ratios: rates, above 1 is faster; milliseconds, below 1 is less", ratioRows(report.comparisons));
  section("Tasks per second", [["", "sending", "draining", "end to end"], ...contenders.map(rateRow)]);
  section(`Milliseconds from send to result, one task at a time, ${samples * rounds} samples`, [
    ["", "p50", "p99", "p50 of get()", "p99 of get()"],
    ...contenders.map(latencyRow),
  ]);
  section("AWS calls per task, sending and draining", callRows(contenders));
  section("Milliseconds of processor time per task, sending and draining", [
    ["", "sender", "worker", "emulators"],
    ...contenders.map(cpuRow),
  ]);
  section(`A tick of beat: ${report.beat.due} of ${report.beat.entries} schedule entries are due`, [
    ["queries", "reads", "writes", "read units", "write units", "ms, table in memory", "MB"],
    beatRow(report.beat),
  ]);
  section(
    "Functions: KB loaded at start (KB in all), and ms of import; beside a bare handler with the same SDK clients",
    [
      ["", "deployed", "without tasks", "bare", "ratio", "ms", "without tasks", "bare", "ratio"],
      ...report.functions.map(functionRow),
    ],
  );
  section("KB loaded at start, as deployed, by owner", report.functions.map(ownerRow));
  printCost(report.cost, print);
}

function ratioRows(comparisons: readonly Comparison[]): string[][] {
  const row = (title: string, figure: (one: Comparison) => Spread | undefined): string[] => {
    return [title, ...comparisons.map(figure).map((ratio) => (ratio === undefined ? "-" : ratioText(ratio)))];
  };
  return [
    ["", ...comparisons.map(({ of, to }) => `${of} : ${to}`)],
    row("sending, tasks/s", ({ send }) => send),
    row("draining, tasks/s", ({ drain }) => drain),
    row("end to end, tasks/s", ({ endToEnd }) => endToEnd),
    row("send to result, p50", ({ latencyP50 }) => latencyP50),
    ["send to result, p99", ...comparisons.map(({ latencyP99 }) => latencyP99.toFixed(2))],
    row("sender's CPU per task", ({ senderCpu }) => senderCpu),
    row("worker's CPU per task", ({ workerCpu }) => workerCpu),
    row("emulators' CPU per task", ({ cloudCpu }) => cloudCpu),
  ];
}

function rateRow({ name, rounds }: Measured): string[] {
  const rate = (figure: (round: Round) => number): string => {
    const { median, least, greatest } = spread(rounds.map(figure));
    return `${whole(median)} [${whole(least)}–${whole(greatest)}]`;
  };
  return [TITLES[name] ?? name, rate(({ send }) => send), rate(({ drain }) => drain), rate(({ endToEnd }) => endToEnd)];
}

function latencyRow({ name, rounds }: Measured): string[] {
  const samples = latencies(rounds);
  const waits = rounds.flatMap(({ get }) => get);
  const own = waits.length === 0 ? ["-", "-"] : [quantile(waits, 0.5).toFixed(1), quantile(waits, 0.99).toFixed(1)];
  return [TITLES[name] ?? name, quantile(samples, 0.5).toFixed(1), quantile(samples, 0.99).toFixed(1), ...own];
}

function callRows(contenders: readonly Measured[]): string[][] {
  const callsOf = ({ rounds }: Measured, operation: string): number =>
    median(rounds.map(({ callsPerTask }) => callsPerTask[operation] ?? 0));
  const operations = new Set(
    contenders.flatMap(({ rounds }) => rounds.flatMap(({ callsPerTask }) => Object.keys(callsPerTask))),
  );
  const columns = [...operations].sort();
  return [
    ["", ...columns, "sum"],
    ...contenders.map((contender) => {
      const calls = columns.map((operation) => callsOf(contender, operation));
      return [TITLES[contender.name] ?? contender.name, ...[...calls, calls.reduce((a, b) => a + b, 0)].map(callText)];
    }),
  ];
}

function cpuRow({ name, rounds }: Measured): string[] {
  const cpu = (figure: (round: Round) => number | undefined): string => {
    const known = rounds.flatMap((round) => figure(round) ?? []);
    return known.length === 0 ? "-" : median(known).toFixed(2);
  };
  return [
    TITLES[name] ?? name,
    cpu((one) => one.cpu.sender),
    cpu((one) => one.cpu.worker),
    cpu((one) => one.cpu.cloud),
  ];
}

function functionRow({ name, deployed, withoutTasks, bare, importMilliseconds: ms }: FunctionReport): string[] {
  const size = ({ loadedBytes, totalBytes }: { loadedBytes: number; totalBytes: number }): string =>
    `${kilobytes(loadedBytes)} (${kilobytes(totalBytes)})`;
  return [
    name,
    ...[deployed, withoutTasks, bare].map(size),
    (withoutTasks.loadedBytes / bare.loadedBytes).toFixed(2),
    ...[ms.deployed, ms.withoutTasks, ms.bare].map((time) => time.toFixed(0)),
    (ms.withoutTasks / ms.bare).toFixed(2),
  ];
}

function ownerRow({ name, deployed }: FunctionReport): string[] {
  const owners = Object.entries(deployed.loadedFrom).filter(([, bytes]) => bytes >= 1024);
  owners.sort(([, a], [, b]) => b - a);
  return [`${name.padEnd(13)} ${owners.map(([owner, bytes]) => `${owner} ${kilobytes(bytes)}`).join(", ")}`];
}

function ratioText({ median, least, greatest }: Spread): string {
  return `${median.toFixed(2)} [${least.toFixed(2)}–${greatest.toFixed(2)}]`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function callText(calls: number): string {
  return calls === 0 ? "-" : calls.toFixed(3);
}

function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}

function beatRow({ queries, reads, writes, readUnits, writeUnits, milliseconds, megabytes }: BeatReport): string[] {
  return [queries, reads, writes, readUnits, writeUnits, Math.round(milliseconds), Math.round(megabytes)].map(String);
}
