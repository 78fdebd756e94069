/** Makes the package `create-lovage` beside the package `lovage`: the command, its template, and the versions that it writes down. */

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { transform } from "esbuild";
import { ROOT } from "./paths.ts";

/** Of this repository's development, what a service is developed with beside the engine's peers. */
const TOOLS = ["@types/node", "serverless", "serverless-offline", "typescript", "vitest"];

interface Source {
  version: unknown;
  license: unknown;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
  allowScripts: Readonly<Record<string, boolean>>;
}

/** @param peers the optional peers of `lovage`: build and local cloud want each in its exact version */
export async function packCreate(
  folder: string,
  source: Source,
  peers: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await cp(join(ROOT, "create", "template"), join(folder, "template"), { recursive: true });
  const { code } = await transform(await readFile(join(ROOT, "create", "create.ts"), "utf8"), {
    loader: "ts",
    target: "node22",
  });
  await writeFile(join(folder, "create.js"), code, { mode: 0o755 });
  const tools = Object.fromEntries(TOOLS.map((name) => [name, source.devDependencies[name]]));
  // vitest wants it beside itself. npm and pnpm install it unasked, Yarn does not.
  const vite: { version: string } = JSON.parse(await readFile(join(ROOT, "node_modules/vite/package.json"), "utf8"));
  const { node, ...allowScripts } = source.allowScripts;
  const versions = {
    dependencies: { lovage: `^${source.version}`, zod: `^${source.dependencies.zod}` },
    devDependencies: Object.fromEntries(Object.entries({ ...peers, ...tools, vite: vite.version }).sort()),
    allowScripts,
  };
  await writeFile(join(folder, "versions.json"), `${JSON.stringify(versions, null, 2)}\n`);
  const manifest = {
    name: "create-lovage",
    version: source.version,
    description: "Makes a service with background tasks on AWS: npm create lovage",
    license: source.license,
    type: "module",
    engines: { node: ">=22.18" },
    bin: "./create.js",
  };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
