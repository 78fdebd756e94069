import { objectField, resourcesOf } from "../localstack/template/template.ts";
import type { Resolve } from "./resolve-template.ts";
import type { Template } from "./serverless.ts";

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_RESOURCES = 500;
const MAX_OUTPUTS = 200;
const MAX_TEMPLATE_BYTES = 1_048_576;
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution */
const MAX_ENVIRONMENT_BYTES = 4096;

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
