import { readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Plugin } from "esbuild";

const ROOT = resolve(import.meta.dirname, "..");

/** Modules directly in `folder`; subfolders hold what those modules share. */
export function listTaskFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !/\.(d|test)\.ts$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

/** Resolves `lovage:tasks` to a list of all task modules, so that a new file in the folder is registered by being there. */
export function taskModules(folder = "handlers/tasks"): Plugin {
  return {
    name: "lovage:tasks",
    setup(build) {
      build.onResolve({ filter: /^lovage:tasks$/ }, ({ path }) => ({ path, namespace: "lovage" }));
      build.onLoad({ filter: /^lovage:tasks$/, namespace: "lovage" }, () => {
        const files = listTaskFiles(resolve(ROOT, folder));
        const names = files.map((file) => relative(ROOT, file));
        return {
          contents: [
            ...files.map((file, index) => `import * as module${index} from ${JSON.stringify(file)};`),
            `export const modules = [${names.map((name, index) => `{ file: ${JSON.stringify(name)}, exports: module${index} }`).join(", ")}];`,
          ].join("\n"),
          resolveDir: ROOT,
          // Watching the folder itself is what makes a new file appear.
          watchDirs: [resolve(ROOT, folder)],
          watchFiles: files,
        };
      });
    },
  };
}
