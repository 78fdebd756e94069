import { isObject } from "../localstack/json.ts";
import { numberField, objectField, resourcesOf } from "../localstack/template/template.ts";
import { queueOf } from "../shared/config.ts";
import { mappingsOf, referenced } from "./mappings.ts";
import type { Template } from "./serverless.ts";

/**
 * Gives each function that knows the queues the variable `WORKERS`: how many workers each queue may have at once, by the maximum concurrency
 * of its event source mappings and the reserved concurrency of their functions. A queue that neither bounds is not in it.
 */
export function tellWorkers(template: Template): void {
  const functions = resourcesOf(template, "AWS::Lambda::Function");
  const reserved = new Map(
    functions.map(({ id, properties }) => [
      id,
      numberField(properties, "ReservedConcurrentExecutions", Number.POSITIVE_INFINITY),
    ]),
  );
  const mappings = mappingsOf(template).map(({ queue, functionId, properties }) => ({
    queue,
    workers: Math.min(
      numberField(objectField(properties, "ScalingConfig") ?? {}, "MaximumConcurrency", Number.POSITIVE_INFINITY),
      reserved.get(functionId) ?? Number.POSITIVE_INFINITY,
    ),
  }));
  for (const { properties } of functions) {
    const variables = objectField(properties, "Environment")?.Variables;
    if (!isObject(variables)) continue;
    const texts = Object.entries(variables).flatMap(([variable, value]) => {
      const [name, queue] = [queueOf(variable), referenced(value)];
      const own = mappings.filter((one) => one.queue === queue);
      const workers = own.reduce((sum, one) => sum + one.workers, 0);
      return name !== undefined && own.length > 0 && Number.isFinite(workers) ? [`${name}:${workers}`] : [];
    });
    if (texts.length > 0) variables.WORKERS = texts.join(",");
  }
}
