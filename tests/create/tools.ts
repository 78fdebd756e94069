/** Package managers and runtimes, installed from npm's registry into `.lovage/tools`, for tests that need them as their users have them. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { WORK_FOLDER } from "../../build/paths.ts";

const run = promisify(execFile);

const FOLDER = join(WORK_FOLDER, "tools");

const PINS = {
  node: "22.23.3",
  pnpm: "12.21.0",
  "@yarnpkg/cli-dist": "4.18.1",
  deno: "2.9.6",
  bun: "1.4.5",
  "edge-runtime": "4.0.1",
  workerd: "1.20261117.1",
  jest: "30.5.2",
  "@swc/core": "1.16.22",
  "@swc/jest": "0.2.39",
};

/** Installs what is not there. @returns a sentence that says why it could not, if so */
export async function installTools(): Promise<string | undefined> {
  await mkdir(FOLDER, { recursive: true });
  const allowScripts = { node: true, deno: true, bun: true, workerd: true, "@swc/core": true, "unrs-resolver": true };
  await writeFile(join(FOLDER, "package.json"), JSON.stringify({ private: true, dependencies: PINS, allowScripts }));
  return run("npm", ["install", "--no-fund", "--no-audit"], { cwd: FOLDER }).then(
    () => undefined,
    (error: Error) => `The tools were not installed, so nothing was tested with them: ${error.message.slice(0, 300)}`,
  );
}

/** The path of a program, or of a file of a package. */
export function tool(path: string): string {
  const program = join(FOLDER, "node_modules/.bin", path);
  return existsSync(program) ? program : join(FOLDER, "node_modules", path);
}

/** The environment of a process that finds Node 22 first, or this process's own Node. */
export function environmentOf(version: "22" | "24"): NodeJS.ProcessEnv {
  if (version === "24") return process.env;
  return { ...process.env, PATH: `${join(FOLDER, "node_modules/.bin")}:${process.env.PATH}` };
}
