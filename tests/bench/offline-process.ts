/** The parts that `serverless offline` runs behind its HTTP port, as a process: emulators, event source mappings, sandboxes. */

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { WORK_FOLDER } from "../../build/paths.ts";
import { startLocalCloud } from "../../localstack/cloud.ts";
import { startBuilds } from "../../localstack/lambda/builds.ts";
import { resourcesOf, type Template, textField } from "../../localstack/template/template.ts";
import { answer, cpuOfChildren } from "./child.ts";
import { REGION, TASKS_FOLDER, TEMPLATE_FILE } from "./setting.ts";

const template: Template = JSON.parse(await readFile(TEMPLATE_FILE, "utf8"));
const functions = resourcesOf(template, "AWS::Lambda::Function").map(({ properties }) => ({
  name: textField(properties, "FunctionName") ?? "",
  handler: textField(properties, "Handler") ?? "",
}));
const log = (line: string): void => console.log(line);
const builds = await startBuilds({
  handlers: functions.map(({ handler }) => handler),
  outdir: join(WORK_FOLDER, "bench", "offline"),
  taskFolders: [TASKS_FOLDER],
  environments: [{ functions: ["worker"], variables: {} }],
  log,
});
const cloud = await startLocalCloud({
  template,
  bundleOf: builds.bundleOf,
  environment: {},
  port: 0,
  region: REGION,
  log,
});
const worker = functions.find(({ handler }) => handler === "handlers/worker.handler");
await cloud.functions.warm(worker?.name ?? "", Math.max(4, availableParallelism()));

const offlineCommands = {
  /** By which a sender finds the cloud. */
  environment: async () => ({
    ...cloud.environment,
    BROKER_URL: await cloud.ref("DefaultQueue"),
    RESULT_BACKEND: `dynamodb://${await cloud.ref("TasksTable")}`,
  }),

  /** Of the sandboxes; what else this process has started is idle meanwhile. */
  workerCpu: async () => cpuOfChildren(),
};
export type OfflineCommands = typeof offlineCommands;

async function stop(): Promise<void> {
  await cloud.stop();
  await builds.stop();
  process.exit();
}

answer(offlineCommands, stop);
// The call counter's message when the benchmark is gone: it must not cut the clean stop short.
process.on("SIGTERM", () => {});
console.log("Local cloud ready.");
