/** The ground on which everything is measured: the compiled template, the region, the folder of the benchmark's tasks. */

import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT, WORK_FOLDER } from "../../build/paths.ts";
import { type Clients, createClients, createResources } from "../../localstack/template/resources.ts";
import type { Template } from "../../localstack/template/template.ts";

export const REGION = "us-east-1";
export const TASKS_FOLDER = "tests/bench/tasks";
export const TEMPLATE_FILE = join(WORK_FOLDER, "bench-template.json");

/** Where the plugs of the local cloud's sandboxes look whether they may end. */
export const PLUG_FOLDER = join(WORK_FOLDER, "bench", "plug");

/** Compiles serverless.yml with the benchmark's own tasks. */
export async function compileTemplate(): Promise<void> {
  await mkdir(WORK_FOLDER, { recursive: true });
  const { PATH, HOME } = process.env;
  const binaries = join(ROOT, "node_modules", ".bin");
  await promisify(execFile)(join(binaries, "serverless"), ["template", "--output", TEMPLATE_FILE], {
    cwd: ROOT,
    env: { PATH: `${binaries}:${PATH}`, HOME, LOVAGE_TASKS: TASKS_FOLDER },
  });
}

/** A queue and a table of one side's own, as serverless.yml declares them; the environment that leads to them. */
export async function createSetting(endpoint: string, side: string): Promise<Record<string, string>> {
  const text = await readFile(TEMPLATE_FILE, "utf8");
  const template: Template = JSON.parse(text.replaceAll("lovage-local", `bench-${side}`));
  const access = { endpoint, region: REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const clients = createClients(access);
  const resources = await createResources(template, clients, access);
  const ref = async (id: string): Promise<string> => String(await resources.resolve({ Ref: id }));
  const environment = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    BROKER_URL: await ref("DefaultQueue"),
    RESULT_BACKEND: `dynamodb://${await ref("TasksTable")}`,
    UPLOADS_BUCKET: await ref("UploadsBucket"),
  };
  destroy(clients);
  return environment;
}

function destroy(clients: Clients): void {
  for (const client of Object.values(clients)) client.destroy();
}
