import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BuildOptions } from "esbuild";
import { dashboardModule } from "./dashboard-module.ts";
import { ownModule, ROOT } from "./paths.ts";
import { taskModules } from "./task-modules.ts";

/** Native code cannot be bundled: it is installed beside the bundle, for the processor that Lambda has. */
const NATIVE_PACKAGES = ["sharp"];

/** `handlers/worker.handler` → `handlers/worker`: the module without its ending, as in the deployed zip. */
export function moduleOf(handler: string): string {
  return handler.slice(0, handler.lastIndexOf("."));
}

/** The file of a handler: the service's own or, where it has none of that name, Lovage's. */
export function entryOf(handler: string): string {
  const own = join(ROOT, `${moduleOf(handler)}.ts`);
  const ours = ownModule(moduleOf(handler));
  return !existsSync(own) && existsSync(ours) ? ours : own;
}

/** The entry points of bundles, each with the place of its handler in the deployed zip. */
export function entryPointsOf(handlers: readonly string[]): { in: string; out: string }[] {
  return [...new Set(handlers)].map((handler) => ({ in: entryOf(handler), out: moduleOf(handler) }));
}

/**
 * How one function becomes an ES module with chunks beside it: what it imports lazily (SES, S3, credential providers) is
 * shipped but not loaded. The same for deployment and for the local cloud.
 */
export function bundleOptions(handler: string, outdir: string, taskFolders: readonly string[] = []): BuildOptions {
  return {
    absWorkingDir: ROOT,
    entryPoints: entryPointsOf([handler]),
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
    plugins: [taskModules(taskFolders), dashboardModule()],
    logLevel: "silent",
  };
}
