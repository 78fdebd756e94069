/**
 * `npm create lovage` as a newcomer has it: an empty folder, the tarballs, and the registry. Each package manager installs a service, whose
 * scripts must work at once. Size and time are printed, and held to the bounds of docs/testing.md.
 */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Packed, pack } from "../helpers/packed.ts";
import { environmentOf, installTools, tool } from "./tools.ts";

const run = promisify(execFile);

/** Stated in docs/testing.md. */
const MAX_MEGABYTES = 260;
const MAX_SECONDS = 240;

/** Sentences of a manager that a newcomer would have to look up. */
const WARNING = /\b(warn|EBADENGINE|deprecated|ERR_)/i;

let packed: Packed;
let missing: string | undefined;
let place: string;

beforeAll(async () => {
  [packed, missing] = await Promise.all([pack(), installTools()]);
  place = await mkdtemp(join(tmpdir(), "lovage-install-"));
  await run("tar", ["-xzf", packed.createLovage, "-C", place]);
}, 600_000);
afterAll(async () => {
  for (const folder of [packed.folder, place]) await rm(folder, { recursive: true, force: true });
});

it.for([
  ["npm", "24", "npm/11.19.1"],
  ["npm", "22", "npm/11.19.1"],
  ["pnpm", "24", "pnpm/12.21.0"],
  ["pnpm", "22", "pnpm/12.21.0"],
  ["yarn", "24", "yarn/4.18.1"],
  ["yarn", "22", "yarn/4.18.1"],
] as const)(
  "%s under Node %s installs a service that works at once",
  { timeout: 900_000 },
  async ([manager, node, agent], { skip }) => {
    if (missing !== undefined) return skip(missing);
    const name = `${manager}-${node}`;
    const registry = (await run("npm", ["config", "get", "registry"])).stdout.trim();
    const env = { ...environmentOf(node), ...yarnSettings(registry) };
    const create = ["package/create.js", name, "--include", "email,uploads,beat,workflows,fifo"];
    await run("node", create, { cwd: place, env: { ...env, npm_config_user_agent: `${agent} node` } });
    const service = join(place, name);
    const manifest = JSON.parse(await readFile(join(service, "package.json"), "utf8"));
    manifest.dependencies.lovage = `file:${packed.lovage}`;
    await writeFile(join(service, "package.json"), JSON.stringify(manifest));
    const program = manager === "npm" ? "npm" : tool(manager === "yarn" ? "@yarnpkg/cli-dist/bin/yarn.js" : "pnpm");
    const call = (...words: string[]) =>
      manager === "yarn"
        ? run("node", [program, ...words], { cwd: service, env })
        : run(program, words, { cwd: service, env });

    const startedAt = performance.now();
    const { stdout, stderr } = await call("install");
    const seconds = (performance.now() - startedAt) / 1000;
    const megabytes = (await sizeOf(join(service, "node_modules"))) / 1_000_000;
    console.log(`${manager}, Node ${node}: ${megabytes.toFixed(0)} MB installed in ${seconds.toFixed(0)} s.`);
    // Yarn counts peers that packages of others have not declared.
    if (manager !== "yarn") expect(`${stdout}${stderr}`).not.toMatch(WARNING);
    expect(megabytes).toBeLessThan(MAX_MEGABYTES);
    expect(seconds).toBeLessThan(MAX_SECONDS);

    expect((await call("run", "demo")).stdout).toContain("Its result is 10.");
    expect((await call("run", "test")).stdout).toContain("1 passed");
    await call("run", "types");
    const bin = join(service, "node_modules/.bin/serverless");
    await run(bin, ["package", "--stage", "dev"], { cwd: service, env });
    expect(await readdir(join(service, ".lovage/package"))).toContain("worker.zip");
  },
);

/** Yarn has settings of its own, and reads none of npm's. */
function yarnSettings(registry: string): Record<string, string> {
  return {
    YARN_NPM_REGISTRY_SERVER: registry,
    YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
    YARN_ENABLE_TELEMETRY: "0",
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
  };
}

/** Bytes of all files, each once. */
async function sizeOf(folder: string): Promise<number> {
  const seen = new Set<number>();
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = await stat(join(entry.parentPath, entry.name));
    if (!seen.has(ino)) bytes += size;
    seen.add(ino);
  }
  return bytes;
}
