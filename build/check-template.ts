import { isObject } from "../localstack/json.ts";
import { objectField, resourcesOf } from "../localstack/template/template.ts";
import { checkSettings } from "../shared/config.ts";
import { checkLimits } from "./check-limits.ts";
import { checkNames } from "./check-names.ts";
import { checkQueues, workersOf } from "./check-queue-wiring.ts";
import { checkReferences } from "./check-references.ts";
import { checkVisibility, VISIBILITY_MARGIN_SECONDS } from "./check-visibility.ts";
import { createResolver } from "./resolve-template.ts";
import type { Template } from "./serverless.ts";

/**
 * Holds the compiled template against what would else be found when it is deployed, or when a task runs: settings, names,
 * queues, times and the limits of AWS. The same for a deployment and for the local cloud, but for the margin of visibility.
 * @param marginSeconds for which a message stays hidden beyond its worker's time
 * @throws Error with the first thing that is wrong
 */
export async function checkTemplate(
  template: Template,
  region: string,
  marginSeconds = VISIBILITY_MARGIN_SECONDS,
): Promise<void> {
  checkReferences(template);
  const resolve = createResolver(template, region);
  for (const { properties } of resourcesOf(template, "AWS::Lambda::Function")) {
    const variables = objectField(properties, "Environment")?.Variables;
    // By the code that reads them in the function.
    checkSettings(isObject(variables) ? variables : {});
  }
  await checkNames(template, resolve);
  await checkQueues(template, resolve);
  checkVisibility(template, workersOf(template), marginSeconds);
  await checkLimits(template, resolve);
}
