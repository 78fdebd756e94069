/** The template's settings of the functions that are invoked asynchronously. */

import type { Resources } from "../template/resources.ts";
import { objectField, rangeField, resourcesOf, type Template, textField } from "../template/template.ts";
import type { AsyncConfig } from "./async-invocations.ts";

/** By function name. @throws Error for a number that AWS would refuse */
export async function readAsyncConfigs(template: Template, resources: Resources): Promise<Map<string, AsyncConfig>> {
  const configs = new Map<string, AsyncConfig>();
  const add = (name: string, config: AsyncConfig): void => void configs.set(name, { ...configs.get(name), ...config });
  for (const { id, properties } of resourcesOf(template, "AWS::Lambda::Function")) {
    const deadLetter = objectField(properties, "DeadLetterConfig")?.TargetArn;
    const name = textField(properties, "FunctionName") ?? id;
    if (deadLetter !== undefined) add(name, { deadLetterArn: String(await resources.resolve(deadLetter)) });
  }
  for (const { properties } of resourcesOf(template, "AWS::Lambda::EventInvokeConfig")) {
    const destinations = objectField(properties, "DestinationConfig") ?? {};
    const onFailure = objectField(destinations, "OnFailure")?.Destination;
    const onSuccess = objectField(destinations, "OnSuccess")?.Destination;
    const [functionName = ""] = String(await resources.resolve(properties.FunctionName))
      .split(":")
      .slice(-1);
    add(functionName, {
      maximumRetryAttempts: rangeField(properties, "MaximumRetryAttempts", [0, 2]),
      maximumEventAgeSeconds: rangeField(properties, "MaximumEventAgeInSeconds", [60, 21_600]),
      ...(onFailure !== undefined && { onFailure: String(await resources.resolve(onFailure)) }),
      ...(onSuccess !== undefined && { onSuccess: String(await resources.resolve(onSuccess)) }),
    });
  }
  return configs;
}
