import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  type CORSRule,
  CreateBucketCommand,
  type Event,
  type FilterRule,
  PutBucketCorsCommand,
  PutBucketNotificationConfigurationCommand,
  type QueueConfiguration,
  type S3Client,
} from "@aws-sdk/client-s3";
import { isObject } from "../json.ts";
import { type Created, listField, objectField, textField } from "./template.ts";

/** Creates `AWS::S3::Bucket` with its CORS rules and its notifications to queues. */
export async function createBucket(s3: S3Client, properties: Record<string, unknown>): Promise<Created> {
  const name = textField(properties, "BucketName");
  if (name === undefined) throw new Error("An AWS::S3::Bucket has no BucketName: the local cloud needs one.");
  try {
    await s3.send(new CreateBucketCommand({ Bucket: name }));
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou) && !(error instanceof BucketAlreadyExists)) throw error;
  }

  const cors = listField(objectField(properties, "CorsConfiguration") ?? {}, "CorsRules").filter(isObject);
  if (cors.length > 0) {
    const CORSRules = cors.map(toCorsRule);
    await s3.send(new PutBucketCorsCommand({ Bucket: name, CORSConfiguration: { CORSRules } }));
  }
  const notifications = objectField(properties, "NotificationConfiguration") ?? {};
  const queues = listField(notifications, "QueueConfigurations").filter(isObject);
  if (queues.length > 0) {
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: name,
        NotificationConfiguration: { QueueConfigurations: queues.map(toQueueConfiguration) },
      }),
    );
  }
  return { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } };
}

/** CloudFormation calls them `ExposedHeaders` and `MaxAge`, the API `ExposeHeaders` and `MaxAgeSeconds`. */
function toCorsRule(rule: Record<string, unknown>): CORSRule {
  const texts = (field: string): string[] => listField(rule, field).map(String);
  return {
    AllowedMethods: texts("AllowedMethods"),
    AllowedOrigins: texts("AllowedOrigins"),
    AllowedHeaders: texts("AllowedHeaders"),
    ExposeHeaders: texts("ExposedHeaders"),
    ...(rule.MaxAge !== undefined && { MaxAgeSeconds: Number(rule.MaxAge) }),
  };
}

function toQueueConfiguration(configuration: Record<string, unknown>): QueueConfiguration {
  const filter = objectField(configuration, "Filter");
  const rules = listField(objectField(filter ?? {}, "S3Key") ?? {}, "Rules").filter(isObject);
  return {
    QueueArn: textField(configuration, "Queue"),
    Events: [toEvent(textField(configuration, "Event") ?? "")],
    ...(rules.length > 0 && { Filter: { Key: { FilterRules: rules.map(toFilterRule) } } }),
  };
}

function toFilterRule(rule: Record<string, unknown>): FilterRule {
  return { Name: rule.Name === "suffix" ? "suffix" : "prefix", Value: String(rule.Value) };
}

const EVENTS: readonly Event[] = [
  "s3:ObjectCreated:*",
  "s3:ObjectCreated:Put",
  "s3:ObjectCreated:Post",
  "s3:ObjectCreated:Copy",
  "s3:ObjectCreated:CompleteMultipartUpload",
  "s3:ObjectRemoved:*",
  "s3:ObjectRemoved:Delete",
];

function toEvent(text: string): Event {
  const event = EVENTS.find((known) => known === text);
  if (event === undefined)
    throw new Error(`S3 event '${text}' is not known to the local cloud: expected one of ${EVENTS.join(", ")}.`);
  return event;
}
