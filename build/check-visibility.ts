import { numberField } from "../localstack/template/template.ts";
import { mappingsOf } from "./mappings.ts";
import type { Template } from "./serverless.ts";

/** For the poller, which may hold a batch before a worker has it (docs/decisions/0005-visibility.md). */
export const VISIBILITY_MARGIN_SECONDS = 30;

/**
 * Makes sure that a message stays hidden for as long as the function that has it may run. The worker needs a margin on top:
 * its tasks may take all of its time, and a task that shows again before is one that runs twice.
 * @param workers logical ids of the functions that run tasks
 * @throws Error with both times
 */
export function checkVisibility(template: Template, workers: ReadonlySet<string>, marginSeconds: number): void {
  for (const { queue, functionId } of mappingsOf(template)) {
    const properties = template.Resources[queue]?.Properties;
    const functionProperties = template.Resources[functionId]?.Properties;
    if (properties === undefined || functionProperties === undefined) continue;
    const hidden = numberField(properties, "VisibilityTimeout", 30);
    const runs = numberField(functionProperties, "Timeout", 3);
    const margin = workers.has(functionId) ? marginSeconds : 0;
    if (hidden < runs + margin) {
      throw new Error(
        `Queue ${queue} hides a message for ${hidden} s, and ${functionId} may run for ${runs} s: expected a VisibilityTimeout of ${runs + margin} s or more${margin ? `, the function's time and ${margin} s for a batch that waits (custom.visibilityTimeout in serverless.yml)` : ""}, or a shorter 'timeout'.`,
      );
    }
  }
}
