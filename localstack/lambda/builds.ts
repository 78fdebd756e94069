import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { type BuildContext, context } from "esbuild";
import { describeBuildFailure } from "../../build/build-failure.ts";
import { bundleOptions, moduleOf } from "../../build/bundle.ts";
import type { FunctionEnvironment } from "../../build/environments.ts";
import { type Inspection, inspectTasks } from "../../build/inspect-tasks.ts";
import { ROOT } from "../../build/paths.ts";
import type { Declarations } from "../../build/task-modules.ts";

export interface BuildsOptions {
  /** Handlers as serverless.yml names them: `handlers/worker.handler`. */
  handlers: readonly string[];
  outdir: string;
  taskFolders: readonly string[];
  /** The functions' environment: their modules may read it when they are imported. */
  environments: readonly FunctionEnvironment[];
  /** Called after each later build whose tasks can be registered, with what they declare. "Reloaded." is said when it settles. */
  onRebuild?: (inspection: Inspection) => Promise<void>;
  log: (line: string) => void;
}

export interface Builds {
  /** Names of the tasks that were registered at the start. */
  tasks: readonly string[];
  /** Absolute path of the bundle that `handler` is in. */
  bundleOf(handler: string): string;
  stop(): Promise<void>;
}

/**
 * Bundles every function, with the same options as a deployment, and again whenever a file changes. A build that fails, or
 * whose tasks cannot be registered, is reported and changes nothing: the functions go on with the code they have.
 * @throws Error if the first build fails
 */
export async function startBuilds(options: BuildsOptions): Promise<Builds> {
  const { handlers, outdir, taskFolders, environments } = options;
  let inspected: Promise<Inspection>;
  const inspect = (): Promise<Inspection> => {
    inspected = inspectTasks({ taskFolders, environments });
    return inspected;
  };
  const declared = async (): Promise<Declarations> => (await inspected).declared;
  const { plugins = [], ...shared } = bundleOptions(handlers, outdir, { folders: taskFolders, declared });
  const built: BuildContext = await context({
    ...shared,
    // The machine's own processor: what is minified is harder to read in a stack, and size does not matter here.
    minify: false,
    plugins,
  });
  let inspection: Inspection;
  try {
    // Asked for first, for the build waits for what it finds.
    [inspection] = await Promise.all([inspect(), built.rebuild()]);
  } catch (error) {
    await built.dispose();
    throw new Error(describeBuildFailure(error));
  }
  const watcher = options.onRebuild && watchSources(options, { inspect, rebuild: () => built.rebuild() });
  return {
    tasks: inspection.tasks,
    bundleOf: (handler) => join(outdir, `${moduleOf(handler)}.mjs`),
    async stop() {
      await watcher?.stop();
      await built.dispose();
    },
  };
}

/** An editor may write a file in several steps; a build that begins after this pause sees them all. */
const SETTLE_MILLISECONDS = 100;
/** Resources and functions are made from it once, at the start. */
const DECLARATION = "serverless.yml";

function watchSources(
  { taskFolders, onRebuild, log }: BuildsOptions,
  steps: { inspect(): Promise<Inspection>; rebuild(): Promise<unknown> },
): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let building = Promise.resolve();

  const rebuild = async (): Promise<void> => {
    try {
      // First whether they can be registered: a build replaces the code that running functions start from.
      const inspection = await steps.inspect();
      await steps.rebuild();
      await onRebuild?.(inspection);
      log("Reloaded.");
    } catch (error) {
      log(`Not reloaded: ${describeBuildFailure(error)}`);
    }
  };
  const watched = ["handlers", "shared", ...taskFolders].filter((folder) => existsSync(join(ROOT, folder)));
  const watchers = [...new Set(watched)].map((folder) =>
    watch(join(ROOT, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        building = building.then(rebuild);
      }, SETTLE_MILLISECONDS);
    }),
  );
  // Its folder, for an editor may put another file in its place.
  let declared: NodeJS.Timeout | undefined;
  const declaration = watch(ROOT, (_, name) => {
    if (name !== DECLARATION) return;
    clearTimeout(declared);
    declared = setTimeout(() => log(`${DECLARATION} has changed: restart to see it.`), SETTLE_MILLISECONDS);
  });
  watchers.push(declaration);
  return {
    async stop() {
      clearTimeout(timer);
      clearTimeout(declared);
      for (const watcher of watchers) watcher.close();
      await building;
    },
  };
}
