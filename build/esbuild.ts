import type { BuildOptions } from "esbuild";
import { taskModules } from "./task-modules.ts";

/** Native code cannot be bundled: it is installed beside the bundle, for the processor that Lambda has. */
const NATIVE = ["sharp"];

/** How a function becomes one small ESM bundle; the same for deployment and for the local cloud. */
export function bundleOptions(tasksFolder?: string): BuildOptions & { external: string[] } {
  return {
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    minify: true,
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    // A few dependencies still call require(), which an ES module does not have.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    external: NATIVE,
    plugins: [taskModules(tasksFolder)],
  };
}

/** What serverless-esbuild asks for; it is required, so the function itself must be the module's export. */
function packageConfig(): object {
  return {
    ...bundleOptions(),
    exclude: [],
    outputFileExtension: ".mjs",
    installExtraArgs: ["--os=linux", "--cpu=arm64", "--omit=dev"],
  };
}

export { packageConfig as "module.exports" };
