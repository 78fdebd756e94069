import { join } from "node:path";
import { build } from "esbuild";
import { bundleOptions } from "../../build/bundle.ts";
import { WORK_FOLDER } from "../../build/paths.ts";

const FOLDER = join(WORK_FOLDER, "faults");

/**
 * Bundles the modules that tests start as processes hundreds of times: they come up in a third of the time, as deployed
 * functions do. Once for all test files, so that none rewrites what another is starting.
 */
export default async function bundleProcesses(): Promise<void> {
  const names = ["life-process", "worker"];
  await Promise.all(
    names.map((name) =>
      build({ ...bundleOptions([`tests/faults/${name}.handler`], join(FOLDER, name)), sourcemap: false }),
    ),
  );
}

/** Where the bundle of `tests/faults/<name>.ts` is. */
export function bundleOf(name: "life-process" | "worker"): string {
  return join(FOLDER, name, "tests", "faults", `${name}.mjs`);
}
