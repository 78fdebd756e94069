import { accessSync, constants, mkdirSync } from "node:fs";
import { WORK_FOLDER } from "./paths.ts";
import type { Serverless } from "./serverless.ts";

/**
 * Makes the folder of everything that is built here, and lets the framework keep its own cache in it, too: that lies in the home folder
 * else, which a container or a build server may not have.
 * @throws the framework's own error, in one sentence, if the folder cannot be written
 */
export function prepareWorkFolder({ classes }: Pick<Serverless, "classes">, folder = WORK_FOLDER): void {
  process.env.SLS_SCHEMA_CACHE_BASE_DIR ||= folder;
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new classes.Error(
      `Folder '${folder}' cannot be written (${reason}): expected a folder of yours, for builds and the local cloud. Change its owner or its rights, or remove it.`,
      "LOVAGE",
    );
  }
}
