import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";
import { dashboardModule } from "./dashboard-module.ts";
import { ownModule, ROOT } from "./paths.ts";
import { type TaskSource, taskModules } from "./task-modules.ts";

/** Native code cannot be bundled: it is installed beside the bundle, for the processor that Lambda has. */
const NATIVE_PACKAGES = ["sharp"];

/** `handlers/worker.handler` → `handlers/worker`: the module without its ending, as in the deployed zip. */
export function moduleOf(handler: string): string {
  return handler.slice(0, handler.lastIndexOf("."));
}

/**
 * The file of a handler: the service's own or, where it has none of that name, Lovage's.
 * @throws Error in one sentence where there is none
 */
export function entryOf(handler: string): string {
  const file = `${moduleOf(handler)}.ts`;
  const found = [join(ROOT, file), ownModule(moduleOf(handler))].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    `Handler '${handler}' in serverless.yml means the file ${file}, which is not there: expected a file of the service. Write it, or mend the handler.`,
  );
}

/** The entry points of bundles, each with the place of its handler in the deployed zip. */
function entryPointsOf(handlers: readonly string[]): { in: string; out: string }[] {
  return [...new Set(handlers)].map((handler) => ({ in: entryOf(handler), out: moduleOf(handler) }));
}

/**
 * How each function becomes an ES module with chunks beside it: what it imports lazily (SES, S3, credential providers) is
 * shipped but not loaded. The same for deployment and for the local cloud.
 */
export function bundleOptions(
  handlers: readonly string[],
  outdir: string,
  tasks: TaskSource = { folders: [] },
): BuildOptions {
  return {
    absWorkingDir: ROOT,
    entryPoints: entryPointsOf(handlers),
    outdir,
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // The SDK's ES modules: its CommonJS build cannot be split, and would load every credential provider at start.
    mainFields: ["module", "main"],
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    // A few dependencies still call require(), which an ES module does not have.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    external: NATIVE_PACKAGES,
    plugins: [taskModules(tasks), dashboardModule()],
    logLevel: "silent",
  };
}
