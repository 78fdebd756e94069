import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import type { Serverless } from "./serverless.ts";
import { readTaskFolders } from "./task-modules.ts";

const EXAMPLES = "handlers/examples";

/** Functions of the examples go with their tasks: left out of a stage by its `taskFolders`, and away when the folder is deleted. */
export function leaveOutExamples({ service }: Serverless): void {
  if (readTaskFolders(service.custom.tasks).includes(EXAMPLES) && existsSync(join(ROOT, EXAMPLES))) return;
  for (const [key, { handler, role }] of Object.entries(service.functions)) {
    if (!handler.startsWith(`${EXAMPLES}/`)) continue;
    delete service.functions[key];
    // A role of its own has nobody to serve.
    if (typeof role === "string") delete service.resources?.Resources?.[role];
  }
}
