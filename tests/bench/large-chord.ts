/**
 * `npm run bench:chord`: a chord of 100,000 members on the embedded cloud: time, memory of every function on the way, and AWS calls and write
 * units of a member. See README.md.
 */

import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startChild } from "./child.ts";
import { startMetered } from "./contender.ts";
import type { MeterCommands } from "./cost-meter.ts";
import type { ChordCommands } from "./large-chord-process.ts";
import { compileTemplate, createSetting } from "./setting.ts";
import { table } from "./table.ts";

const WORKERS = 2;
/** As in a function of 256 MB: with all of a machine's memory before it, Node collects late, and the process grows for nothing. */
const NODE_OPTIONS = "--max-old-space-size=128 --max-semi-space-size=8";
const LOOK_MILLISECONDS = 500;
/** Lines of the table. */
const PARTS = 10;

const { values } = parseArgs({ options: { members: { type: "string", default: "100000" } } });
const members = Number(values.members);
if (!Number.isSafeInteger(members) || members < 100 || members > 100_000) {
  throw new Error(`Members '${values.members}' cannot be used: expected a whole number from 100 to 100000.`);
}

await compileTemplate();
const { cloud, endpoint } = await startMetered<MeterCommands>({
  name: "chord-emulators",
  meter: "cost-meter.ts",
  profile: false,
});
const environment = await createSetting(endpoint, "chord");
const module = join(import.meta.dirname, "large-chord-process.ts");
const start = (name: string) =>
  startChild<ChordCommands>({ name, module, environment: { ...environment, NODE_OPTIONS }, profile: false });
const sender = start("chord-sender");
const workers = Array.from({ length: WORKERS }, (_, index) => start(`chord-worker-${index}`));
try {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  await sender.ask("send", members);
  const rows = [["members that ran", "seconds", "MB of the sender", "MB of each worker", "MB of the emulators"]];
  const look = async (): Promise<{ ran: number; total: number | null }> => {
    const [sent, { megabytes }, ...found] = await Promise.all([
      sender.ask("progress"),
      cloud.ask("resident"),
      ...workers.map((one) => one.ask("progress")),
    ]);
    const ran = found.reduce((sum, one) => sum + one.ran, 0);
    const { total = null } = found.find((one) => one.total !== null) ?? {};
    if (ran >= ((rows.length - 1) * members) / PARTS || total !== null) {
      const each = found.map((one) => one.megabytes.toFixed(0)).join(", ");
      const row = [
        ran.toLocaleString("en"),
        seconds().toFixed(0),
        sent.megabytes.toFixed(0),
        each,
        megabytes.toFixed(0),
      ];
      rows.push(row);
      console.error(row.join("  "));
    }
    return { ran, total };
  };
  await look();
  await Promise.all(workers.map((one) => one.ask("start")));
  let total: number | null = null;
  while (total === null) {
    await wait(LOOK_MILLISECONDS);
    ({ total } = await look());
  }
  const took = seconds();
  await Promise.all(workers.map((one) => one.ask("stop")));
  if (total !== members * (members - 1)) throw new Error(`The body has added up ${total}, which is not right.`);
  const { writes, reads, sqs, s3, dynamodb } = await cloud.ask("meter");
  const { counts = 0, ...ofMembers } = writes;
  const sum = (...all: Record<string, number>[]): number =>
    all.flatMap((one) => Object.values(one)).reduce((whole, one) => whole + one, 0);
  const perMember = (count: number): string => (count / members).toFixed(3);
  console.log(`\nA chord of ${members.toLocaleString("en")} members, ${WORKERS} workers: ${took.toFixed(0)} s`);
  for (const line of table(rows)) console.log(`  ${line}`);
  const costs = [
    ["per member", "AWS calls", "write units", "read units", "SQS requests"],
    ["", perMember(sum(sqs, s3, dynamodb)), perMember(sum(ofMembers)), perMember(sum(reads)), perMember(sum(sqs))],
  ];
  console.log("");
  for (const line of table(costs)) console.log(`  ${line}`);
} finally {
  await Promise.all([sender, ...workers].map((one) => one.stop()));
  await cloud.stop();
}
