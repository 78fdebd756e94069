import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Plugin } from "esbuild";
import { ROOT } from "./paths.ts";

/** The folders that `custom.tasks` in serverless.yml names: a list, or text with commas, as LOVAGE_TASKS is. */
export function readTaskFolders(setting: string | readonly string[]): string[] {
  const folders = [setting].flat().flatMap((text) => text.split(",").map((folder) => folder.trim()));
  return [...new Set(folders.filter((folder) => folder !== ""))];
}

/** Those of the folders that are not there. They are as good as empty: a folder of examples goes by being deleted. */
export function absentFolders(folders: readonly string[]): string[] {
  return folders.filter((folder) => !existsSync(resolve(ROOT, folder)));
}

/** Modules directly in `folder`, none if it is absent; subfolders hold what those modules share. */
function listTaskFiles(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !/\.(d|test)\.ts$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

function entriesOf(folder: string): Dirent[] {
  if (!existsSync(folder)) return [];
  if (!statSync(folder).isDirectory()) {
    throw new Error(
      `Task folder '${relative(ROOT, folder)}' is a file: expected a folder. Set LOVAGE_TASKS, or 'taskFolders' in serverless.yml, to folders with commas between them.`,
    );
  }
  return readdirSync(folder, { withFileTypes: true });
}

/** Resolves `lovage:tasks` to a list of all task modules, so that a new file in a folder is registered by being there. */
export function taskModules(folders: readonly string[]): Plugin {
  return {
    name: "lovage:tasks",
    setup(build) {
      build.onResolve({ filter: /^lovage:tasks$/ }, ({ path }) => ({ path, namespace: "lovage" }));
      build.onLoad({ filter: /^lovage:tasks$/, namespace: "lovage" }, () => {
        const files = folders.flatMap((folder) => listTaskFiles(resolve(ROOT, folder)));
        const names = files.map((file) => relative(ROOT, file));
        return {
          contents: [
            ...files.map((file, index) => `import * as module${index} from ${JSON.stringify(file)};`),
            `export const modules = [${names.map((name, index) => `{ file: ${JSON.stringify(name)}, exports: module${index} }`).join(", ")}];`,
          ].join("\n"),
          resolveDir: ROOT,
          // Watching a folder itself is what makes a new file appear.
          watchDirs: folders.map((folder) => resolve(ROOT, folder)),
          watchFiles: files,
        };
      });
    },
  };
}
