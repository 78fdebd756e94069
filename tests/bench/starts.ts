/**
 * `npm run bench:start`: how long the worker takes to start, as it is deployed, and until its first task has ended; beside a bare handler.
 * See README.md.
 */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { build } from "esbuild";
import { bundleOptions } from "../../build/bundle.ts";
import { WORK_FOLDER } from "../../build/paths.ts";
import { toSqsRecord } from "../../localstack/mapping/record.ts";
import { createApp, useApp } from "../../shared/index.ts";
import { buildFunctions } from "./bundles.ts";
import { PROFILES } from "./child.ts";
import { startEmulators } from "./contender.ts";
import { SOURCE } from "./lovage.ts";
import { compileTemplate, createSetting } from "./setting.ts";
import { ratios, spread } from "./statistics.ts";
import { table } from "./table.ts";
import { add } from "./tasks/add.ts";

/** Processor time and time of a process in milliseconds, from before the import. */
interface Start {
  importCpu: number;
  importMilliseconds: number;
  taskCpu: number;
  taskMilliseconds: number;
}

const BARE = "tests/bench/bare-worker";
/** Runs in a process of its own: imports a bundle and hands it an event. */
const SCRIPT = `
  const [file, event] = process.argv.slice(1);
  // The SDK imports node:http for the emulators alone, which makes Node load its WebSocket; on AWS it never does.
  void globalThis.WebSocket;
  const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
  const [began, used] = [performance.now(), cpu()];
  const { handler } = await import(file);
  const [importMilliseconds, importCpu] = [performance.now() - began, cpu() - used];
  const answer = await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 30_000 });
  const [taskMilliseconds, taskCpu] = [performance.now() - began, cpu() - used];
  if (answer?.batchItemFailures.length > 0) throw new Error("The task was kept.");
  process.stderr.write(JSON.stringify({ importCpu, importMilliseconds, taskCpu, taskMilliseconds }));
`;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" }, profile: { type: "boolean" } } });
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 3 || rounds > 1000) {
  throw new Error(`Rounds '${values.rounds}' cannot be used: expected a whole number from 3 to 1000.`);
}

await compileTemplate();
const { cloud, endpoint } = await startEmulators(false);
const sqs = new SQSClient({
  endpoint,
  region: SOURCE.region,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
try {
  const environment = await createSetting(endpoint, "start");
  useApp(createApp(environment));
  Object.assign(process.env, environment);
  const [worker] = await buildFunctions(["handlers/worker.handler"]);
  if (worker === undefined) throw new Error("The worker was not built.");
  const outdir = join(WORK_FOLDER, "bench", "bare-worker");
  await build(bundleOptions([`${BARE}.handler`], outdir));
  const starts = { deployed: [] as Start[], bare: [] as Start[] };
  for (let round = 0; round <= rounds; round += 1) {
    const [deployed, bare] = [
      await startOf(worker.deployed.entry, await lovageEvent(environment), environment),
      await startOf(join(outdir, `${BARE}.mjs`), bareEvent(), environment),
    ];
    // The first of each fills the file cache.
    if (round === 0) continue;
    starts.deployed.push(deployed);
    starts.bare.push(bare);
  }
  print(starts);
} finally {
  sqs.destroy();
  await cloud.stop();
}

/** Sends a task as a service would, and takes its message as the event source mapping hands it over. */
async function lovageEvent({ BROKER_URL: QueueUrl }: Record<string, string>): Promise<object> {
  await add.delay({ x: 4, y: 6 });
  const receive = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10, MessageSystemAttributeNames: ["All"] });
  const { Messages: [message] = [] } = await sqs.send(receive);
  if (message === undefined) throw new Error("The message of a task has not come.");
  return { Records: [toSqsRecord(message, SOURCE)] };
}

function bareEvent(): object {
  return { Records: [{ body: JSON.stringify({ id: crypto.randomUUID(), payload: { x: 4, y: 6 } }) }] };
}

async function startOf(file: string, event: object, environment: Record<string, string>): Promise<Start> {
  const { PATH } = process.env;
  const profile = values.profile ? ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", PROFILES] : [];
  const words = [...profile, "--input-type=module", "-e", SCRIPT, file, JSON.stringify(event)];
  const { stderr } = await promisify(execFile)(process.execPath, words, { env: { PATH, ...environment } });
  return JSON.parse(stderr);
}

function print({ deployed, bare }: { deployed: readonly Start[]; bare: readonly Start[] }): void {
  const row = (title: string, figure: (start: Start) => number): string[] => {
    const [ours, theirs] = [deployed.map(figure), bare.map(figure)];
    const texts = [spread(ours), spread(theirs), ratios(ours, theirs)].map(({ median, least, greatest }, index) => {
      const digits = index === 2 ? 2 : 0;
      return `${median.toFixed(digits)} [${least.toFixed(digits)}–${greatest.toFixed(digits)}]`;
    });
    return [title, ...texts];
  };
  const rows = [
    ["milliseconds", "worker as deployed", "bare handler", "ratio"],
    row("import, processor time", ({ importCpu }) => importCpu),
    row("import", ({ importMilliseconds }) => importMilliseconds),
    row("first task ended, processor time", ({ taskCpu }) => taskCpu),
    row("first task ended", ({ taskMilliseconds }) => taskMilliseconds),
  ];
  console.log(
    `Start of a worker, ${rounds} rounds, Node ${process.version}. Medians [least–greatest], ratios within a round.`,
  );
  for (const line of table(rows)) console.log(`  ${line}`);
}
