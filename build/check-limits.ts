import { isObject } from "../localstack/json.ts";
import { numberField, objectField, resourcesOf, textField } from "../localstack/template/template.ts";
import type { Resolve } from "./resolve-template.ts";
import type { Template } from "./serverless.ts";

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_RESOURCES = 500;
const MAX_OUTPUTS = 200;
const MAX_TEMPLATE_BYTES = 1_048_576;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution */
const MAX_ENVIRONMENT_BYTES = 4096;
/** For the poller, which may hold a batch before a worker has it (docs/decisions/0005-visibility.md). */
export const VISIBILITY_MARGIN_SECONDS = 30;

/**
 * Holds a compiled template against what CloudFormation and Lambda accept.
 * @throws Error with what was found, the limit, and what to do
 */
export async function checkLimits(template: Template, resolve: Resolve): Promise<void> {
  const resources = Object.values(template.Resources);
  if (resources.length > MAX_RESOURCES) {
    const schedules = resources.filter(({ Type }) => Type === "AWS::Scheduler::Schedule").length;
    throw new Error(
      `The template has ${resources.length} resources, ${schedules} of them schedules: CloudFormation accepts at most ${MAX_RESOURCES}. Let one entry of beatSchedule send several tasks, or split the service.`,
    );
  }
  const outputs = Object.keys(template.Outputs ?? {}).length;
  if (outputs > MAX_OUTPUTS) {
    throw new Error(
      `The template has ${outputs} outputs: CloudFormation accepts at most ${MAX_OUTPUTS}. Remove some under 'resources.Outputs' in serverless.yml.`,
    );
  }
  const bytes = Buffer.byteLength(JSON.stringify(template));
  if (bytes > MAX_TEMPLATE_BYTES) {
    throw new Error(
      `The template is ${bytes} bytes long: CloudFormation accepts at most ${MAX_TEMPLATE_BYTES}. Declare less, or split the service.`,
    );
  }
  for (const { id, properties } of resourcesOf(template, "AWS::Lambda::Function")) {
    const variables = await resolve(objectField(properties, "Environment")?.Variables ?? {});
    const size = Buffer.byteLength(JSON.stringify(variables));
    if (size > MAX_ENVIRONMENT_BYTES) {
      throw new Error(
        `The environment of ${id} is ${size} bytes long: Lambda accepts at most ${MAX_ENVIRONMENT_BYTES}. Give large values to a function as a file or a parameter, not as a variable.`,
      );
    }
  }
}

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

/** Which function reads which queue of this template. */
export function mappingsOf(template: Template): { queue: string; functionId: string }[] {
  return resourcesOf(template, "AWS::Lambda::EventSourceMapping").flatMap(({ properties }) => {
    const [queue, functionId] = [referenced(properties.EventSourceArn), referenced(properties.FunctionName)];
    const isQueue = queue !== undefined && template.Resources[queue]?.Type === "AWS::SQS::Queue";
    return isQueue && functionId !== undefined ? [{ queue, functionId }] : [];
  });
}

/** The resource that `!Ref X` or `!GetAtt X.Arn` means. */
export function referenced(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const attribute = value["Fn::GetAtt"];
  if (Array.isArray(attribute)) return String(attribute[0]);
  if (typeof attribute === "string") return attribute.split(".")[0];
  return textField(value, "Ref");
}
