import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions, WORK_FOLDER } from "../../build/bundle.ts";

const FOLDER = join(WORK_FOLDER, "faults");

/**
 * Bundles a module that a test starts as a process hundreds of times: it comes up in a third of the time, as a deployed
 * function does. Answers with the bundle's path.
 */
export async function bundle(name: string): Promise<string> {
  await build({ ...bundleOptions(`tests/faults/${name}.handler`, join(FOLDER, name)), sourcemap: false });
  return join(FOLDER, name, "tests", "faults", `${name}.mjs`);
}
