import { isObject } from "../localstack/json.ts";
import { resourcesOf, textField } from "../localstack/template/template.ts";
import type { Template } from "./serverless.ts";

/** Which function reads which queue of this template. */
export function mappingsOf(
  template: Template,
): { queue: string; functionId: string; properties: Record<string, unknown> }[] {
  return resourcesOf(template, "AWS::Lambda::EventSourceMapping").flatMap(({ properties }) => {
    const [queue, functionId] = [referenced(properties.EventSourceArn), referenced(properties.FunctionName)];
    const isQueue = queue !== undefined && template.Resources[queue]?.Type === "AWS::SQS::Queue";
    return isQueue && functionId !== undefined ? [{ queue, functionId, properties }] : [];
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
