import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Template } from "../../localstack/template/template.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FILE = join(ROOT, ".lovage", "test-template.json");

/** Compiles serverless.yml once for all test files, with tasks of the tests' own: tests run on the resources that are deployed. */
export default async function compileTemplate(): Promise<void> {
  await mkdir(join(ROOT, ".lovage"), { recursive: true });
  const serverless = join(ROOT, "node_modules", ".bin", "serverless");
  await promisify(execFile)(serverless, ["template", "--output", FILE], {
    cwd: ROOT,
    env: { ...process.env, LOVAGE_TASKS: "tests/fixtures/tasks" },
  });
}

export async function readTemplate(): Promise<Template> {
  return JSON.parse(await readFile(FILE, "utf8"));
}
