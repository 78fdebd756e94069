/**
 * `npm run bench`: Lovage beside hand-written loops, on the same emulators, in one run. See README.md.
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { dirname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { WORK_FOLDER } from "../../build/paths.ts";
import { resourcesOf, type Template, textField } from "../../localstack/template/template.ts";
import { measureBeat } from "./beat.ts";
import { buildFunctions, functionName } from "./bundles.ts";
import { PROFILES } from "./child.ts";
import { compare } from "./comparison.ts";
import { type Contender, startEmulators, startLoop, startOffline } from "./contender.ts";
import { measureCost } from "./cost.ts";
import { measureImports } from "./import-time.ts";
import { startBullMQ } from "./peers/bullmq.ts";
import { startCelery } from "./peers/celery.ts";
import { type FunctionReport, printReport, type Report } from "./report.ts";
import { type Measured, measureRounds } from "./rounds.ts";
import { compileTemplate, TEMPLATE_FILE } from "./setting.ts";

const USAGE = "Usage: npm run bench -- [--quick] [--tasks N] [--entries N] [--profile]";
const OUTPUT = join(WORK_FOLDER, "bench.json");

interface Plan {
  tasks: number;
  rounds: number;
  /** After so many, no further round begins. */
  seconds: number;
  samples: number;
  imports: number;
  /** Tasks of each option that is priced. */
  priced: number;
  /** Schedule entries, of which a thousand are due. */
  entries: number;
  /** Names of the functions to bundle; absent: all. */
  only: readonly string[] | undefined;
  profile: boolean;
}

try {
  await bench(readPlan(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function bench(plan: Plan): Promise<void> {
  const start = performance.now();
  if (plan.profile) await rm(PROFILES, { recursive: true, force: true });
  progress("compiling serverless.yml");
  await compileTemplate();
  const contenders = await measureContenders(plan);
  const cost = await measureCost({ tasks: plan.priced, progress });
  const beat = await measureBeat(plan.entries, progress);
  const functions = await measureFunctions(plan);
  const report: Report = {
    measuredAt: new Date().toISOString(),
    seconds: (performance.now() - start) / 1000,
    node: process.version,
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown processor"}`,
    load: loadavg()[0] ?? 0,
    tasks: plan.tasks,
    rounds: contenders[0]?.rounds.length ?? 0,
    samples: plan.samples,
    comparisons: compare(contenders),
    contenders,
    functions,
    cost,
    beat,
  };
  await mkdir(dirname(OUTPUT), { recursive: true });
  await writeFile(OUTPUT, `${JSON.stringify(report, null, 2)}\n`);
  printReport(report, (line) => console.log(line));
  console.log(`\nEvery figure: ${relative(process.cwd(), OUTPUT)}`);
  if (plan.profile) console.log(`CPU profiles: ${relative(process.cwd(), PROFILES)}/`);
  const exceeded = cost.budget.filter(({ holds }) => !holds);
  if (exceeded.length > 0) {
    const list = exceeded.map(({ what, perTask, most }) => `${what} ${perTask.toFixed(3)} (at most ${most})`);
    throw new Error(`A task costs more than its budget: ${list.join(", ")}.`);
  }
}

async function measureContenders(plan: Plan): Promise<Measured[]> {
  const emulators = await startEmulators(plan.profile);
  const contenders: Contender[] = [];
  try {
    for (const [name, side] of [
      ["smallest", "smallest"],
      ["same-writes", "same-writes"],
      ["engine", "lovage"],
    ] as const) {
      contenders.push(await startLoop(name, side, emulators, plan.profile));
    }
    contenders.push(await startOffline("offline", plan.profile));
    const celery = await startCelery(emulators);
    if (celery) contenders.push(celery);
    else console.log('Celery is not measured: "node tests/cloud/install-peers.ts celery" installs it.');
    const bullmq = await startBullMQ(plan.profile);
    if (bullmq) contenders.push(bullmq);
    else
      console.log(
        'BullMQ is not measured: "node tests/cloud/install-peers.ts bullmq" installs it, beside redis-server.',
      );
    return await measureRounds(contenders, { ...plan, progress });
  } finally {
    progress("");
    await Promise.all(contenders.map((contender) => contender.stop()));
    await emulators.cloud.stop();
  }
}

async function measureFunctions({ imports, only }: Plan): Promise<FunctionReport[]> {
  progress("bundling");
  const template: Template = JSON.parse(await readFile(TEMPLATE_FILE, "utf8"));
  const handlers = resourcesOf(template, "AWS::Lambda::Function").map(({ properties }) => {
    return textField(properties, "Handler") ?? "";
  });
  const bundles = await buildFunctions(handlers.filter((handler) => only?.includes(functionName(handler)) ?? true));
  const entries = bundles.flatMap(({ deployed, withoutTasks, bare }) => [
    deployed.entry,
    withoutTasks.entry,
    bare.entry,
  ]);
  const times = await measureImports(entries, imports, progress);
  progress("");
  const timeOf = ({ entry }: { entry: string }): number => times.get(entry) ?? Number.NaN;
  return bundles.map((bundle) => ({
    ...bundle,
    importMilliseconds: {
      deployed: timeOf(bundle.deployed),
      withoutTasks: timeOf(bundle.withoutTasks),
      bare: timeOf(bundle.bare),
    },
  }));
}

/** @throws Error one sentence about what is wrong with the arguments */
function readPlan(args: string[]): Plan {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean" },
      tasks: { type: "string" },
      entries: { type: "string" },
      profile: { type: "boolean" },
    },
  });
  const plan = values.quick
    ? { tasks: 200, rounds: 1, seconds: 10, samples: 20, imports: 3, priced: 50, only: ["submit", "worker"] }
    : { tasks: 1500, rounds: 9, seconds: 120, samples: 50, imports: 5, priced: 300, only: undefined };
  const tasks = values.tasks === undefined ? plan.tasks : Number(values.tasks);
  if (!Number.isSafeInteger(tasks) || tasks < 10) {
    throw new Error(`Option --tasks '${values.tasks}' cannot be used: expected a whole number, 10 or more. ${USAGE}`);
  }
  const entries = Number(values.entries ?? (values.quick ? 10_000 : 100_000));
  if (!Number.isSafeInteger(entries) || entries < 1000) {
    throw new Error(
      `Option --entries '${values.entries}' cannot be used: expected a whole number, 1000 or more. ${USAGE}`,
    );
  }
  return { ...plan, tasks, entries, profile: values.profile ?? false };
}

/** Says what is under way, over and over on one line of a terminal; nothing anywhere else. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}`);
}
