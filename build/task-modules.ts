import { type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Plugin } from "esbuild";
import { ROOT } from "./paths.ts";

const MODULE = /^lovage:tasks(?:\/lazy)?$/;
const LAZY = "lovage:tasks/lazy";

/** Whether a file of a bundle is a list of the task modules. */
export function isTaskListing(input: string): boolean {
  return MODULE.test(input.replace(/^lovage:(?=lovage:)/, ""));
}

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

/** The declarations of a module. */
export interface Declared {
  /** Names of its tasks, and those that they had before. */
  names: readonly string[];
  /** Names of its schedule entries. */
  entries: readonly string[];
}

/** By the module's file, as the service's folder sees it. */
export type Declarations = ReadonlyMap<string, Declared>;

/** Task folders, and as much as is known of the tasks in them. */
export interface TaskSource {
  folders: readonly string[];
  /** Asked anew for each build. A module that it does not know is loaded at the start. */
  declared?: () => Promise<Declarations>;
}

/**
 * Resolves `lovage:tasks` to a list of all task modules, so that a new file in a folder is registered by being there, and
 * `lovage:tasks/lazy` to one whose modules are loaded when a task of theirs is asked for.
 */
export function taskModules({ folders, declared }: TaskSource): Plugin {
  return {
    name: "lovage:tasks",
    setup(build) {
      build.onResolve({ filter: MODULE }, ({ path }) => ({ path, namespace: "lovage" }));
      build.onLoad({ filter: MODULE, namespace: "lovage" }, async ({ path }) => {
        const files = folders.flatMap((folder) => listTaskFiles(resolve(ROOT, folder)));
        const known: Declarations = (path === LAZY && (await declared?.())) || new Map();
        return {
          contents: listingOf(files, known),
          resolveDir: ROOT,
          // Watching a folder itself is what makes a new file appear.
          watchDirs: folders.map((folder) => resolve(ROOT, folder)),
          watchFiles: files,
        };
      });
    },
  };
}

/** The source of a list of modules: each is loaded with the list, or when one of its known tasks is asked for. */
function listingOf(files: readonly string[], known: Declarations): string {
  const entries = files.map((path, index) => {
    const file = relative(ROOT, path);
    const declared = known.get(file);
    const [at, said] = [JSON.stringify(path), JSON.stringify(file)];
    if (declared === undefined) {
      return { head: `import * as module${index} from ${at};`, entry: `{ file: ${said}, exports: module${index} }` };
    }
    return { head: "", entry: `{ file: ${said}, ...${JSON.stringify(declared)}, load: () => import(${at}) }` };
  });
  const heads = entries.map(({ head }) => head).filter((head) => head !== "");
  return [...heads, `export const modules = [${entries.map(({ entry }) => entry).join(", ")}];`].join("\n");
}
