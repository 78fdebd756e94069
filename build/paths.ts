import { existsSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";

/** The service's folder: the nearest one, from the current folder up, that has a `serverless.yml`. */
export const ROOT = serviceFolder(process.cwd());

/** Where everything that is made lies; never in git. */
export const WORK_FOLDER = join(ROOT, ".lovage");

/** The folder of Lovage itself: this repository, or a package that is installed in a service. */
const PACKAGE = resolve(import.meta.dirname, "..");

/** A file of Lovage that is started or bundled by its path. @param module from Lovage's folder, without an ending: `build/inspector` */
export function ownModule(module: string): string {
  // Installed it is JavaScript, for Node takes no TypeScript from node_modules.
  return join(PACKAGE, module + extname(import.meta.filename));
}

/** A file of Lovage that is the same wherever it lies. @param file from Lovage's folder */
export function ownFile(file: string): string {
  return join(PACKAGE, file);
}

function serviceFolder(current: string): string {
  for (let folder = current; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "serverless.yml"))) return folder;
    if (folder === dirname(folder)) return current;
  }
}
