import { isObject } from "../localstack/json.ts";
import { isPresent, resolveIntrinsics, type Scope } from "../localstack/template/intrinsics.ts";
import { textField } from "../localstack/template/template.ts";
import type { Template } from "./serverless.ts";

/** An account that nobody has, where CloudFormation will put the real one. */
export const ACCOUNT_ID = "123456789012";

/** Stands for a value that only CloudFormation knows. */
const UNKNOWN = "value-known-when-deployed";

/** A property that gives the resource its name, for each type that we name. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html */
export const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  "AWS::SQS::Queue": "QueueName",
  "AWS::DynamoDB::Table": "TableName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Scheduler::Schedule": "Name",
  "AWS::IAM::Role": "RoleName",
  "AWS::Logs::LogGroup": "LogGroupName",
};

/** Puts into `value` what CloudFormation would, as nearly as can be known before a deployment. */
export type Resolve = (value: unknown) => Promise<unknown>;

/**
 * Reads the functions of a compiled template without an account: names and ARNs look as they will, in an account of twelve
 * digits; what only CloudFormation knows (an import, a condition, a resource without a name) becomes a text that says so.
 */
export function createResolver(template: Template, region: string): Resolve {
  const nameOf = async (id: string): Promise<string> => {
    const resource = template.Resources[id];
    const name = resource && NAME_PROPERTIES[resource.Type];
    const given = name === undefined ? undefined : await resolve(resource?.Properties?.[name]);
    return textField({ given }, "given") ?? `${id}-name-of-CloudFormation`;
  };
  const scope: Scope = {
    async ref(id) {
      const pseudo: Record<string, string> = {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::URLSuffix": "amazonaws.com",
      };
      if (pseudo[id] !== undefined) return pseudo[id];
      const name = await nameOf(id);
      const isQueue = template.Resources[id]?.Type === "AWS::SQS::Queue";
      return isQueue ? `https://sqs.${region}.amazonaws.com/${ACCOUNT_ID}/${name}` : name;
    },
    async attribute(id, attribute) {
      const name = await nameOf(id);
      const place = `${region}:${ACCOUNT_ID}`;
      if (attribute !== "Arn") return attribute.endsWith("Name") ? name : `${UNKNOWN}.${id}.${attribute}`;
      switch (template.Resources[id]?.Type) {
        case "AWS::SQS::Queue":
          return `arn:aws:sqs:${place}:${name}`;
        case "AWS::DynamoDB::Table":
          return `arn:aws:dynamodb:${place}:table/${name}`;
        case "AWS::S3::Bucket":
          return `arn:aws:s3:::${name}`;
        case "AWS::Lambda::Function":
          return `arn:aws:lambda:${place}:function:${name}`;
        case "AWS::IAM::Role":
          return `arn:aws:iam::${ACCOUNT_ID}:role/${name}`;
        default:
          return `${UNKNOWN}.${id}.Arn`;
      }
    },
  };

  async function resolve(value: unknown): Promise<unknown> {
    if (!isPresent(value)) return undefined;
    if (Array.isArray(value)) return Promise.all(value.filter(isPresent).map(resolve));
    if (!isObject(value)) return value;
    const [name, ...more] = Object.keys(value);
    if (more.length === 0 && (name === "Ref" || name?.startsWith("Fn::"))) {
      // A function that is unknown here is no mistake: CloudFormation has more of them.
      return resolveIntrinsics(value, scope).catch(() => UNKNOWN);
    }
    const entries = Object.entries(value)
      .filter(([, entry]) => isPresent(entry))
      .map(async ([key, entry]) => [key, await resolve(entry)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
  return resolve;
}
