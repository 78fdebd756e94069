/** The use of AWS by tasks, by option, and its cost. */

import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Bill, lambdaUsage, toBill, type Usage } from "./bill.ts";
import { type BudgetLine, checkBudget, checkMember } from "./budget.ts";
import { calibrate } from "./calibration.ts";
import type { Calls } from "./call-counter.ts";
import type { Units } from "./capacity-meter.ts";
import { type Child, startChild } from "./child.ts";
import { startMetered } from "./contender.ts";
import { COST_CASES, type CostCase, DEFAULT, MEMBER, STEP } from "./cost-cases.ts";
import type { MeterCommands, Metered } from "./cost-meter.ts";
import type { CostCommands, Drained } from "./cost-process.ts";
import { PRICES } from "./prices.ts";
import { createSetting } from "./setting.ts";
import { median, ratios, type Spread } from "./statistics.ts";

const ROUNDS = 5;
/** Of each kind in a round. */
const TIMED_TASKS = 500;

/** One way to send a task: everything per task. */
export interface CostLine {
  name: string;
  tasks: number;
  batch: number;
  /** How often its message was received: more than once if it had to wait. */
  deliveries: number;
  /** DynamoDB's units, by the kind of item. */
  writes: Units;
  reads: Units;
  /** Requests by operation. */
  sqs: Calls;
  s3: Calls;
  dynamodb: Calls;
  cpuMilliseconds: number;
  usage: Usage;
  /** For a million tasks. */
  bill: Bill;
  /** The same for what Lambda adds, which is not measured. */
  lambda: Bill;
}

export interface CostReport {
  lines: CostLine[];
  /** The largest record of a default task: bytes of each attribute. */
  record: Record<string, number>;
  budget: BudgetLine[];
  /** Of workflows' tasks: the time of one beside that of a default task, in the same round. */
  times: { name: string; milliseconds: number; beside: Spread }[];
  prices: typeof PRICES;
}

export interface CostOptions {
  /** Of each option; a multiple of the batch. */
  tasks: number;
  progress: (line: string) => void;
}

/** Measures on emulators of its own: what it counts must be nobody else's. */
export async function measureCost({ tasks, progress }: CostOptions): Promise<CostReport> {
  const emulators = await startMetered<MeterCommands>({
    name: "cost-emulators",
    meter: "cost-meter.ts",
    profile: false,
  });
  try {
    return await measureOn(emulators, { tasks, progress });
  } finally {
    progress("");
    await emulators.cloud.stop();
  }
}

async function measureOn(
  { cloud, endpoint }: { cloud: Child<MeterCommands>; endpoint: string },
  { tasks, progress }: CostOptions,
): Promise<CostReport> {
  progress("cost: calibrating");
  const environment = await createSetting(endpoint, "cost");
  await calibrateMeter(environment, cloud);
  const module = join(import.meta.dirname, "cost-process.ts");
  const engine = startChild<CostCommands>({ name: "cost-engine", module, environment, profile: false });
  try {
    // A worker's first look at what operators decided reads all of it: once in its life, so not in any task's price.
    await engine.ask(DEFAULT, 10);
    const lines: CostLine[] = [];
    let record: Record<string, number> = {};
    for (const one of COST_CASES) {
      progress(`cost: ${one.name}`);
      const count = one.tasks ?? tasks;
      await cloud.ask("reset");
      const drained = await engine.ask(one.name, count);
      const metered = await cloud.ask("meter");
      lines.push(toLine(one, count, drained, metered));
      if (one.name === DEFAULT) record = metered.largest.task ?? {};
    }
    const budget = [...lines.filter(({ name }) => name === DEFAULT).flatMap(checkBudget), ...budgetOfMember(lines)];
    return { lines, record, budget, times: await measureTimes(engine, progress), prices: PRICES };
  } finally {
    await engine.stop();
  }
}

function budgetOfMember(lines: readonly CostLine[]): BudgetLine[] {
  const [plain, member] = [DEFAULT, MEMBER].map((name) => lines.find((line) => line.name === name));
  if (plain === undefined || member === undefined) return [];
  return checkMember({ ...plain, calls: callsOf(plain) }, { ...member, calls: callsOf(member) });
}

/** Rounds of the default and of workflows' tasks, one after another, so that what slows a whole round does not count. */
async function measureTimes(
  engine: Child<CostCommands>,
  progress: (line: string) => void,
): Promise<CostReport["times"]> {
  const times = new Map([DEFAULT, STEP, MEMBER].map((name) => [name, [] as number[]]));
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`cost: times, round ${round} of ${ROUNDS}`);
    for (const [name, found] of times) {
      found.push((await engine.ask(name, TIMED_TASKS)).milliseconds / TIMED_TASKS);
    }
  }
  const plain = times.get(DEFAULT) ?? [];
  return [...times].map(([name, found]) => ({ name, milliseconds: median(found), beside: ratios(found, plain) }));
}

/** AWS calls of one task. */
export function callsOf({ sqs, s3, dynamodb }: Pick<CostLine, "sqs" | "s3" | "dynamodb">): number {
  return [sqs, s3, dynamodb].flatMap((calls) => Object.values(calls)).reduce((all, one) => all + one, 0);
}

async function calibrateMeter(
  { AWS_ENDPOINT_URL = "", AWS_REGION = "", RESULT_BACKEND = "" }: Record<string, string>,
  cloud: Child<MeterCommands>,
): Promise<void> {
  const dynamodb = new DynamoDBClient({
    endpoint: AWS_ENDPOINT_URL,
    region: AWS_REGION,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  try {
    await calibrate(dynamodb, RESULT_BACKEND.replace("dynamodb://", ""), cloud);
  } finally {
    dynamodb.destroy();
  }
}

function toLine(one: CostCase, tasks: number, drained: Drained, metered: Metered): CostLine {
  const { request = "sqsRequest", name, batch } = one;
  const perTask = (counts: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, count / tasks]));
  const [writes, reads, sqs, s3, dynamodb] = [
    ...[metered.writes, metered.reads, metered.sqs, metered.s3, metered.dynamodb].map(perTask),
  ];
  const { PutObject = 0, GetObject = 0, ...others } = s3 ?? {};
  const unknown = Object.keys(others);
  if (unknown.length > 0) throw new Error(`A task made calls of S3 that have no price here: ${unknown.join(", ")}.`);
  // Counts come by the clock: one write a minute of a worker, whatever it runs.
  const { counts = 0, ...ofTasks } = writes ?? {};
  const usage: Usage = {
    writeUnit: sum(ofTasks),
    readUnit: sum(reads),
    [request]: sum(sqs),
    ...(PutObject + GetObject > 0 && { s3Put: PutObject, s3Get: GetObject }),
  };
  return {
    name,
    tasks,
    batch,
    usage,
    deliveries: drained.deliveries / tasks,
    writes: ofTasks,
    reads: reads ?? {},
    sqs: sqs ?? {},
    s3: s3 ?? {},
    dynamodb: dynamodb ?? {},
    cpuMilliseconds: drained.cpuMilliseconds / tasks,
    bill: toBill(usage),
    lambda: toBill(lambdaUsage(drained.invocations / tasks)),
  };
}

function sum(counts: Record<string, number> = {}): number {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}
