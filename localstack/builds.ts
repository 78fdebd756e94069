import { join } from "node:path";
import { type BuildContext, context } from "esbuild";
import { bundleOptions, moduleOf } from "../build/bundle.ts";
import { inspectTasks } from "../build/inspect-tasks.ts";

export interface BuildsOptions {
  /** Handlers as serverless.yml names them: `handlers/worker.handler`. */
  handlers: readonly string[];
  outdir: string;
  tasksFolder?: string;
  /** Called after each later build whose tasks can be registered. */
  onRebuild?: () => void;
  log: (line: string) => void;
}

export interface Builds {
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
  const { handlers, outdir, tasksFolder, log } = options;
  const [first = ""] = handlers;
  let builds = 0;
  let built: BuildContext;

  const afterBuild = async (failed: boolean, reasons: string[]): Promise<void> => {
    builds += 1;
    // The first build is reported by this function's caller, and watching begins with a second one of the same files.
    if (builds <= 2) return;
    try {
      if (failed) throw new Error(reasons.join("\n"));
      await inspectTasks(tasksFolder);
      options.onRebuild?.();
      log("Reloaded.");
    } catch (error) {
      log(`Not reloaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  const { entryPoints, plugins = [], ...shared } = bundleOptions(first, outdir, tasksFolder);
  built = await context({
    ...shared,
    entryPoints: handlers.map((handler) => `${moduleOf(handler)}.ts`),
    // The machine's own processor: what is minified is harder to read in a stack, and size does not matter here.
    minify: false,
    plugins: [
      ...plugins,
      {
        name: "lovage:reload",
        setup(build) {
          build.onEnd(({ errors }) =>
            afterBuild(
              errors.length > 0,
              errors.map(({ text, location }) => `${location ? `${location.file}:${location.line}: ` : ""}${text}`),
            ),
          );
        },
      },
    ],
  });
  const [outcome] = await Promise.allSettled([built.rebuild(), inspectTasks(tasksFolder)]).then((settled) =>
    settled.filter((one) => one.status === "rejected"),
  );
  if (outcome) {
    await built.dispose();
    throw outcome.reason;
  }
  if (options.onRebuild) await built.watch({ delay: 100 });
  return {
    bundleOf: (handler) => join(outdir, `${moduleOf(handler)}.mjs`),
    stop: () => built.dispose(),
  };
}
