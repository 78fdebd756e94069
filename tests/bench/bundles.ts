/** Every function bundled as for a deployment, and beside it a bare handler with the same SDK clients. */

import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { bundleOptions, moduleOf } from "../../build/bundle.ts";
import { inspectTasks } from "../../build/inspect-tasks.ts";
import { WORK_FOLDER } from "../../build/paths.ts";
import { bareHandler } from "./bare-handler.ts";

/** Sizes in bytes, source maps left out. */
export interface Bundle {
  /** The file that Lambda imports. */
  entry: string;
  /** The files that an import loads. */
  loadedBytes: number;
  /** With what it imports later, if ever. */
  totalBytes: number;
  /** The owner of the loaded bytes: `AWS SDK`, `lovage`, `handlers` (with their tasks), or a package. */
  loadedFrom: Record<string, number>;
}

export interface FunctionBundles {
  name: string;
  /** With tasks, those of `handlers/tasks` and `handlers/examples` unless others are asked for, as it is deployed. */
  deployed: Bundle;
  /** With no task folder: what Lovage itself costs. */
  withoutTasks: Bundle;
  bare: Bundle;
  /** SDK clients that load with it. */
  clients: string[];
}

const FOLDER = join(WORK_FOLDER, "bench", "bundles");
const DEPLOYED_TASKS = ["handlers/tasks", "handlers/examples"];

/**
 * @param handlers as serverless.yml names them: `handlers/worker.handler`
 * @param taskFolders of those that are deployed
 */
export async function buildFunctions(
  handlers: readonly string[],
  taskFolders: readonly string[] = DEPLOYED_TASKS,
): Promise<FunctionBundles[]> {
  await rm(FOLDER, { recursive: true, force: true });
  const bares = new Map<string, Promise<Bundle>>();
  const variables = { BROKER_URL: "https://sqs.us-east-1.amazonaws.com/1/default" };
  const environments = [{ functions: ["worker"], variables }];
  const { declared } = await inspectTasks({ taskFolders, environments });
  const tasks = { folders: taskFolders, declared: async () => declared };
  return Promise.all(
    handlers.map(async (handler): Promise<FunctionBundles> => {
      const name = functionName(handler);
      const outdir = (variant: string): string => join(FOLDER, variant, name);
      const deployed = await build({ ...bundleOptions([handler], outdir("deployed"), tasks), metafile: true });
      const alone = await build({ ...bundleOptions([handler], outdir("without-tasks")), metafile: true });
      const loaded = clientsOf(alone.metafile, loadedOutputs(alone.metafile));
      const lazy = clientsOf(alone.metafile, Object.keys(alone.metafile.outputs)).filter(
        (one) => !loaded.includes(one),
      );
      // Functions with the same clients have the same bare handler beside them.
      const source = bareHandler(loaded, lazy);
      const bare = bares.get(source) ?? buildBare(handler, outdir("bare"), source);
      bares.set(source, bare);
      return {
        name,
        deployed: measure(deployed.metafile),
        withoutTasks: measure(alone.metafile),
        bare: await bare,
        clients: loaded,
      };
    }),
  );
}

/** `handlers/worker.handler` → `worker` */
export function functionName(handler: string): string {
  return basename(moduleOf(handler));
}

async function buildBare(handler: string, outdir: string, contents: string): Promise<Bundle> {
  const { entryPoints, ...options }: BuildOptions = bundleOptions([handler], outdir);
  const stdin = { contents, resolveDir: import.meta.dirname, sourcefile: "handler.js" };
  return measure((await build({ ...options, stdin, metafile: true })).metafile);
}

function measure(metafile: Metafile): Bundle {
  const loaded = loadedOutputs(metafile);
  const sizeOf = (files: readonly string[]): number =>
    files.reduce((sum, file) => sum + (metafile.outputs[file]?.bytes ?? 0), 0);
  const loadedFrom: Record<string, number> = {};
  for (const file of loaded) {
    for (const [input, { bytesInOutput }] of Object.entries(metafile.outputs[file]?.inputs ?? {})) {
      const owner = ownerOf(input);
      loadedFrom[owner] = (loadedFrom[owner] ?? 0) + bytesInOutput;
    }
  }
  return {
    entry: join(WORK_FOLDER, "..", loaded[0] ?? ""),
    loadedBytes: sizeOf(loaded),
    totalBytes: sizeOf(Object.keys(metafile.outputs).filter((file) => file.endsWith(".mjs"))),
    loadedFrom,
  };
}

/** The entry first, then every chunk that it imports statically, at whatever distance. */
function loadedOutputs({ outputs }: Metafile): string[] {
  // A module that is imported lazily is an entry point too, but lies among the chunks.
  const entry = Object.keys(outputs).find((file) => file.endsWith(".mjs") && !file.includes("/chunks/"));
  const loaded = new Set(entry === undefined ? [] : [entry]);
  for (const file of loaded) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement" && !external) loaded.add(path);
    }
  }
  return [...loaded];
}

/** SDK clients in these files, by their package's name. */
function clientsOf({ outputs }: Metafile, files: readonly string[]): string[] {
  const inputs = files.flatMap((file) =>
    Object.entries(outputs[file]?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) =>
      bytesInOutput > 0 ? input : [],
    ),
  );
  const names = inputs.flatMap((input) => /@aws-sdk\/(client-[a-z0-9]+)\//.exec(input)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function ownerOf(input: string): string {
  const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
  if (name === undefined) return input.startsWith("shared/") ? "lovage" : "handlers";
  return /^@(aws-sdk|aws|aws-crypto|smithy)\//.test(name) ? "AWS SDK" : name;
}
